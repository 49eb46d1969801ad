const DAY = 86_400
/** Steers for a little less than what is allowed, since what it cannot foresee comes on top. */
const AIM = 0.86
/** Prices are these times 1/allowed, at which a server is worth holding that is needed for that share of the time. */
const LEAST_PRICE = 0.3
const MOST_PRICE = 100

/**
 * Keeps account of the overload that really came, and of that which the policy has to answer for. Steers by the second: allows more when there was less than allowed, and less
 * when there was more, in the manner of adaptive conformal inference (Gibbs and Candès, "Adaptive conformal inference under
 * distribution shift", NeurIPS 2021). How much it would pay to come back under the allowance rises day by day, and only on
 * days that were over, not with the size of one burst: one surprise that nothing could have met is not worth an army after.
 */
export class OverloadBudget {
  readonly #target: number
  #over = 0
  #own = 0
  #load = 0
  #dayOwn = 0
  #dayLoad = 0
  #dayEnd: number | undefined
  #price = 1

  /** @param overload the allowed share of user-time */
  constructor(overload: number) {
    this.#target = overload * AIM
  }

  /** Over the last tick, `load` users were there, of whom `over` above capacity; for `own` it has to answer. */
  add(time: number, load: number, over: number, own: number, keep: number): void {
    this.#over = this.#over * keep + over
    this.#own = Math.max(0, this.#own * keep + own)
    this.#load = this.#load * keep + load
    this.#dayOwn += own
    this.#dayLoad += load
    this.#dayEnd ??= time + DAY
    if (time < this.#dayEnd) return
    const wasOver = this.#dayOwn > (this.#target / AIM) * this.#dayLoad
    if (this.#steered > this.#target && wasOver) this.#price = Math.min(MOST_PRICE, this.#price * 2)
    else if (this.#steered < this.#target) this.#price = Math.max(LEAST_PRICE, this.#price / Math.SQRT2)
    this.#dayEnd = time + DAY
    this.#dayOwn = 0
    this.#dayLoad = 0
  }

  /** The share of user-time that really was above capacity, of late. */
  get realised(): number {
    return this.#load > 0 ? this.#over / this.#load : 0
  }

  get #steered(): number {
    return this.#load > 0 ? this.#own / this.#load : 0
  }

  /** What a way to scale may have had so that the account evens out in as long a time as it took to get where it is. */
  get allowed(): number {
    return this.#target * Math.min(2, Math.max(0.5, 2 - this.#steered / this.#target))
  }

  /** Server-seconds that it pays to spare a server's worth of users a second above capacity. */
  get price(): number {
    return (this.#price * AIM) / this.#target
  }
}
