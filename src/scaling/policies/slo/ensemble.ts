import type { Council, Shadows } from './candidate-fleets.ts'
import { Ledger } from './ledger.ts'

/** How much overload the shadows of a mean may have had, as multiples of what is allowed. */
const BUDGETS = [1, 2, 4] as const
/** Which part of a server is not worth a server. */
const ROUNDINGS = [0.5, 0.65, 0.8] as const
/** A mean that dares more than the first must have had at most this share of what is allowed: the rest is for surprises. */
const WELL_WITHIN = 0.5
/**
 * How wrong a mean is presumed to be before time has shown otherwise, for each multiple of the budget, and each part of a server
 * that is not worth one, above the first.
 */
const PRESUMED = 0.25

/** What the fleet follows. */
export interface Choice {
  /** Which forecaster, with which scale of its errors, did best. */
  readonly group: number
  readonly servers: number
}

/**
 * Overload is convex in the number of servers, so the mean of several shadows has less of it than they have on average, at their
 * average cost: how much less depends on the load. So means of shadows that would have had more than is allowed may be within
 * it. A few are counted like the shadows themselves, and the fleet follows the cheapest that was well within.
 */
export class Means {
  readonly ledger: Ledger
  #councils: readonly Council[] = []
  #asked = 0

  /** @param standing servers that every mean begins with */
  constructor(standing: number) {
    this.ledger = new Ledger(BUDGETS.length * ROUNDINGS.length, standing)
  }

  /** Takes from the shadows what each mean wants from now on. */
  want(shadows: Shadows, allowed: number, price: number, presumption: number): void {
    // What counts are sums over weeks: once there are some, they hardly change from one tick to the next.
    if (this.#asked < 64 || this.#asked % 8 === 0)
      this.#councils = BUDGETS.map((times) => shadows.council(times * allowed, price, presumption))
    this.#asked++
    for (const [b, council] of this.#councils.entries()) {
      const servers = shadows.mean(council)
      for (const [r, rounding] of ROUNDINGS.entries()) {
        this.ledger.wanted[b * ROUNDINGS.length + r] = Math.max(1, Math.ceil(servers - rounding))
      }
    }
  }

  /** The cheapest of those that were well within the share `allowed`; the first, which dares least, when none was. */
  choose(allowed: number, presumption: number): Choice {
    const { wanted, cost, excess, load } = this.ledger
    const budget = WELL_WITHIN * allowed * load
    let best = 0
    for (let c = 1; c < wanted.length; c++) {
      const times = BUDGETS[Math.floor(c / ROUNDINGS.length)]!
      const daring = times - BUDGETS[0] + ROUNDINGS[c % ROUNDINGS.length]! - ROUNDINGS[0]
      const within = excess[c]! + PRESUMED * daring * presumption <= budget
      if (within && cost[c]! < cost[best]!) best = c
    }
    return { group: this.#councils[Math.floor(best / ROUNDINGS.length)]!.group, servers: wanted[best]! }
  }
}
