import type { RiseMeter } from './rise-meter.ts'
import { stored, takeOver } from './stored-numbers.ts'

/** What is prepared for, before the margin: the load, or the load that it will be if its growth continues; and what the margin is a share of. */
const FORMS = [
  { growth: false, share: 'the load' },
  { growth: false, share: "the day's mean" },
  { growth: true, share: 'the load' },
  { growth: true, share: "the day's mean" },
  { growth: false, share: 'its usual rise at this time of the hour' },
  { growth: false, share: 'its usual rise at this time of the day' },
] as const
/** Shares that are added: none, then 1 % to 32 times, each 1.4 times the one before. */
const MARGINS: readonly number[] = [0, ...Array.from({ length: 25 }, (_, i) => 0.01 * 1.4 ** i)]
/** How long a need is kept, in horizons: at least this, at most twice. */
const HOLDS = [1, 3, 9, 27] as const
/** Candidates of one hold; those of one form lie together, by margin. */
const PER_HOLD = FORMS.length * MARGINS.length
const COUNT = PER_HOLD * HOLDS.length
/** Nothing is prepared for that is more than so many times the highest load that was seen. */
const MOST_PREPARED = 2
/** The prior: this many horizons with errors that fall off exponentially, before anything was seen. */
const PRESUMED_HORIZONS = 30
/** A server is kept for overload only where that is more than `overload` / this of the time. */
const MOST_SPENT = 5
/** A fleet is left as it is that is too large by less than this, or by less than this part of its margin. */
const DEADBAND = 0.005
const DEADBAND_OF_MARGIN = 0.5
/** Equal costs are equal, also when they were computed with all loads times a factor. */
const SAME = 1 - 1e-9

/** The least share of a fleet with this margin that is worth removing. */
const deadbandOf = (margin: number) => Math.max(DEADBAND, (DEADBAND_OF_MARGIN * margin) / (1 + margin))
const KEPT = MARGINS.map((margin) => 1 - deadbandOf(margin))
/** Whether a fleet of `size` users with this margin is worth shrinking to `need`. */
export const isTooLarge = (size: number, need: number, margin: number): boolean =>
  need < size * (1 - deadbandOf(margin))

export interface CandidateOptions {
  /** Ticks from launch to ready. */
  readonly lead: number
  /** What it costs to start, and to end, what holds a user: ticks of its running. */
  readonly startTicks: number
  readonly endTicks: number
}

/** What was chosen. */
export interface Choice {
  readonly form: (typeof FORMS)[number]
  readonly margin: number
  /** Horizons it keeps a need at least. */
  readonly hold: number
  /** Users to be ready for. */
  readonly users: number
  /** Share of user-time that it would have had above capacity, and its cost over that of the load alone. */
  readonly overload: number
  readonly cost: number
  /** No candidate keeps to the level at a bearable cost: this one is the best that can be had. */
  readonly unreachable: boolean
}

/** What the candidates have learned, as plain data. */
export interface CandidateState {
  readonly excess: number[]
  readonly cost: number[]
  readonly block: number[]
  readonly before: number[]
  readonly load: number
  readonly tick: number
}

