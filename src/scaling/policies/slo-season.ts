/** Seconds of a bin of a season. */
const BIN = 300

/**
 * What the load is at each time of a season (a day, a week), learned as it comes: for every bin of five minutes the mean over the
 * seasons so far, with the last ones counting most.
 */
export class Season {
  readonly #bins: number
  readonly #means: Float64Array
  readonly #seen: Uint8Array
  #bin = -1
  #sum = 0
  #count = 0

  /** @param length seconds */
  constructor(length: number) {
    this.#bins = Math.round(length / BIN)
    this.#means = new Float64Array(this.#bins)
    this.#seen = new Uint8Array(this.#bins)
  }

  add(time: number, load: number): void {
    const bin = Math.floor(time / BIN) % this.#bins
    if (bin !== this.#bin) {
      if (this.#bin >= 0 && this.#count > 0) this.#close()
      this.#bin = bin
    }
    this.#sum += load
    this.#count++
  }

  #close(): void {
    const mean = this.#sum / this.#count
    const seen = this.#seen[this.#bin]!
    // The first seasons count alike, from the fourth on the newest counts a quarter.
    this.#means[this.#bin]! += (mean - this.#means[this.#bin]!) / Math.min(4, seen + 1)
    if (seen < 255) this.#seen[this.#bin] = seen + 1
    this.#sum = 0
    this.#count = 0
  }

  /** The mean load at `time`, on straight lines between the middles of bins; `undefined` where it was never seen. */
  at(time: number): number | undefined {
    const exact = time / BIN - 0.5
    const before = Math.floor(exact)
    const a = ((before % this.#bins) + this.#bins) % this.#bins
    const b = (a + 1) % this.#bins
    if (this.#seen[a] === 0 || this.#seen[b] === 0) return undefined
    return this.#means[a]! + (this.#means[b]! - this.#means[a]!) * (exact - before)
  }
}
