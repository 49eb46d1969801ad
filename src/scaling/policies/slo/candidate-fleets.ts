import { FORECASTS } from './forecasts.ts'

/** Mean errors that are added to a forecast. The steps grow as the tail of an error thins. */
const MARGINS = [
  0, 0.5, 1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 13, 16, 20, 26, 32, 40, 50, 64, 80, 120, 200,
] as const
const PRESUMED = MARGINS.map((margin) => Math.exp(-margin))
/** How long a need is kept, in horizons: at least this, at most twice. */
const HOLDS = [2, 4, 8, 16, 32] as const
/** Candidates of one hold; those of one forecast lie together, by margin. */
const PER_HOLD = FORECASTS.length * MARGINS.length
const COUNT = PER_HOLD * HOLDS.length
/** So many horizons of errors that fall off exponentially are presumed before anything was seen. */
const PRESUMED_HORIZONS = 30
/** A server is kept for overload only where that is more than `overload` / this of the time. */
const MOST_SPENT = 5
/** What rounding up may loosen the allowance by at most, since a load may keep just below a whole server for long. */
const MOST_LOOSENED = 1.5
/** Equal costs are equal, also when they were computed with all loads times a factor. */
const SAME = 1 - 1e-9

export interface CandidateOptions {
  /** Ticks from launch to ready. */
  readonly lead: number
  /** What it costs to start, and to end, what holds a user: ticks of its running. */
  readonly startTicks: number
  readonly endTicks: number
}

/** What was chosen. */
export interface Choice {
  readonly forecast: number
  /** Mean errors added. */
  readonly margin: number
  /** Horizons it keeps a need at least. */
  readonly hold: number
  /** Users to be ready for; and, since servers are whole, how few of them are enough. */
  readonly users: number
  readonly enough: number
  /** Share of user-time that it would have had above capacity, and its cost over that of the load alone. */
  readonly overload: number
  readonly cost: number
  /** No candidate keeps to the level at a bearable cost: this one is the best that can be had. */
  readonly unreachable: boolean
}

/** What the candidates have learned, as plain data. */
export interface CandidateState {
  readonly excess: readonly number[]
  readonly cost: readonly number[]
  readonly block: readonly number[]
  readonly before: readonly number[]
  readonly load: number
  readonly tick: number
}

/**
 * Fleets that are only counted: each prepares for a forecast and so many of its mean errors, and keeps a need for a while. The load does
 * not depend on the fleet, so what each would have cost and have been short of is known. They are in users, not in servers,
 * so that they, and the choice among them, are in proportion to the load.
 */
export class CandidateFleets {
  readonly #options: CandidateOptions
  readonly #need = new Float64Array(PER_HOLD)
  /** The users each is ready for; the most it needed in this block of its hold, and in the one before. */
  readonly #held = new Float64Array(COUNT)
  readonly #block = new Float64Array(COUNT)
  readonly #before = new Float64Array(COUNT)
  /** What each was ready for, in the last `lead` + 1 ticks. */
  readonly #past: Float64Array[]
  readonly #excess = new Float64Array(COUNT)
  readonly #cost = new Float64Array(COUNT)
  /** Weighted user-ticks so far. */
  load = 0
  #tick = 0

  constructor(options: CandidateOptions) {
    this.#options = options
    this.#past = Array.from({ length: options.lead + 1 }, () => new Float64Array(COUNT).fill(Infinity))
  }

  get horizon(): number {
    return this.#options.lead + 1
  }

  /** Counts a tick in which the load went from `before` to `now`: what started `lead` ticks earlier is ready. */
  settle(before: number, now: number, weight: number): void {
    const early = this.#past[this.#tick % this.#past.length]!
    const mean = (before + now) / 2
    const [low, high] = before < now ? [before, now] : [now, before]
    this.load += weight * mean
    for (let i = 0; i < COUNT; i++) {
      const held = this.#held[i]!
      const ready = Math.min(held, early[i]!)
      if (ready <= low) this.#excess[i]! += weight * (mean - ready)
      else if (ready < high) this.#excess[i]! += (weight * (high - ready) ** 2) / (high - low) / 2
      this.#cost[i]! += weight * held
    }
  }

