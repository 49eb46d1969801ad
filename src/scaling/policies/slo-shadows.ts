/** Shares of the errors that a margin may cover. */
export const SHARES = [0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9999] as const
/** How long a shadow holds what it once wanted, in horizons. */
const HOLDS = [0, 4, 16, 64, 256] as const

const KINDS = SHARES.length * HOLDS.length
/** A shadow that was dearer by this share than the best counts for 1/e of it. */
const TEMPERATURE = 0.01
/** Shadows that count for less than e to the minus this are left out. */
const NEGLIGIBLE = 12
/** How often a lull is presumed to end at once, before any was seen. */
const LULLS = 0.25

/** What the shadows that did well want. */
export interface Choice {
  /** The one that did best. */
  readonly best: number
  /** Servers: the mean of what the best ones want, each with its weight. */
  readonly servers: number
}

/** One way to scale. */
export interface Way {
  /** Which forecaster with which scale. */
  readonly group: number
  /** Which of `SHARES`. */
  readonly share: number
  /** Which of `HOLDS`. */
  readonly hold: number
}

/**
 * Shadow fleets: what would have come of each way to scale, counted on the load as it really came. The load does not depend on
 * the fleet, so this is no estimate but what would have been. All figures in servers; sums forget alike. Fixed size.
 */
export class Shadows {
  /** What each wants now. */
  readonly wanted: Int32Array
  readonly #count: number
  /** Sums over ticks: servers wanted, load above the servers that would have been ready, and load. */
  readonly #cost: Float64Array
  readonly #excess: Float64Array
  readonly #values: Float64Array
  #load = 0
  /** The highest needs of the half of a hold that runs, and of the half before. */
  readonly #highest: Int32Array
  readonly #before: Int32Array
  readonly #shiftAt = new Float64Array(HOLDS.length)
  /** What was wanted in the ticks that a server needs to start. */
  readonly #history: Int32Array[] = []

  /** @param groups forecasters times scales; @param standing servers that every shadow begins with */
  constructor(groups: number, standing: number) {
    this.#count = groups * KINDS
    this.wanted = new Int32Array(this.#count).fill(standing)
    this.#cost = new Float64Array(this.#count)
    this.#excess = new Float64Array(this.#count)
    this.#values = new Float64Array(this.#count)
    this.#highest = new Int32Array(this.#count).fill(standing)
    this.#before = new Int32Array(this.#count).fill(standing)
  }

  wayOf(index: number): Way {
    const kind = index % KINDS
    return {
      group: Math.floor(index / KINDS),
      share: Math.floor(kind / HOLDS.length),
      hold: kind % HOLDS.length,
    }
  }

  /** The load went from `before` to `now` over the last tick: counts what it did to each. Servers start in `lead` ticks. */
  settle(before: number, now: number, lead: number, keep: number): void {
    const { wanted } = this
    const history = this.#history
    const cost = this.#cost
    const excess = this.#excess
    let free: Int32Array | undefined
    while (history.length > lead) free = history.shift()
    this.#load = this.#load * keep + (before + now) / 2
    for (let c = 0; c < this.#count; c++) {
      const want = wanted[c]!
      let ready = want
      for (let i = 0; i < history.length; i++) ready = Math.min(ready, history[i]![c]!)
      cost[c] = cost[c]! * keep + want
      const over = (before > ready ? before - ready : 0) + (now > ready ? now - ready : 0)
      excess[c] = excess[c]! * keep + over / 2
    }
    if (lead === 0) return
    if (history.length === lead) free = history.shift()
    free ??= new Int32Array(this.#count)
    free.set(wanted)
    history.push(free)
  }

  /** What each wants from now on, where `needed` is what each share of each group comes to. */
  want(needed: Int32Array, tick: number, horizon: number): void {
    const { wanted } = this
    const highest = this.#highest
    const before = this.#before
    const holds = HOLDS.length
    for (let h = 0; h < holds; h++) {
      const hold = HOLDS[h]!
      const shift = tick >= this.#shiftAt[h]!
      if (shift) this.#shiftAt[h] = tick + Math.max(1, (hold * horizon) / 2)
      for (let i = 0, c = h; c < this.#count; i++, c += holds) {
        const need = needed[i]!
        if (hold === 0) {
          wanted[c] = need
        } else {
          if (shift) {
            before[c] = highest[c]!
            highest[c] = need
          } else if (need > highest[c]!) highest[c] = need
          wanted[c] = Math.max(highest[c]!, before[c]!)
        }
      }
    }
  }

  /**
   * The cheapest so far, and the mean of what those want that did about as well, with weights that fall exponentially with what
   * they would have cost more. Overload above the share `allowed` costs `price` a server and tick. Before time has shown otherwise
   * each is presumed to have been wrong once: the more so the less its margin covers and the less it holds. Overload is convex in
   * the number of servers, so the mean of some ways has no more of it than they have on average, at their average cost.
   *
   * Source: the exponentially weighted average forecaster; Cesa-Bianchi and Lugosi, *Prediction, Learning, and Games* (2006),
   * chapter 2.
   */
  choose(allowed: number, price: number, presumption: number): Choice {
    const presumed = Float64Array.from({ length: KINDS }, (_, kind) => {
      const { share, hold } = this.wayOf(kind)
      return presumption * (1 - SHARES[share]! + LULLS / (1 + HOLDS[hold]!))
    })
    const budget = allowed * this.#load
    const values = this.#values
    let best = 0
    let least = Infinity
    for (let c = 0; c < this.#count; c++) {
      const over = this.#excess[c]! + presumed[c % KINDS]! - budget
      const value = over > 0 ? this.#cost[c]! + price * over : this.#cost[c]!
      values[c] = value
      if (value < least) {
        least = value
        best = c
      }
    }
    return { best, servers: this.#mean(least) }
  }

  #mean(least: number): number {
    const unit = TEMPERATURE * least || 1
    let weights = 0
    let sum = 0
    for (let c = 0; c < this.#count; c++) {
      const dearer = (this.#values[c]! - least) / unit
      if (dearer > NEGLIGIBLE) continue
      const weight = Math.exp(-dearer)
      weights += weight
      sum += weight * this.wanted[c]!
    }
    return Math.round(sum / weights)
  }
}
