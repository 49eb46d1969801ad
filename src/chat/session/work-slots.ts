import { distribution } from '../../base/distribution.ts'
import { requireNumber } from '../../base/errors.ts'
import { requireKnown } from '../../base/known-keys.ts'
import { within } from '../../base/options.ts'
import type { Rng } from '../../base/rng.ts'
import type { MessageWork } from '../options.ts'

/**
 * Work that each message costs beside delivering it (a moderation service, a push gateway), as the simulator models it: so
 * many at once, the others wait in order, and beyond the limit they are rejected.
 */
export class WorkSlots {
  readonly concurrency: number
  readonly #queueLimit: number
  readonly #serviceSeconds: () => number
  readonly #queue: (() => void)[] = []
  #busy = 0
  #busySeconds = 0
  #changedAt = performance.now()

  /** @throws {ConcertinaError} INVALID_INPUT, naming the option. */
  constructor(work: MessageWork, rng: Rng) {
    requireKnown('work', work, { concurrency: true, queueLimit: true, serviceTime: true })
    const { concurrency, queueLimit, serviceTime } = work
    this.concurrency = requireNumber('work.concurrency', concurrency, { min: 1, integer: true })
    this.#queueLimit = requireNumber('work.queueLimit', queueLimit, { min: 0, integer: true })
    this.#serviceSeconds = within('work.serviceTime', () => distribution(serviceTime)).sampler(rng)
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
