import { excessOfLine } from '../../../traffic/excess.ts'

/** What a load was above the size of a fleet, whose servers are ready a horizon after they were asked for. */
export class Shortfall {
  /** User-ticks, the older ones for less. */
  users: number
  /** Users that the fleet was to hold, in the last ticks of a horizon. */
  #sizes: number[] = []

  constructor(users = 0) {
    this.users = users
  }

  /** Counts a tick in which the load went from `before` to `now`. */
  settle(before: number, now: number, size: number, decay: number, horizon: number): void {
    this.#sizes.push(size)
    while (this.#sizes.length > horizon) this.#sizes.shift()
    this.users = this.users * decay + excessOfLine(before, now, Math.min(...this.#sizes))
  }

  /** Whether a part of the fleet may not be ready yet. */
  get isGrowing(): boolean {
    return this.#sizes.some((size, i) => i > 0 && size > this.#sizes[i - 1]!)
  }

  /** Of the ticks that passed nothing is known. */
  skip(): void {
    this.#sizes = []
  }
}
