import { availableParallelism } from 'node:os'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { ConcertinaError, type ErrorCode } from '../base/errors.ts'
import { FROM_SOURCE, moduleFile } from '../base/package-folder.ts'
import type { Outcome, Task } from './tasks.ts'

interface Answer {
  readonly outcome?: Outcome
  readonly error?: { code: ErrorCode; message: string; hint?: string; where?: string }
}

/** A thread with the module compiled as it is, or from source through `tsx`, which each thread must register. */
function launch(): Worker {
  const module = moduleFile('backtest/task-worker')
  if (!FROM_SOURCE) return new Worker(module)
  const tsx = import.meta.resolve('tsx/esm/api')
  const source = pathToFileURL(module).href
  const boot = `import('${tsx}').then(({ register }) => { register(); return import('${source}') })`
  return new Worker(boot, { eval: true, execArgv: [] })
}

/** Who works, and until when. */
export interface PoolOptions {
  /** Threads; default as many as the machine has cores. */
  readonly workers?: number
  readonly signal?: AbortSignal
}

/** Worker threads that do one list of tasks after another, until the pool is closed or its signal aborts. */
export class TaskPool {
  readonly #most: number
  readonly #signal: AbortSignal | undefined
  readonly #workers: Worker[] = []

  constructor({ workers = availableParallelism(), signal }: PoolOptions = {}) {
    this.#most = workers
    this.#signal = signal
  }

  /** Whether it has been stopped. */
  get stopped(): boolean {
    return this.#signal?.aborted ?? false
  }

  /**
   * Does all tasks and returns the outcomes in the tasks' order, whichever was done first. Aborted, it returns those that are there.
   * @param tasks a function is asked for its task when a thread is free for it
   */
  async perform(
    tasks: readonly (Task | (() => Task))[],
    onDone: (outcome: Outcome, index: number) => void = () => {},
  ): Promise<(Outcome | undefined)[]> {
    const outcomes = new Array<Outcome | undefined>(tasks.length).fill(undefined)
    if (tasks.length === 0 || this.stopped) return outcomes
    while (this.#workers.length < Math.min(this.#most, tasks.length)) this.#workers.push(launch())
    let next = 0
    let open = tasks.length
    let onAbort = () => {}
    await new Promise<void>((resolve, reject) => {
      onAbort = resolve
      this.#signal?.addEventListener('abort', onAbort)
      for (const worker of this.#workers) {
        let index = -1
        const give = () => {
          if (next === tasks.length) return
          index = next++
          const task = tasks[index]!
          worker.postMessage(typeof task === 'function' ? task() : task)
        }
        worker.removeAllListeners('error').removeAllListeners('message')
        worker.on('error', reject)
        worker.on('message', ({ outcome, error }: Answer) => {
          if (this.stopped) return
          if (error) return reject(new ConcertinaError(error.code, error.message, error))
          outcomes[index] = outcome
          onDone(outcome!, index)
          if (--open === 0) resolve()
          else give()
        })
        give()
      }
    }).finally(() => this.#signal?.removeEventListener('abort', onAbort))
    return outcomes
  }

  /** Ends every thread, whatever it is doing. */
  async close(): Promise<void> {
    await Promise.all(this.#workers.splice(0).map((worker) => worker.terminate()))
  }
}
