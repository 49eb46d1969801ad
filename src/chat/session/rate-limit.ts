/** A token bucket: `burst` at once, `rate` a second on average. */
export class TokenBucket {
  readonly #rate: number
  readonly #burst: number
  #tokens: number
  #at: number

  /** @param now seconds on any clock that only goes forward, as for `take` */
  constructor(rate: number, burst: number, now: number) {
    this.#rate = rate
    this.#burst = burst
    this.#tokens = burst
    this.#at = now
  }

  /** Takes one; gives the seconds to wait when there is none, else 0. */
  take(now: number): number {
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#at) * this.#rate)
    this.#at = now
    if (this.#tokens < 1) return (1 - this.#tokens) / this.#rate
    this.#tokens--
    return 0
  }

  /** Whether it is as good as new, so that it may be forgotten. */
  full(now: number): boolean {
    return this.#tokens + (now - this.#at) * this.#rate >= this.#burst
  }
}

/** A bucket for each key, of which the idle ones are forgotten. */
export class RateLimiter {
  readonly #buckets = new Map<string, TokenBucket>()
  readonly #rate: number
  readonly #burst: number
  #sweepAt = 1024

  constructor(rate: number, burst: number) {
    this.#rate = rate
    this.#burst = burst
  }

  /** Takes one for `key`; gives the seconds to wait when there is none, else 0. */
  take(key: string, now = performance.now() / 1000): number {
    let bucket = this.#buckets.get(key)
    if (!bucket) {
      if (this.#buckets.size >= this.#sweepAt) this.#sweep(now)
      bucket = new TokenBucket(this.#rate, this.#burst, now)
      this.#buckets.set(key, bucket)
    }
    return bucket.take(now)
  }

  #sweep(now: number): void {
    for (const [key, bucket] of this.#buckets) if (bucket.full(now)) this.#buckets.delete(key)
    this.#sweepAt = Math.max(1024, 2 * this.#buckets.size)
  }
}
