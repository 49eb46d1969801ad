import { ownString } from './own-string.ts'

/** A token bucket: `burst` at once, `rate` per second on average. */
export class TokenBucket {
  readonly #rate: number
  readonly #burst: number
  #tokens: number
  #at: number

  /** @param now seconds on a monotonic clock, as for `take` */
  constructor(rate: number, burst: number, now: number) {
    this.#rate = rate
    this.#burst = burst
    this.#tokens = burst
    this.#at = now
  }

  /**
   * Takes `cost` tokens when there are as many, and returns 0; otherwise takes none and returns the seconds until there are.
   * With `debt` they are taken at once, so that the caller waits only once.
   */
  take(now: number, cost = 1, debt = false): number {
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#at) * this.#rate)
    this.#at = now
    const missing = cost - this.#tokens
    if (missing <= 0 || debt) this.#tokens -= cost
    return Math.max(0, missing) / this.#rate
  }

  /** Puts back a token that was taken for nothing. */
  giveBack(): void {
    this.#tokens++
  }

  /** Whether all tokens are back, so that it may be forgotten. */
  full(now: number): boolean {
    return this.#tokens + (now - this.#at) * this.#rate >= this.#burst
  }
}

/** So many buckets are kept without a look at which are idle: a few megabytes, and most users find theirs. */
const LEAST_SWEEP = 16_384

/** A bucket per key; idle ones are forgotten. */
export class RateLimiter {
  readonly #buckets = new Map<string, TokenBucket>()
  #rate: number
  #burst: number
  #sweepAt = LEAST_SWEEP

  constructor(rate: number, burst: number) {
    this.#rate = rate
    this.#burst = burst
  }

  /** Another rate holds from now on; every bucket is full. */
  configure(rate: number, burst: number): void {
    if (rate === this.#rate && burst === this.#burst) return
    this.#rate = rate
    this.#burst = burst
    this.#buckets.clear()
  }

  /**
   * Takes one token of `key`; returns the seconds to wait when there is none, else 0.
   * @param debt takes it also when there is none, so that those after it wait longer
   */
  take(key: string, debt = false): number {
    const now = performance.now() / 1000
    let bucket = this.#buckets.get(key)
    if (!bucket) {
      if (this.#buckets.size >= this.#sweepAt) this.#sweep(now)
      bucket = new TokenBucket(this.#rate, this.#burst, now)
      this.#buckets.set(ownString(key), bucket)
    }
    return bucket.take(now, 1, debt)
  }

  /** Puts back a token that was taken for nothing. */
  giveBack(key: string): void {
    this.#buckets.get(key)?.giveBack()
  }

  #sweep(now: number): void {
    for (const [key, bucket] of this.#buckets) if (bucket.full(now)) this.#buckets.delete(key)
    this.#sweepAt = Math.max(LEAST_SWEEP, 2 * this.#buckets.size)
  }
}
