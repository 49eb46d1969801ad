import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

/**
 * How to run a module of this folder as a process: as the one file that the build makes of it, which starts in half the time,
 * as it is compiled, or from source through `tsx`.
 */
export function processModule(name: string): { module: string; execArgv: string[] } {
  const fromSource = import.meta.url.endsWith('.ts')
  const module = fileURLToPath(new URL(`./${name}.${fromSource ? 'ts' : 'js'}`, import.meta.url))
  if (!fromSource) {
    const bundle = module.replace(/\.js$/, '.bundle.js')
    return { module: existsSync(bundle) ? bundle : module, execArgv: [] }
  }
  return { module, execArgv: ['--import', createRequire(import.meta.url).resolve('tsx')] }
}
