import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Whether this runs from source, not as the build compiles it. */
export const FROM_SOURCE = import.meta.url.endsWith('.ts')

/** The folder of this package; the same from source, compiled, and from the one file that the build makes of many. */
const FOLDER = (() => {
  const here = dirname(fileURLToPath(import.meta.url))
  for (let folder = here; ; folder = dirname(folder))
    if (existsSync(join(folder, 'package.json')) || folder === dirname(folder)) return folder
})()

/** A file of this package. */
export function packageFile(path: string): string {
  return join(FOLDER, path)
}

/** The file of a module, by its path in `src/` without the ending. */
export function moduleFile(path: string): string {
  return packageFile(FROM_SOURCE ? `src/${path}.ts` : `dist/${path}.js`)
}
