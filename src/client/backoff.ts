/** Longest wait before connecting again, milliseconds. */
const MAX_WAIT_MS = 30_000

/** How long to wait before connecting again: at random in a window that the server names, twice as long after each failure. */
export class Backoff {
  /** Milliseconds. */
  #window: readonly [least: number, most: number] = [50, 1000]
  #failures = 0
  readonly #random: () => number

  /** @param random numbers in [0, 1) */
  constructor(random: () => number = Math.random) {
    this.#random = random
  }

  /** Waits in this window from now on; what is not a window is ignored. */
  setWindow(window: unknown): void {
    if (isWindow(window)) this.#window = window
  }

  succeeded(): void {
    this.#failures = 0
  }

  failed(): void {
    this.#failures++
  }

  /** Milliseconds. */
  wait(): number {
    const [least, most] = this.#window
    const end = Math.min(MAX_WAIT_MS, Math.max(least, most, 1) * 2 ** Math.max(0, this.#failures - 1))
    const start = Math.min(least, end)
    return start + (end - start) * this.#share()
  }

  /** Of the window; the numbers are the app's. */
  #share(): number {
    try {
      const share = this.#random()
      if (share >= 0 && share <= 1) return share
    } catch {
      // Whatever it threw, the next connection has to come.
    }
    return Math.random()
  }
}

const isWindow = (value: unknown): value is [number, number] =>
  Array.isArray(value) && value.length === 2 && value.every((ms) => Number.isFinite(ms) && ms >= 0)
