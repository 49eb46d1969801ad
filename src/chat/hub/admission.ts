/** Appends in flight, and bytes of their bodies, beyond which one more is rejected. */
const MAX_IN_FLIGHT = 16_384
const MAX_BYTES = 8 * 2 ** 20
/**
 * The age of the oldest append in flight beyond which one more is rejected, milliseconds: what is accepted under overload
 * waits about so long, with the turns of the event loop in which it is read and answered.
 */
const MAX_AGE_MS = 300
const LEAST_MAX_AGE_MS = 50
/** So many may be in flight whatever their age: a slow disk must not reject a single sender, … */
const ALWAYS_IN_FLIGHT = 256
/** … and a server whose turns are long from rejecting must still accept what is answered within this many seconds. */
const ALWAYS_SECONDS = 0.15
/** Over how long the rate of answers is measured. */
const RATE_MS = 250

/** Decides whether one more append may be in flight, so that what is accepted is answered soon. */
export class Admission {
  #inFlight = 0
  #bytes = 0
  #answered = 0
  /** Answers per second in the last two windows: one alone may end just before a turn's answers come. */
  #perSecond = 0
  #perSecondBefore = 0
  #since = performance.now()
  /** When this turn of the event loop first asked, and how long the last turn that did went on after that. */
  #turnBegan: number | undefined
  #lastTurnMs = 0

  began(bytes: number): void {
    this.#inFlight++
    this.#bytes += bytes
  }

  ended(bytes: number): void {
    this.#inFlight--
    this.#bytes -= bytes
    this.#answered++
  }

  /**
   * Milliseconds after which to try again; `undefined` when an append may begin now.
   * @param oldest when the oldest append in flight began, `performance.now()`
   */
  retryMs(oldest: number | undefined): number | undefined {
    const now = performance.now()
    const turnMs = this.#turnMs(now)
    if (oldest === undefined || this.#inFlight < this.#always(now)) return undefined
    const age = now - oldest
    const maxAge = Math.max(LEAST_MAX_AGE_MS, MAX_AGE_MS - 2 * turnMs)
    if (age <= maxAge && this.#inFlight < MAX_IN_FLIGHT && this.#bytes <= MAX_BYTES) return undefined
    return Math.round(Math.min(5000, Math.max(500, 2 * age)))
  }

  #always(now: number): number {
    const elapsed = now - this.#since
    if (elapsed >= RATE_MS) {
      this.#perSecondBefore = this.#perSecond
      this.#perSecond = (1000 * this.#answered) / elapsed
      this.#answered = 0
      this.#since = now
    }
    const perSecond = Math.max(this.#perSecond, this.#perSecondBefore)
    const always = Math.max(ALWAYS_IN_FLIGHT, perSecond * ALWAYS_SECONDS)
    return this.#bytes <= MAX_BYTES ? Math.min(always, MAX_IN_FLIGHT) : ALWAYS_IN_FLIGHT
  }

  /** How long a message may have waited until this server came to read it: the length of a turn of the event loop. */
  #turnMs(now: number): number {
    if (this.#turnBegan === undefined) {
      this.#turnBegan = now
      setImmediate(() => {
        this.#lastTurnMs = performance.now() - now
        this.#turnBegan = undefined
      })
    }
    return Math.max(this.#lastTurnMs, now - this.#turnBegan)
  }
}
