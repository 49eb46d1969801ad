import { Shortfall } from './shortfall.ts'

/** Horizons after which a load that has not moved by a server's users counts as standing still: at least this, at most twice. */
const STILL_HORIZONS = 27
/** The last server may be missing while it would hold at most this share of the load: less than a load 5 % higher asks for. */
const MOST_LAG = 0.04

/**
 * What comes of servers being whole: a fleet that is to hold all users has half a server to spare in the mean. While the load moves
 * across many sizes, the last server may come late and go early, as long as what is short then is within the level.
 */
export class WholeServers {
  readonly #capacity: number
  /** What they were short of. */
  readonly shortfall: Shortfall
  /** The lowest and the highest load of this block of horizons, and with the one before. */
  #block: [low: number, high: number] = [Infinity, -Infinity]
  #before: [low: number, high: number] = [Infinity, -Infinity]
  #ticks = 0

  /** @param short user-ticks so far */
  constructor(capacity: number, short = 0) {
    this.#capacity = capacity
    this.shortfall = new Shortfall(short)
  }

  /** How many hold so many users. */
  for(users: number): number {
    return Math.max(1, Math.ceil(users / this.#capacity - 1e-9))
  }

  /** Counts a tick in which the load went from `before` to `now` on servers for `users`; those of a horizon ago are ready. */
  settle(before: number, now: number, users: number, decay: number, horizon: number): void {
    this.shortfall.settle(before, now, this.for(users) * this.#capacity, decay, horizon)
    if (this.#ticks++ % (STILL_HORIZONS * horizon) === 0) {
      this.#before = this.#block
      this.#block = [now, now]
    }
    this.#block = [Math.min(now, this.#block[0]), Math.max(now, this.#block[1])]
  }

  /**
   * By how many users fewer than `users` are enough, for an overload of `allowed`. Where the last server holds a part of its users
   * that is evenly distributed, leaving it out below a part s is short of s² / 2 of a server's users in the mean.
   */
  lag(users: number, allowed: number): number {
    const [low, high] = [Math.min(this.#block[0], this.#before[0]), Math.max(this.#block[1], this.#before[1])]
    if (high - low < this.#capacity) return 0
    return Math.min(MOST_LAG * users, this.#capacity / 2, Math.sqrt(2 * allowed * users * this.#capacity))
  }
}
