import type { ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { FROM_SOURCE, moduleFile } from '../base/package-folder.ts'
import { forkServer } from '../fleet/providers/fork-server.ts'

/**
 * How to run a module of this folder as a process: as the one file that the build makes of it, which starts in half the time,
 * as it is compiled, or from source through `tsx`.
 */
export function processModule(name: string): { module: string; execArgv: string[] } {
  const module = moduleFile(`live/${name}`)
  if (FROM_SOURCE) return { module, execArgv: ['--import', createRequire(import.meta.url).resolve('tsx')] }
  const bundle = module.replace(/\.js$/, '.bundle.js')
  return { module: existsSync(bundle) ? bundle : module, execArgv: [] }
}

/**
 * Runs `serve` with a server process that loads while the rest of the fleet does. It has ended afterwards, whether it was used or not.
 */
export async function withStartedServer<T>(
  serve: (started: ChildProcess | undefined) => Promise<T>,
): Promise<T> {
  const { module, execArgv } = processModule('server-process')
  const child = forkServer(module, execArgv)
  if (child instanceof Error) return serve(undefined) // the fleet reports it, if it lasts
  try {
    return await serve(child)
  } finally {
    child.kill('SIGKILL')
  }
}
