/**
 * Work that each message costs beside delivering it (a moderation service, a push gateway), as the simulator models it: so
 * many at once, the others wait in order, and beyond the limit they are refused.
 */
export class WorkSlots {
  readonly concurrency: number
  readonly #queueLimit: number
  readonly #serviceSeconds: () => number
  readonly #queue: (() => void)[] = []
  #busy = 0
  #busySeconds = 0
  #changedAt = performance.now()

  constructor(concurrency: number, queueLimit: number, serviceSeconds: () => number) {
    this.concurrency = concurrency
    this.#queueLimit = queueLimit
    this.#serviceSeconds = serviceSeconds
  }

  get queued(): number {
    return this.#queue.length
  }

  /** Slot-seconds that were busy. */
  get busySeconds(): number {
    this.#integrate()
    return this.#busySeconds
  }

  /** Resolves when the work is done; `undefined` when too many wait. */
  work(): Promise<void> | undefined {
    if (this.#busy >= this.concurrency && this.#queue.length >= this.#queueLimit) return undefined
    return new Promise((resolve) => {
      const start = () => setTimeout(() => this.#done(resolve), this.#serviceSeconds() * 1000)
      if (this.#busy < this.concurrency) {
        this.#integrate()
        this.#busy++
        start()
      } else {
        this.#queue.push(start)
      }
    })
  }

  #done(resolve: () => void): void {
    const next = this.#queue.shift()
    if (next) {
      next()
    } else {
      this.#integrate()
      this.#busy--
    }
    resolve()
  }

  #integrate(): void {
    const now = performance.now()
    this.#busySeconds += (this.#busy * (now - this.#changedAt)) / 1000
    this.#changedAt = now
  }
}
