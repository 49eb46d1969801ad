import type { ChildProcess } from 'node:child_process'

/** Milliseconds until a spare is started after one was needed: the server that was just launched comes first. */
const REFILL_MS = 1000
/** And after one died, as all may where processes cannot run. */
const REFILL_AFTER_DEATH_MS = 10_000

/** Processes that have loaded their program and wait to become servers, so that a launch does not wait for it. */
export class WarmSpares {
  readonly #fork: () => ChildProcess | Error
  readonly #count: number
  readonly #waiting = new Set<ChildProcess>()
  #timer: NodeJS.Timeout | undefined
  #closed = false

  /**
   * @param fork starts a process, or says why it could not
   * @param count how many wait
   * @param started waits already
   */
  constructor(fork: () => ChildProcess | Error, count: number, started?: ChildProcess) {
    this.#fork = fork
    this.#count = count
    if (started) this.#waiting.add(started)
  }

  /** One that waits, if any does. */
  take(): ChildProcess | undefined {
    for (const child of this.#waiting) {
      this.#waiting.delete(child)
      if (child.exitCode === null && child.signalCode === null && child.connected) return child
    }
    return undefined
  }

  /** Starts the missing ones in a moment. */
  refill(afterMs = REFILL_MS): void {
    if (this.#timer || this.#closed || this.#waiting.size >= this.#count) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      while (!this.#closed && this.#waiting.size < this.#count) {
        const child = this.#fork()
        if (child instanceof Error) {
          this.refill(REFILL_AFTER_DEATH_MS)
          return
        }
        this.#waiting.add(child)
        child.once('exit', () => {
          if (this.#waiting.delete(child)) this.refill(REFILL_AFTER_DEATH_MS)
        })
      }
    }, afterMs)
    this.#timer.unref()
  }

  /** Ends them all; resolves when none is left. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    const ending = [...this.#waiting].filter((child) => child.exitCode === null && child.signalCode === null)
    this.#waiting.clear()
    await Promise.all(
      ending.map(
        (child) =>
          new Promise((resolve) => {
            child.once('exit', resolve)
            child.kill('SIGKILL')
          }),
      ),
    )
  }
}
