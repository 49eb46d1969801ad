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
  rise: number
  from: number
  /** Edges of the band, as shares of the load. */
  low: number
  high: number
  /** Means of the load over two horizons and over a day, and the loads that they are of. */
  short: number
  day: number
  ticks: number
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
    const learned = this.#learned
    if (afterGap) this.#loads = []
    this.#loads.push(load)
    if (this.#loads.length > this.#horizon + 1) this.#loads.shift()
    if (this.#loads.length > this.#horizon) this.#learn(decay)
    learned.ticks++
    learned.short += (load - learned.short) / Math.min(learned.ticks, SHORT * this.#horizon)
    learned.day += (load - learned.day) / Math.min(learned.ticks, this.#ticksOfDay)
  }

  #learn(decay: number): void {
    const learned = this.#learned
    const before = this.#loads[0]!
    let highest = -Infinity
    for (let i = 1; i < this.#loads.length; i++) highest = Math.max(highest, this.#loads[i]!)
    const error = highest - before
    learned.rise = learned.rise * decay + Math.max(0, error)
    learned.from = learned.from * decay + before
    if (before === 0 || learned.from === 0) return
    const step = (BAND_STEP * learned.rise) / learned.from
    const outside = (1 - BAND) / 2
    learned.low += step * (error < learned.low * before ? outside - 1 : outside)
    learned.high += step * (error > learned.high * before ? 1 - outside : -outside)
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
    return { ...this.#learned }
  }

  restore(state: RiseState): void {
    this.#learned = { ...state }
  }
}
