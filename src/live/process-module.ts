import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

/** How to run a module of this folder as a process: compiled as it is, or from source through `tsx`. */
export function processModule(name: string): { module: string; execArgv: string[] } {
  const fromSource = import.meta.url.endsWith('.ts')
  const module = fileURLToPath(new URL(`./${name}.${fromSource ? 'ts' : 'js'}`, import.meta.url))
  if (!fromSource) return { module, execArgv: [] }
  return { module, execArgv: ['--import', createRequire(import.meta.url).resolve('tsx')] }
}