  /** Of the ticks that passed nothing is known: what each candidate holds is ready. */
  skip(): void {
    for (const past of this.#past) past.set(this.#held)
  }

  /** Lets every candidate prepare for its forecast. */
  prepare(expected: Float64Array, spread: Float64Array, weight: number): void {
    const { startTicks, endTicks } = this.#options
    const past = this.#past[this.#tick % this.#past.length]!
    for (let f = 0, i = 0; f < FORECASTS.length; f++) {
      for (let m = 0; m < MARGINS.length; m++, i++) this.#need[i] = expected[f]! + MARGINS[m]! * spread[f]!
    }
    for (let h = 0; h < HOLDS.length; h++) {
      const from = h * PER_HOLD
      if (this.#tick % (HOLDS[h]! * this.horizon) === 0) {
        this.#before.set(this.#block.subarray(from, from + PER_HOLD), from)
        this.#block.fill(0, from, from + PER_HOLD)
      }
      for (let n = 0, i = from; n < PER_HOLD; n++, i++) {
        const need = this.#need[n]!
        if (need > this.#block[i]!) this.#block[i] = need
        const held = Math.max(this.#block[i]!, this.#before[i]!)
        const change = held - this.#held[i]!
        if (this.#tick > 0) this.#cost[i]! += weight * (change > 0 ? change * startTicks : -change * endTicks)
        this.#held[i] = held
        past[i] = held
      }
    }
    this.#tick++
  }

  /**
   * The cheapest that would have kept to `allowed`, between two margins where that is; or, where a lower overload is too dear, the one
   * whose cost and overload together are least.
   * @param overload share of user-time that sets the price of overload
   * @param capacity users of a server
   */
  choose(allowed: number, overload: number, presumedErrors: Float64Array, capacity: number): Choice {
    const price = (MOST_SPENT / overload) * this.load
    let [within, withinCost] = [-1, Infinity]
    let [bearable, bearableCost, bearableSum] = [0, 0, Infinity]
    for (let first = 0; first < COUNT; first += MARGINS.length) {
      const presumed = presumedErrors[Math.floor((first % PER_HOLD) / MARGINS.length)]!
      let found = false
      for (let m = 0, index = first; m < MARGINS.length; m++, index++) {
        const rate = this.#rate(index, m, presumed)
        const cost = this.#cost[index]!
        const sum = cost + price * rate
        if (sum < bearableSum * SAME) [bearable, bearableCost, bearableSum] = [index, cost, sum]
        if (found || rate > allowed) continue
        found = true
        const share = this.#share(index, m, allowed, presumed)
        const between = share === 0 ? cost : cost + share * (this.#cost[index - 1]! - cost)
        if (between < withinCost * SAME) [within, withinCost] = [index, between]
      }
    }
    const unreachable = within < 0 || bearableCost < withinCost * SAME
    const index = unreachable ? bearable : within
    const m = index % MARGINS.length
    const forecast = Math.floor((index % PER_HOLD) / MARGINS.length)
    const presumed = presumedErrors[forecast]!
    const users = this.#between(index, unreachable ? 0 : this.#share(index, m, allowed, presumed))
    return {
      forecast,
      margin: MARGINS[m]!,
      hold: HOLDS[Math.floor(index / PER_HOLD)]!,
      users,
      enough: unreachable ? users : Math.min(users, this.#enough(index, m, allowed, presumed, capacity)),
      overload: this.#excess[index]! / (this.load || 1),
      cost: this.#cost[index]! / (this.load || 1),
      unreachable,
    }
  }

  /** Overload as counted, and as presumed before anything was: `e^−margin` of the mean error. */
  #rate(index: number, m: number, presumed: number): number {
    const weight = (PRESUMED_HORIZONS * this.horizon) / this.#tick
    return (this.#excess[index]! / this.load + weight * presumed * PRESUMED[m]!) / (1 + weight)
  }

  /** How far the next smaller margin may be approached; overload is convex, so that it is at most as allowed. */
  #share(index: number, m: number, allowed: number, presumed: number): number {
    if (m === 0) return 0
    const rate = this.#rate(index, m, presumed)
    const smaller = this.#rate(index - 1, m - 1, presumed)
    return smaller > allowed ? (allowed - rate) / (smaller - rate) : 0
  }

  #between(index: number, share: number): number {
    const held = this.#held[index]!
    return share === 0 ? held : held + share * (this.#held[index - 1]! - held)
  }

  /**
   * Whole servers hold up to one server's users more than was asked for, so less may be asked for: with an overload that falls off
   * exponentially over `scale` users, and any part of a server alike, theirs is (1 − e^−a) / a of it, a = capacity / scale.
   */
  #enough(index: number, margin: number, allowed: number, presumed: number, capacity: number): number {
    if (margin === 0) return this.#held[index]!
    const smaller = this.#rate(index - 1, margin - 1, presumed)
    const ratio = smaller / Math.max(1e-12, this.#rate(index, margin, presumed))
    const scale = (this.#held[index]! - this.#held[index - 1]!) / Math.log(ratio)
    if (!(scale > 0)) return this.#held[index]!
    const a = capacity / scale
    const loosened = allowed * Math.min(MOST_LOOSENED, a / (1 - Math.exp(-a)))
    let [at, m] = [index, margin]
    while (m > 0 && this.#rate(at - 1, m - 1, presumed) <= loosened) [at, m] = [at - 1, m - 1]
    return this.#between(at, this.#share(at, m, loosened, presumed))
  }

  /** Divides every weight. */
  rescale(by: number): void {
    this.load /= by
    for (let i = 0; i < COUNT; i++) {
      this.#excess[i]! /= by
      this.#cost[i]! /= by
    }
  }

  snapshot(): CandidateState {
    const rounded = (values: Float64Array) => Array.from(values, (value) => Number(value.toPrecision(6)))
    const [excess, cost] = [rounded(this.#excess), rounded(this.#cost)]
    const [block, before] = [rounded(this.#block), rounded(this.#before)]
    return { excess, cost, block, before, load: this.load, tick: this.#tick }
  }

  restore({ excess, cost, block, before, load, tick }: CandidateState): void {
    for (const [own, stored] of [
      [this.#excess, excess],
      [this.#cost, cost],
      [this.#block, block],
      [this.#before, before],
    ] as const) {
      if (stored.length !== COUNT)
        throw new RangeError(`${stored.length} candidates where there are ${COUNT}`)
      own.set(stored)
    }
    for (let i = 0; i < COUNT; i++) this.#held[i] = Math.max(this.#block[i]!, this.#before[i]!)
    this.skip()
    this.load = load
    this.#tick = tick
  }
}
