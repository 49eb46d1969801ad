/** Seconds of a bin of a season, unless the load is seen less often. */
const BIN = 300

/**
 * What the load is at each time of a season (a day, a week), learned as it comes: for every bin of five minutes the mean over the
 * seasons so far, with the last ones counting most.
 */
export class Season {
  readonly #bins: number
  /** Seconds. */
  readonly #bin: number
  readonly #means: Float64Array
  readonly #seen: Uint8Array
  #current = -1
  #sum = 0
  #count = 0

  /** @param length seconds; @param interval seconds between two loads, of which every bin must get one */
  constructor(length: number, interval: number) {
    this.#bins = Math.max(1, Math.floor(length / Math.max(BIN, interval) + 1e-9))
    this.#bin = length / this.#bins
    this.#means = new Float64Array(this.#bins)
    this.#seen = new Uint8Array(this.#bins)
  }

  add(time: number, load: number): void {
    const bin = Math.floor(time / this.#bin) % this.#bins
    if (bin !== this.#current) {
      if (this.#current >= 0 && this.#count > 0) this.#close()
      this.#current = bin
    }
    this.#sum += load
    this.#count++
  }

  #close(): void {
    const mean = this.#sum / this.#count
    const seen = this.#seen[this.#current]!
    // The first seasons count alike, from the fourth on the newest counts a quarter.
    this.#means[this.#current]! += (mean - this.#means[this.#current]!) / Math.min(4, seen + 1)
    if (seen < 255) this.#seen[this.#current] = seen + 1
    this.#sum = 0
    this.#count = 0
  }

  /** The mean load at `time`, on straight lines between the middles of bins; `undefined` where it was never seen. */
  at(time: number): number | undefined {
    const exact = time / this.#bin - 0.5
    const before = Math.floor(exact)
    const a = ((before % this.#bins) + this.#bins) % this.#bins
    const b = (a + 1) % this.#bins
    if (this.#seen[a] === 0 || this.#seen[b] === 0) return undefined
    return this.#means[a]! + (this.#means[b]! - this.#means[a]!) * (exact - before)
  }
}
