import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { ConcertinaError, type ErrorCode } from '../errors.ts'
import type { Outcome, Task } from './tasks.ts'

interface Answer {
  readonly outcome?: Outcome
  readonly error?: { code: ErrorCode; message: string; hint?: string; where?: string }
}

/** A thread with the module compiled as it is, or from source through `tsx`, which a thread must register by itself. */
function launch(): Worker {
  const url = new URL('./task-worker.js', import.meta.url)
  if (!import.meta.url.endsWith('.ts')) return new Worker(url)
  const tsx = import.meta.resolve('tsx/esm/api')
  const source = new URL('./task-worker.ts', import.meta.url).href
  const boot = `import('${tsx}').then(({ register }) => { register(); return import('${source}') })`
  return new Worker(boot, { eval: true, execArgv: [] })
}

/** How a pool works, and who watches. */
export interface PoolOptions {
  /** Threads; as many as the machine has cores unless told. */
  readonly workers?: number
  readonly signal?: AbortSignal
  readonly onDone?: (outcome: Outcome, index: number) => void
}

/**
 * Does all tasks in worker threads and gives the outcomes in the tasks' order, whoever was done first. Aborted, it gives those
 * that are there; in any case no thread is left.
 */
export async function performAll(
  tasks: readonly Task[],
  options: PoolOptions = {},
): Promise<(Outcome | undefined)[]> {
  const { signal, onDone } = options
  const outcomes = new Array<Outcome | undefined>(tasks.length).fill(undefined)
  const count = Math.min(options.workers ?? availableParallelism(), tasks.length)
  if (count === 0 || signal?.aborted) return outcomes
  const workers: Worker[] = []
  let next = 0
  let open = tasks.length
  try {
    await new Promise<void>((resolve, reject) => {
      signal?.addEventListener('abort', () => resolve(), { once: true })
      for (let i = 0; i < count; i++) {
        const worker = launch()
        workers.push(worker)
        let index = -1
        const give = () => {
          if (next === tasks.length) return
          index = next++
          worker.postMessage(tasks[index])
        }
        worker.on('error', reject)
        worker.on('message', ({ outcome, error }: Answer) => {
          if (error) return reject(new ConcertinaError(error.code, error.message, error))
          outcomes[index] = outcome
          onDone?.(outcome!, index)
          if (--open === 0) resolve()
          else give()
        })
        give()
      }
    })
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()))
  }
  return outcomes
}
