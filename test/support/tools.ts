import { existsSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Whether a tool that tests need is there. Says once what to install; in CI a missing one is a failure. */
export function requireTool(found: boolean, wanted: string): boolean {
  if (found) return true
  if (process.env.CI) throw new Error(wanted)
  console.log(wanted)
  return false
}

/** The folder of test programs, `bin` or one that begins with `prefix`, in which all of these have been built. */
export function builtFolder(prefix: string, names: readonly string[]): string | undefined {
  const cache = process.env.CONCERTINA_TEST_CACHE ?? join(homedir(), '.cache', 'concertina-test')
  const folders = existsSync(cache) ? readdirSync(cache) : []
  return folders
    .filter((name) => name === 'bin' || name.startsWith(prefix))
    .map((name) => join(cache, name))
    .find((folder) => names.every((name) => existsSync(join(folder, name))))
}
