/** Longer than this many intervals is a gap. */
const GAP = 1.5
/** After this many decisions in a row at another distance, that is the interval. */
const PATIENCE = 20

/**
 * Estimates how far apart the decisions are: from the first two and, since these may be odd (a late start, a moved clock), again
 * when none of the following keeps to it for a while.
 */
export class IntervalEstimator {
  /** Seconds between two decisions; 0 before it is known. */
  interval = 0
  #odd = 0
  #sum = 0

  /**
   * Takes how many seconds passed since the decision before, if there was one. Returns `begins` when they set a new interval, `tick`
   * when one passed, `gap` when they are not comparable.
   */
  see(elapsed: number | undefined): 'begins' | 'tick' | 'gap' {
    if (elapsed === undefined || elapsed <= 0) return 'gap'
    if (this.interval === 0) {
      this.interval = elapsed
      return 'begins'
    }
    const late = elapsed >= GAP * this.interval
    if (late || elapsed * GAP <= this.interval) {
      this.#odd++
      this.#sum += elapsed
    } else {
      this.#odd = 0
      this.#sum = 0
    }
    if (this.#odd < PATIENCE) return late ? 'gap' : 'tick'
    this.interval = this.#sum / this.#odd
    this.#odd = 0
    this.#sum = 0
    return 'begins'
  }
}
