/** What the mean over all loads forgets to 1/e, seconds. */
const DAY = 86_400
/** Horizons that the mean reaches back above which a load counts as rising. */
const SHORT = 2
/** The share of horizons whose highest load should be within the band. */
export const BAND = 0.9
/** An edge of the band moves by this part of the mean rise when it was wrong. */
const BAND_STEP = 0.2

/** What the meter has learned, as plain data. */
export interface RiseState {
  /** Sums over the past: how far the load rose within a horizon, and the loads that it rose from. */
  readonly rise: number
  readonly from: number
  /** Edges of the band, as shares of the load. */
  readonly low: number
  readonly high: number
  /** Means of the load over two horizons and over a day, and the loads that they are of. */
  readonly short: number
  readonly day: number
  readonly ticks: number
}

/** Measures how far the load rises within the horizon: all of it in proportion to the load. */
export class RiseMeter {
  readonly #horizon: number
  readonly #ticksOfDay: number
  /** The loads of the last horizon, and the one before. */
  #loads: number[] = []
  #learned: RiseState = { rise: 0, from: 0, low: 0, high: 0, short: 0, day: 0, ticks: 0 }

  /** @param horizon ticks @param interval seconds a tick */
  constructor(horizon: number, interval: number) {
    this.#horizon = horizon
    this.#ticksOfDay = DAY / interval
  }

  /** Adds the load of the next tick; what was learned before counts `decay` times as much. Nothing is learned across a gap. */
  see(load: number, decay: number, afterGap: boolean): void {
    if (afterGap) this.#loads = []
    const loads = this.#loads
    loads.push(load)
    if (loads.length > this.#horizon + 1) loads.shift()
    const { short, day, ticks } = this.#learned
    const towards = (mean: number, reach: number) => mean + (load - mean) / Math.min(ticks + 1, reach)
    this.#learned = {
      ...(loads.length > this.#horizon ? this.#learn(decay) : this.#learned),
      short: towards(short, SHORT * this.#horizon),
      day: towards(day, this.#ticksOfDay),
      ticks: ticks + 1,
    }
  }

  #learn(decay: number): RiseState {
    const { rise, from, low, high } = this.#learned
    const [before = 0, ...after] = this.#loads
    const error = after.reduce((highest, load) => Math.max(highest, load)) - before
    const learned = {
      ...this.#learned,
      rise: rise * decay + Math.max(0, error),
      from: from * decay + before,
    }
    if (before === 0 || learned.from === 0) return learned
    const step = (BAND_STEP * learned.rise) / learned.from
    const outside = (1 - BAND) / 2
    return {
      ...learned,
      low: low + step * (error < low * before ? outside - 1 : outside),
      high: high + step * (error > high * before ? 1 - outside : -outside),
    }
  }

  /** How far the load rises within a horizon in the mean, as a share of it. */
  get meanRise(): number {
    const { rise, from } = this.#learned
    return from > 0 ? rise / from : 0
  }

  /** The mean load of about a day. */
  get dayMean(): number {
    return this.#learned.day
  }

  /** By how many users the load has grown in the last tick. */
  get growth(): number {
    return Math.max(0, this.#loads.at(-1)! - (this.#loads.at(-2) ?? Infinity))
  }

  /** The load is above its recent level. */
  get rising(): boolean {
    return this.growth > 0 || this.#loads.at(-1)! > this.#learned.short
  }

  /** The users between which the highest load of the horizon is expected. */
  band(load: number, expected: number): { low: number; high: number } {
    const { low, high } = this.#learned
    return {
      low: Math.max(0, Math.min(expected, load * (1 + low))),
      high: Math.max(expected, load * (1 + high)),
    }
  }

  snapshot(): RiseState {
    return this.#learned
  }

  restore(state: RiseState): void {
    this.#learned = state
  }
}
