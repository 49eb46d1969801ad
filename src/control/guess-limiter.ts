/** Wrong tokens of an address within a window, after which it must wait for the window to end. */
const MOST_WRONG = 20
const WINDOW_MS = 10_000
const MOST_ADDRESSES = 10_000

/**
 * Limits guesses of a token by address. While an address is blocked, the right token does not help either, or guessing would go
 * on; an address that once showed it is exempt, so that one client cannot lock out others behind the same proxy.
 */
export class GuessLimiter {
  readonly #wrong = new Map<string, { count: number; until: number }>()
  readonly #known = new Set<string>()

  /** Whether a token of this address is accepted. Counts it when it is wrong. */
  check(address: string, right: boolean): 'accepted' | 'wrong' | 'blocked' {
    const now = performance.now()
    const window = this.#wrong.get(address)
    const current = window && window.until > now ? window : undefined
    const blocked = current !== undefined && current.count >= MOST_WRONG
    if (right && (!blocked || this.#known.has(address))) {
      if (this.#known.size < MOST_ADDRESSES) this.#known.add(address)
      return 'accepted'
    }
    if (blocked) return 'blocked'
    if (current) current.count++
    else {
      if (this.#wrong.size >= MOST_ADDRESSES) this.#wrong.delete(this.#wrong.keys().next().value!)
      this.#wrong.delete(address)
      this.#wrong.set(address, { count: 1, until: now + WINDOW_MS })
    }
    return 'wrong'
  }
}
