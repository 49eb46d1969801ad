import { type ChildProcess, fork, type StdioOptions } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Forks a module of `bench/` and waits for its first message. Rejects when the module ends without one. */
export async function start<T>(
  module: string,
  args: readonly string[],
  stdio?: StdioOptions,
): Promise<{ child: ChildProcess; first: T }> {
  const path = fileURLToPath(new URL(`../${module}`, import.meta.url))
  const child = fork(path, args, { execArgv: ['--import', import.meta.resolve('tsx')], stdio })
  return { child, first: await nextMessage<T>(child) }
}

/** The next message of a process, which rejects when the process ends before it. */
export async function nextMessage<T>(child: ChildProcess): Promise<T> {
  const answered = new AbortController()
  const { signal } = answered
  const ended = once(child, 'exit', { signal }).then(([code]) => {
    throw new Error(`${child.spawnargs.slice(-2).join(' ')} ended with ${code} before it answered`)
  })
  try {
    const [message] = (await Promise.race([once(child, 'message', { signal }), ended])) as [T]
    return message
  } finally {
    answered.abort()
    ended.catch(() => {})
  }
}

const ROOT = new URL('../../', import.meta.url)

/** Throws unless the program was built since its source changed last. */
export function requireBuilt(): void {
  const bundle = new URL('dist/live/server-process.bundle.js', ROOT) // the build always writes it
  const source = readdirSync(new URL('src/', ROOT), { recursive: true, withFileTypes: true })
  const newest = Math.max(
    ...source
      .filter((each) => each.name.endsWith('.ts') && !each.name.endsWith('.test.ts'))
      .map((each) => statSync(join(each.path, each.name)).mtimeMs),
  )
  if (!existsSync(bundle) || statSync(bundle).mtimeMs < newest)
    throw new Error('what is built is run here: run `npm run build` first')
}

/**
 * A module of the program as it is built, by its path in `src/` without the ending. From source, through `tsx`, each function that
 * is made carries 256 bytes for its name: that would measure `tsx`.
 */
export async function built<T>(module: string): Promise<T> {
  requireBuilt()
  return (await import(new URL(`dist/${module}.js`, ROOT).href)) as T
}

export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  const late = setTimeout(() => child.kill('SIGKILL'), 3000)
  await once(child, 'exit')
  clearTimeout(late)
}

const fieldsOf = (pid: number) => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

/** A process and its children that run a chat server (Linux). */
export function withServers(pid: number): number[] {
  const children = readdirSync('/proc')
    .map(Number)
    .filter((each) => {
      try {
        return (
          Number(fieldsOf(each)[1]) === pid &&
          readFileSync(`/proc/${each}/cmdline`, 'utf8').includes('server-process')
        )
      } catch {
        return false
      }
    })
  return [pid, ...children]
}

/** CPU seconds that a process has used (Linux). */
export function cpuSeconds(pid: number): number {
  const fields = fieldsOf(pid)
  return (Number(fields[11]) + Number(fields[12])) / 100
}

/** Resident memory of a process in bytes (Linux). */
export function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024
}

export const sleep = (seconds: number) => new Promise((resolve) => setTimeout(resolve, seconds * 1000))
