/** Scores are kept in bins that are narrow near 0 and wide far from it: equal steps of asinh(score / FINE). */
const FINE = 0.01
const BINS = 320
const LOWEST = Math.asinh(-1.5 / FINE)
const STEP = (Math.asinh(1000 / FINE) - LOWEST) / BINS
/** The upper edge of each bin. */
const EDGES = Float64Array.from({ length: BINS }, (_, i) => Math.sinh(LOWEST + (i + 1) * STEP) * FINE)

/**
 * How wrong a forecaster was: a histogram of its scores (what came less what was expected, in units of a scale) that forgets,
 * of fixed size. Quantiles are right to 5 % of the score.
 */
export class ErrorSketch {
  readonly #weights = new Float64Array(BINS)
  /** Of the next score: grows, which makes earlier ones lighter. */
  #weight = 1
  #total = 0
  readonly #growth: number

  /** @param memory scores after which one counts for 1/e */
  constructor(memory: number) {
    this.#growth = Math.exp(1 / memory)
  }

  add(score: number, times = 1): void {
    const bin = Math.floor((Math.asinh(score / FINE) - LOWEST) / STEP)
    const weight = this.#weight * times
    this.#weights[bin < 0 ? 0 : bin >= BINS ? BINS - 1 : bin]! += weight
    this.#total += weight
    this.#weight *= this.#growth
    if (this.#weight > 1e100) {
      for (let i = 0; i < BINS; i++) this.#weights[i]! /= this.#weight
      this.#total /= this.#weight
      this.#weight = 1
    }
  }

  /** Writes into `into` the scores that the given shares, in rising order, of all do not exceed. */
  quantiles(shares: readonly number[], into: Float64Array, at: number): void {
    let bin = 0
    let below = this.#weights[0]!
    for (let i = 0; i < shares.length; i++) {
      const wanted = shares[i]! * this.#total
      while (bin < BINS - 1 && below < wanted) below += this.#weights[++bin]!
      into[at + i] = EDGES[bin]!
    }
  }

  /** The share of scores that are at most `score`. */
  shareBelow(score: number): number {
    let below = 0
    for (let i = 0; i < BINS && EDGES[i]! <= score + 1e-12; i++) below += this.#weights[i]!
    return this.#total > 0 ? below / this.#total : 0
  }
}
