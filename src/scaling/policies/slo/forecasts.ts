/** Ways to guess the load of the coming horizon, from the least to the most smoothed. */
export const FORECASTS = [
  'the load stays',
  'the growth goes on',
  'the mean of two horizons',
  'the mean of 32 horizons',
] as const
const COUNT = FORECASTS.length
/** Horizons that the two means reach back. */
const SHORT = 2
const LONG = 32
/** What a mean over all loads forgets to 1/e, seconds. */
const DAY = 86_400
/** The share of horizons whose highest load is to be within the band. */
export const BAND = 0.9
/** A band's edge moves by this part of the mean error when it was wrong. */
const BAND_STEP = 0.2

const STATE = ['error', 'unit', 'high', 'low'] as const

/** What the forecasts have learned, as plain data. */
export interface ForecastState {
  readonly error: readonly number[]
  readonly unit: readonly number[]
  readonly high: readonly number[]
  readonly low: readonly number[]
  readonly means: readonly [short: number, long: number, day: number, ticks: number]
}

/**
 * Four forecasts of the highest load of the coming horizon, and how far it went above each in the mean. Errors are counted in units
 * of √(load · mean load), between those of growth (∝ load) and those of a constant noise. All of it is in proportion to the load.
 */
export class Forecasts {
  /** The present forecasts, users. */
  readonly expected = new Float64Array(COUNT)
  /** Mean error of each, users, at the present load. */
  readonly spread = new Float64Array(COUNT)
  /** The same in units. */
  readonly relative = new Float64Array(COUNT)
  readonly #horizon: number
  readonly #interval: number
  readonly #error = new Float64Array(COUNT)
  readonly #unit = new Float64Array(COUNT)
  /** Edges of the band, in units. */
  readonly #high = new Float64Array(COUNT)
  readonly #low = new Float64Array(COUNT)
  /** The forecasts, and their units, of the ticks of one horizon. */
  readonly #made: { readonly expected: Float64Array; readonly units: Float64Array }[] = []
  #loads: number[] = []
  #short = 0
  #long = 0
  #day = 0
  #ticks = 0

  /** @param horizon ticks @param interval seconds a tick */
  constructor(horizon: number, interval: number) {
    this.#horizon = horizon
    this.#interval = interval
  }

  /** Takes the load of the next tick, which counts `weight`. After a gap nothing is learned of the forecasts before it. */
  see(load: number, weight: number, afterGap: boolean): void {
    const loads = this.#loads
    if (afterGap) {
      loads.length = 0
      this.#made.length = 0
    }
    loads.push(load)
    if (loads.length > this.#horizon + 1) loads.shift()
    if (this.#made.length >= this.#horizon) this.#learn(weight)
    this.#forecast(load)
  }

  /** The users between which the highest load of the horizon is expected. */
  band(forecast: number): { low: number; high: number } {
    const expected = this.expected[forecast]!
    const unit = this.#made.at(-1)?.units[forecast] ?? 0
    return {
      low: Math.max(0, expected + Math.min(0, this.#low[forecast]!) * unit),
      high: expected + Math.max(0, this.#high[forecast]!) * unit,
    }
  }

  #learn(weight: number): void {
    const { expected, units } = this.#made.shift()!
    const loads = this.#loads
    let highest = 0
    for (let i = loads.length - this.#horizon; i < loads.length; i++) highest = Math.max(highest, loads[i]!)
    for (let f = 0; f < COUNT; f++) {
      const error = highest - expected[f]!
      this.#error[f]! += weight * Math.max(0, error)
      this.#unit[f]! += weight * units[f]!
      if (units[f]! === 0) continue
      const step = (BAND_STEP * this.#error[f]!) / this.#unit[f]!
      const inUnits = error / units[f]!
      const outside = (1 - BAND) / 2
      this.#high[f]! += step * (inUnits > this.#high[f]! ? 1 - outside : -outside)
      this.#low[f]! += step * (inUnits < this.#low[f]! ? outside - 1 : outside)
    }
  }

  #forecast(load: number): void {
    this.#ticks++
    const towards = (mean: number, ticks: number) => mean + (load - mean) / Math.min(this.#ticks, ticks)
    this.#short = towards(this.#short, SHORT * this.#horizon)
    this.#long = towards(this.#long, LONG * this.#horizon)
    this.#day = towards(this.#day, DAY / this.#interval)
    const unit = Math.sqrt(load * this.#day)
    const expected = Float64Array.of(
      load,
      load + Math.max(0, load - this.#loads[0]!),
      this.#short,
      this.#long,
    )
    const units = Float64Array.of(unit, unit, unit, this.#day)
    this.#made.push({ expected, units })
    this.expected.set(expected)
    for (let f = 0; f < COUNT; f++) {
      this.relative[f] = this.#unit[f]! > 0 ? this.#error[f]! / this.#unit[f]! : 0
      this.spread[f] = this.relative[f]! * units[f]!
    }
  }

  /** The load is above what it was of late. */
  get rising(): boolean {
    return this.#loads.at(-1)! > (this.#loads.at(-2) ?? 0) || this.#loads.at(-1)! > this.#short
  }

  /** Divides every weight. */
  rescale(by: number): void {
    for (let f = 0; f < COUNT; f++) {
      this.#error[f]! /= by
      this.#unit[f]! /= by
    }
  }

  snapshot(): ForecastState {
    const [error, unit, high, low] = [this.#error, this.#unit, this.#high, this.#low].map((each) => [...each])
    return {
      error: error!,
      unit: unit!,
      high: high!,
      low: low!,
      means: [this.#short, this.#long, this.#day, this.#ticks],
    }
  }

  restore(state: ForecastState): void {
    const own = { error: this.#error, unit: this.#unit, high: this.#high, low: this.#low }
    for (const key of STATE) own[key].set(state[key])
    ;[this.#short, this.#long, this.#day, this.#ticks] = state.means
  }
}
