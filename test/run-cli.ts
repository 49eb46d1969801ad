import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export const MAIN = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url))
export const TSX = import.meta.resolve('tsx')
/** What Node runs: the command line from source. */
const SOURCE: readonly string[] = ['--import', TSX, MAIN]
/** The same as it is built, which starts in a fraction of the time. */
export const BUILT: readonly string[] = [fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))]

export interface Finished {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Starts the real command line as a process of its own, with `env` beside this one's variables; by default from source. */
export function startCli(
  args: readonly string[],
  env: Record<string, string> = {},
  program = SOURCE,
): { child: ChildProcess; finished: Promise<Finished> } {
  const child = spawn(process.execPath, [...program, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk
  })
  const finished = once(child, 'close').then(([status]) => ({
    status: status as number | null,
    stdout,
    stderr,
  }))
  return { child, finished }
}

/** Runs the real command line to its end. */
export async function runCli(
  args: readonly string[],
  during: (child: ChildProcess) => void | Promise<void> = () => {},
): Promise<Finished> {
  const { child, finished } = startCli(args)
  await during(child)
  return finished
}
