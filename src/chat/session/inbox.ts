import { setTimeout as sleep } from 'node:timers/promises'
import type { TokenBucket } from '../../base/rate-limit.ts'
import type { Outbox } from './outbox.ts'

/** Frames that may wait. Reading pauses as soon as one does, so that only what was read already can follow. */
const MAX_WAITING = 1024

/** The reading side of a connection. */
interface Reader {
  pause(): void
  resume(): void
}

interface FrameHandler<Frame> {
  /** Returns what the next frame has to wait for; must not throw or reject. */
  handle(frame: Frame): Promise<void> | undefined
}

/**
 * The frames of one connection on their way in: handled one after another, in order, within a budget, and only while the
 * connection reads its answers. Whatever cannot be handled now pauses reading: the sender waits, not this server.
 */
export class Inbox<Frame> {
  readonly #waiting: { frame: Frame; cost: number }[] = []
  readonly #reader: Reader
  readonly #outbox: Outbox
  readonly #budget: TokenBucket
  readonly #handler: FrameHandler<Frame>
  #running = false
  #paused = false
  #closed = false

  constructor(reader: Reader, outbox: Outbox, budget: TokenBucket, handler: FrameHandler<Frame>) {
    this.#reader = reader
    this.#outbox = outbox
    this.#budget = budget
    this.#handler = handler
  }

  /** Receives the next frame; `false` when the sender floods the connection, which should be closed then. */
  push(frame: Frame, cost: number): boolean {
    if (this.#closed) return true
    if (this.isIdle && this.pass(cost)) {
      const step = this.#handler.handle(frame)
      if (step !== undefined) void this.#run(step)
      return true
    }
    if (this.#waiting.length >= MAX_WAITING) return false
    this.#waiting.push({ frame, cost })
    if (!this.#running) void this.#run()
    else this.#pause()
    return true
  }

  /** Whether nothing waits, and answers are read. */
  get isIdle(): boolean {
    return !this.#running && !this.#closed && !this.#outbox.full
  }

  /** Whether a frame that need not wait for others is within the budget; it is counted then. */
  pass(cost: number): boolean {
    return this.#budget.take(performance.now() / 1000, cost) === 0
  }

  close(): void {
    this.#closed = true
    this.#waiting.length = 0
  }

  /** @param first what a frame that is being handled waits for */
  async #run(first?: Promise<void>): Promise<void> {
    this.#running = true
    if (first !== undefined) await first
    for (let next = this.#waiting.shift(); next && !this.#closed; next = this.#waiting.shift()) {
      const wait = this.#budget.take(performance.now() / 1000, next.cost, true)
      if (wait > 0) {
        this.#pause()
        await sleep(wait * 1000)
      }
      while (this.#outbox.full && !this.#closed && !this.#outbox.closed) {
        this.#pause()
        await this.#outbox.drained()
      }
      if (this.#closed) break
      const step = this.#handler.handle(next.frame)
      if (step !== undefined) await step
    }
    this.#running = false
    if (this.#paused && !this.#closed) {
      this.#paused = false
      this.#reader.resume()
    }
  }

  #pause(): void {
    if (this.#paused) return
    this.#paused = true
    this.#reader.pause()
  }
}
