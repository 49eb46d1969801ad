import { Season } from './season.ts'

const DAY = 86_400

/** What each forecaster expects the load to reach within the horizon. */
export const FORECASTERS = [
  'the load stays',
  'the last step goes on',
  'the trend goes on',
  'the mean of minutes comes back',
  'the mean of an hour comes back',
  'it changes as at this time of day',
  'the usual load of this time of day',
  'it changes as at this time of the week',
  'the usual load of this time of the week',
  'the mean of minutes changes as at this time of day',
  'the mean of minutes and the usual load',
] as const

/** Follows the load and lets every forecaster say what the most will be from now to the end of the horizon. */
export class Forecasters {
  readonly expected = new Float64Array(FORECASTERS.length)
  /** Long-run mean, which small loads are measured by. */
  mean = 0
  readonly #recent: number[] = []
  readonly #day: Season
  readonly #week: Season
  #minutes = 0
  #hour = 0
  #count = 0
  #ofDay = 1
  #ofWeek = 1

  /** @param interval seconds of a tick */
  constructor(interval: number) {
    this.#day = new Season(DAY, interval)
    this.#week = new Season(7 * DAY, interval)
  }

  /** After a gap nothing of late is known but `load`. */
  skip(load: number): void {
    this.#recent.length = 0
    this.#minutes = load
    this.#hour = load
  }

  /** @param horizon ticks; @param interval seconds of a tick */
  see(time: number, load: number, horizon: number, interval: number): void {
    const { expected } = this
    this.#count++
    const toward = (value: number, ticks: number) =>
      value + (load - value) / Math.min(this.#count, Math.max(1, ticks))
    this.mean = toward(this.mean, (7 * DAY) / interval)
    this.#minutes = toward(this.#minutes, 2 * horizon)
    this.#hour = toward(this.#hour, 30 * horizon)
    this.#recent.push(load)
    if (this.#recent.length > horizon + 1) this.#recent.splice(0, this.#recent.length - horizon - 1)
    const last = this.#recent.at(-2) ?? load
    const span = this.#recent.length - 1
    const trend = span > 0 ? (load - this.#recent[0]!) / span : 0
    expected[0] = load
    expected[1] = load + Math.max(0, load - last) * horizon
    expected[2] = load + Math.max(0, trend) * horizon
    expected[3] = this.#minutes
    expected[4] = this.#hour
    this.#ofDay = this.#seasonal(this.#day, 5, time, load, horizon * interval, this.#ofDay)
    this.#ofWeek = this.#seasonal(this.#week, 7, time, load, horizon * interval, this.#ofWeek)
    expected[9] = this.#minutes * Math.min(4, expected[5]! / (load || 1) || 1)
    expected[10] = (this.#minutes + expected[8]! + expected[6]!) / 3
    this.#day.add(time, load)
    this.#week.add(time, load)
  }

  /** Writes the two forecasts of a season at `i`; returns how the load of late compares with the usual one. */
  #seasonal(season: Season, i: number, time: number, load: number, ahead: number, level: number): number {
    const now = season.at(time)
    const later = season.at(time + ahead)
    const middle = season.at(time + ahead / 2)
    if (now === undefined || later === undefined || middle === undefined) {
      this.expected[i] = this.expected[0]!
      this.expected[i + 1] = this.expected[3]!
      return level
    }
    const floor = 0.02 * this.mean
    const base = now + floor
    const most = Math.max(now, middle, later) + floor
    // Where there was never anybody, nothing can be compared with the usual.
    const next = base > 0 ? level + ((load + floor) / base - level) / 60 : level
    const change = base > 0 ? Math.min(3, most / base - 1) : 0
    this.expected[i] = Math.max(0, load + (load + floor) * change)
    this.expected[i + 1] = Math.max(0, next * most - floor)
    return next
  }
}
