import { type ChildProcess, fork } from 'node:child_process'

/**
 * Forks a server process; its `stdio[4]` is a stream of its own. Without descriptors or processes to spare, `fork` throws, or returns
 * a process that never runs and has no pipes.
 */
export function forkServer(module: string, execArgv: readonly string[]): ChildProcess | Error {
  try {
    const child = fork(module, {
      execArgv: [...execArgv],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc', 'pipe'],
    })
    child.on('error', () => {})
    if (child.pid !== undefined && child.stdio?.[4]) return child
    child.kill('SIGKILL')
    return new Error('the process could not be started: no descriptors or processes to spare')
  } catch (error) {
    return new Error(`the process could not be started: ${(error as Error).message}`)
  }
}
