import { UsualRise, type UsualRiseState } from './usual-rise.ts'

/** What the mean over all loads forgets to 1/e, seconds. */
const DAY = 86_400
/** Seconds of an hour, and of a day, in which rises are one and the same. */
const PART_OF_HOUR = 30
const PART_OF_DAY = 300
/** Horizons that the mean reaches back above which a load counts as rising. */
const SHORT = 2
/** A load that is above its recent level by less than this share of it does not rise. */
const LEVEL = 0.005
/** The highest load fades so many times slower than the rest is forgotten: what comes once a week is still of use. */
const PEAK_MEMORY = 4
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
  /** The highest load, the older ones as less. */
  peak: number
  ticks: number
  /** Rises by the time of an hour and of a day, as shares of the day's mean. */
  ofHour: UsualRiseState
  ofDay: UsualRiseState
}

/** Measures how far the load rises within the horizon: all of it in proportion to the load. */
export class RiseMeter {
  readonly #horizon: number
  readonly #interval: number
  readonly #ofHour = new UsualRise(3600, PART_OF_HOUR)
  readonly #ofDay = new UsualRise(DAY, PART_OF_DAY)
  /** The loads of the last horizon, and the one before. */
  #loads: number[] = []
  #clock = 0
  #risingTicks = 0
  #learned: Omit<RiseState, 'ofHour' | 'ofDay'> = {
    rise: 0,
    from: 0,
    low: 0,
    high: 0,
    short: 0,
    day: 0,
    peak: 0,
    ticks: 0,
  }

  /** @param horizon ticks @param interval seconds a tick */
  constructor(horizon: number, interval: number) {
    this.#horizon = horizon
    this.#interval = interval
  }

  /**
   * Adds the load of the next tick; what was learned before counts `decay` times as much. Nothing is learned across a gap.
   * @param clock seconds; hours and days begin at multiples of theirs
   */
  see(load: number, decay: number, afterGap: boolean, clock: number): void {
    const learned = this.#learned
    this.#clock = clock
    if (afterGap) this.#loads = []
    this.#loads.push(load)
    if (this.#loads.length > this.#horizon + 1) this.#loads.shift()
    if (this.#loads.length > this.#horizon) this.#learn(decay)
    learned.peak = Math.max(load, learned.peak * decay ** (1 / PEAK_MEMORY))
    learned.ticks++
    learned.short += (load - learned.short) / Math.min(learned.ticks, SHORT * this.#horizon)
    this.#risingTicks = this.pace > 0 ? this.#risingTicks + 1 : 0
    learned.day += (load - learned.day) / Math.min(learned.ticks, DAY / this.#interval)
  }

  #learn(decay: number): void {
    const learned = this.#learned
    const before = this.#loads[0]!
    let highest = -Infinity
    for (let i = 1; i < this.#loads.length; i++) highest = Math.max(highest, this.#loads[i]!)
    const error = highest - before
    learned.rise = learned.rise * decay + Math.max(0, error)
    learned.from = learned.from * decay + before
    if (learned.day > 0) {
      const rise = Math.max(0, error) / learned.day
      const from = this.#clock - this.#horizon * this.#interval
      this.#ofHour.see(from, rise, this.#interval, decay)
      this.#ofDay.see(from, rise, this.#interval, decay)
    }
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

  /** How far the load usually rises within a horizon at this time of the hour, users. */
  get riseOfHour(): number {
    return this.#ofHour.at(this.#clock) * this.#learned.day
  }

  /** The same of this time of the day. */
  get riseOfDay(): number {
    return this.#ofDay.at(this.#clock) * this.#learned.day
  }

  /** The highest load of about the last weeks. */
  get peak(): number {
    return this.#learned.peak
  }

  /** The mean load of about a day. */
  get dayMean(): number {
    return this.#learned.day
  }

  /** By how many users the load has grown in the last tick. */
  get growth(): number {
    return Math.max(0, this.#loads.at(-1)! - (this.#loads.at(-2) ?? Infinity))
  }

  /** Horizons for which the load has been rising. */
  get risingFor(): number {
    return this.#risingTicks / this.#horizon
  }

  /** By how many users the load rises within a horizon: as in the last tick, or by how far it is above its recent level. */
  get pace(): number {
    const load = this.#loads.at(-1)!
    const above = load - this.#learned.short
    return Math.max(this.growth * this.#horizon, above > LEVEL * load ? above / SHORT : 0)
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
    return { ...this.#learned, ofHour: this.#ofHour.snapshot(), ofDay: this.#ofDay.snapshot() }
  }

  restore({ ofHour, ofDay, ...learned }: RiseState): void {
    this.#learned = learned
    this.#ofHour.restore(ofHour)
    this.#ofDay.restore(ofDay)
  }
}
