/** Buckets an octave: linear within it, so a bucket's middle is within 1/256 of every value in it. */
const BUCKETS_BITS = 7
const BUCKETS = 1 << BUCKETS_BITS
const LOWEST_EXPONENT = -30 // 2^-30 s, about a nanosecond
const OCTAVES = 61 // up to 2^31 s

const float = new Float64Array(1)
const bits = new Uint32Array(float.buffer)
/** The word of a double with its exponent, on this machine. */
const HIGH = (() => {
  float[0] = 1
  return bits[1] === 0x3ff00000 ? 1 : 0
})()

/**
 * A histogram of positive values with a relative error of at most 1 %: buckets are found from the exponent and the
 * leading mantissa bits of the double itself (as in HdrHistogram, with powers of two as the first scale).
 */
export class Histogram {
  readonly #counts = new Float64Array(OCTAVES * BUCKETS)
  #below = 0
  count = 0
  sum = 0
  min = Infinity
  max = 0

  /** Records one value; what is not above about 10⁻⁹ counts as 0. */
  record(value: number): void {
    this.count++
    this.sum += value
    if (value < this.min) this.min = value
    if (value > this.max) this.max = value
    float[0] = value
    const high = bits[HIGH]!
    const octave = (high >>> 20) - 1023 - LOWEST_EXPONENT
    if (!(value > 0) || octave < 0) this.#below++
    else if (octave >= OCTAVES) this.#counts[OCTAVES * BUCKETS - 1]!++
    else this.#counts[(octave << BUCKETS_BITS) | ((high >>> (20 - BUCKETS_BITS)) & (BUCKETS - 1))]!++
  }

  get mean(): number {
    return this.count > 0 ? this.sum / this.count : 0
  }

  /** The smallest recorded value that at least the share `q` (0–1) of all do not exceed; 0 when nothing was recorded. */
  quantile(q: number): number {
    if (this.count === 0) return 0
    const rank = Math.max(1, Math.ceil(q * this.count))
    if (rank >= this.count) return this.max
    let seen = this.#below
    if (rank <= seen) return Math.max(0, this.min)
    for (let i = 0; i < this.#counts.length; i++) {
      seen += this.#counts[i]!
      if (seen >= rank) {
        const octave = 2 ** ((i >> BUCKETS_BITS) + LOWEST_EXPONENT)
        const middle = octave * (1 + ((i & (BUCKETS - 1)) + 0.5) / BUCKETS)
        return Math.min(Math.max(middle, this.min), this.max)
      }
    }
    return this.max
  }

  /** Adds all that `other` has recorded. */
  merge(other: Histogram): void {
    for (let i = 0; i < this.#counts.length; i++) this.#counts[i]! += other.#counts[i]!
    this.#below += other.#below
    this.count += other.count
    this.sum += other.sum
    this.min = Math.min(this.min, other.min)
    this.max = Math.max(this.max, other.max)
  }
}