/**
 * Fleets that are only counted: each prepares for the load and a margin, and keeps a need for a while. The load does not depend on the
 * fleet, so what each would have cost and have been short of is known. They are in users, not in servers, so that they, and the
 * choice among them, are in proportion to the load.
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
  /** Overload that is presumed of each margin; and, for the choice, the share of each candidate with it. */
  readonly #presumed = new Float64Array(MARGINS.length)
  readonly #rates = new Float64Array(COUNT)
  /** User-ticks so far, the older ones for less. */
  load = 0
  #tick = 0

  constructor(options: CandidateOptions) {
    this.#options = options
    this.#past = Array.from({ length: options.lead + 1 }, () => new Float64Array(COUNT).fill(Infinity))
  }

  get horizon(): number {
    return this.#options.lead + 1
  }

  /** Ticks that were counted. */
  get ticks(): number {
    return this.#tick
  }

  /** Counts a tick in which the load went from `before` to `now`: what started `lead` ticks earlier is ready. */
  settle(before: number, now: number, decay: number): void {
    const early = this.#past[this.#tick % this.#past.length]!
    const mean = (before + now) / 2
    const [low, high] = before < now ? [before, now] : [now, before]
    this.load = this.load * decay + mean
    const [helds, excesses, costs] = [this.#held, this.#excess, this.#cost]
    for (let i = 0; i < COUNT; i++) {
      const held = helds[i]!
      const ready = Math.min(held, early[i]!)
      let excess = excesses[i]! * decay
      if (ready <= low) excess += mean - ready
      else if (ready < high) excess += (high - ready) ** 2 / (high - low) / 2
      excesses[i] = excess
      costs[i] = costs[i]! * decay + held
    }
  }

  /** Of the ticks that passed nothing is known: what each candidate holds is ready. */
  skip(): void {
    for (const past of this.#past) past.set(this.#held)
  }

  /** Lets every candidate prepare for the load; what goes is paid for `drainTicks` more. */
  prepare(load: number, rise: RiseMeter, drainTicks: number): void {
    const { startTicks } = this.#options
    const endTicks = this.#options.endTicks + drainTicks
    const past = this.#past[this.#tick % this.#past.length]!
    const { meanRise } = rise
    const grown = load + rise.growth * this.horizon
    const units = {
      'the load': load,
      "the day's mean": rise.dayMean,
      'its usual rise at this time of the hour': rise.riseOfHour,
      'its usual rise at this time of the day': rise.riseOfDay,
    }
    MARGINS.forEach((margin, m) => {
      this.#presumed[m] = meanRise > 0 ? meanRise * Math.exp(-margin / meanRise) : 0
    })
    const most = MOST_PREPARED * rise.peak
    let n = 0
    for (const { growth, share } of FORMS) {
      const base = growth ? grown : load
      const unit = units[share]
      for (const margin of MARGINS) this.#need[n++] = Math.max(base, Math.min(base + margin * unit, most))
    }
    const [needs, blocks, befores] = [this.#need, this.#block, this.#before]
    const [helds, costs] = [this.#held, this.#cost]
    for (let h = 0; h < HOLDS.length; h++) {
      const from = h * PER_HOLD
      if (this.#tick % (HOLDS[h]! * this.horizon) === 0) {
        this.#before.set(this.#block.subarray(from, from + PER_HOLD), from)
        this.#block.fill(0, from, from + PER_HOLD)
      }
      for (let n = 0, m = 0, i = from; n < PER_HOLD; n++, m++, i++) {
        if (m === MARGINS.length) m = 0
        const need = needs[n]!
        if (need > blocks[i]!) blocks[i] = need
        const kept = Math.max(blocks[i]!, befores[i]!)
        const held = helds[i]!
        if (kept > held || kept < held * KEPT[m]!) {
          if (this.#tick > 0) costs[i]! += kept > held ? (kept - held) * startTicks : (held - kept) * endTicks
          helds[i] = kept
        }
        past[i] = helds[i]!
      }
    }
    this.#tick++
  }

  /**
   * The cheapest that would have kept to `allowed`, between two margins where that is; or, where a lower overload is too dear, the one
   * whose cost and overload together are least.
   * @param overload share of user-time that sets the price of overload
   */
  choose(allowed: number, overload: number): Choice {
    this.#rate()
    const price = (MOST_SPENT / overload) * this.load
    let [within, withinCost] = [-1, Infinity]
    let [bearable, bearableCost, bearableSum] = [0, 0, Infinity]
    for (let first = 0; first < COUNT; first += MARGINS.length) {
      let found = false
      for (let index = first; index < first + MARGINS.length; index++) {
        const rate = this.#rates[index]!
        const cost = this.#cost[index]!
        const sum = cost + price * rate
        if (sum < bearableSum * SAME) [bearable, bearableCost, bearableSum] = [index, cost, sum]
        if (found || rate > allowed) continue
        found = true
        const share = this.#share(index, allowed)
        const between = share === 0 ? cost : cost + share * (this.#cost[index - 1]! - cost)
        if (between < withinCost * SAME) [within, withinCost] = [index, between]
      }
    }
    const unreachable = within < 0 || bearableCost < withinCost * SAME
    const index = unreachable ? bearable : within
    const share = unreachable ? 0 : this.#share(index, allowed)
    const held = this.#held[index]!
    return {
      form: FORMS[Math.floor((index % PER_HOLD) / MARGINS.length)]!,
      margin: MARGINS[index % MARGINS.length]!,
      hold: HOLDS[Math.floor(index / PER_HOLD)]!,
      users: share === 0 ? held : held + share * (this.#held[index - 1]! - held),
      overload: this.#excess[index]! / (this.load || 1),
      cost: this.#cost[index]! / (this.load || 1),
      unreachable,
    }
  }

  /** Overload of each as counted, and as presumed before anything was. */
  #rate(): void {
    const weight = (PRESUMED_HORIZONS * this.horizon) / this.#tick
    for (let i = 0, m = 0; i < COUNT; i++, m++) {
      if (m === MARGINS.length) m = 0
      this.#rates[i] = (this.#excess[i]! / this.load + weight * this.#presumed[m]!) / (1 + weight)
    }
  }

  /** How far the next smaller margin may be approached; overload is convex, so that it is at most as allowed. */
  #share(index: number, allowed: number): number {
    if (index % MARGINS.length === 0) return 0
    const rate = this.#rates[index]!
    const smaller = this.#rates[index - 1]!
    return smaller > allowed ? (allowed - rate) / (smaller - rate) : 0
  }

  snapshot(): CandidateState {
    const [excess, cost] = [stored(this.#excess), stored(this.#cost)]
    const [block, before] = [stored(this.#block), stored(this.#before)]
    return { excess, cost, block, before, load: this.load, tick: this.#tick }
  }

  restore({ excess, cost, block, before, load, tick }: CandidateState): void {
    takeOver(this.#excess, excess, 'candidates')
    takeOver(this.#cost, cost, 'candidates')
    takeOver(this.#block, block, 'candidates')
    takeOver(this.#before, before, 'candidates')
    for (let i = 0; i < COUNT; i++) this.#held[i] = Math.max(this.#block[i]!, this.#before[i]!)
    this.skip()
    this.load = load
    this.#tick = tick
  }
}
