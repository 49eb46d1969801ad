import { invalidInput, requireNumber } from '../base/errors.ts'
import { excessOfLine } from '../traffic/excess.ts'
import type { Trace } from '../traffic/traces/trace.ts'
import { timeOfWeek } from './business-hours.ts'

/**
 * Concurrent users over time on straight lines between points, from 0 to `duration` seconds, with exact integrals.
 * Look-ups that go forward in time cost nothing more than the points they pass.
 */
export class LoadCurve {
  readonly times: Float64Array
  readonly values: Float64Array
  /** Seconds. */
  readonly duration: number
  /** Of time 0, in seconds since Monday, 0:00 UTC; a load whose moments are not known begins then. */
  readonly weekTime: number
  #near = 0

  /**
   * @param scale multiplies the values of the trace
   * @param weekTime of the first point, where the trace does not say its moment
   */
  constructor(trace: Pick<Trace, 'times' | 'values' | 'about'>, scale = 1, weekTime = 0) {
    requireNumber('scale', scale, { above: 0 })
    const first = trace.times[0]!
    this.times = trace.times.map((time) => time - first)
    this.values = trace.values.map((value) => value * scale)
    this.duration = this.times.at(-1)!
    const start = trace.about?.start
    this.weekTime = start === undefined ? weekTime : timeOfWeek(start / 1000 + first)
  }

  /** Concurrent users at `time` seconds. */
  at(time: number): number {
    const i = this.#find(time)
    return this.#on(i, time)
  }

  /** User-seconds above `capacity` users between two times; all user-seconds when `capacity` is 0. */
  excess(from: number, to: number, capacity: number): number {
    const { times, values } = this
    let i = this.#find(from)
    let at = from
    let load = this.#on(i, from)
    let sum = 0
    while (i + 2 < times.length && times[i + 1]! < to) {
      const next = times[i + 1]!
      sum += excessOfLine(load, values[i + 1]!, capacity) * (next - at)
      at = next
      load = values[i + 1]!
      i++
    }
    return sum + excessOfLine(load, this.#on(i, to), capacity) * (to - at)
  }

  /** The least and the most users between two times. */
  range(from: number, to: number): { low: number; high: number } {
    const a = this.at(from)
    let low = a
    let high = a
    const include = (value: number) => {
      if (value < low) low = value
      if (value > high) high = value
    }
    for (let i = this.#find(from) + 1; i < this.times.length && this.times[i]! < to; i++)
      include(this.values[i]!)
    include(this.at(to))
    return { low, high }
  }

  #on(i: number, time: number): number {
    const { times, values } = this
    const begin = times[i]!
    const end = times[i + 1]!
    if (time >= end) return values[i + 1]!
    return values[i]! + ((values[i + 1]! - values[i]!) * (time - begin)) / (end - begin)
  }

  /** The line that `time` is on. */
  #find(time: number): number {
    const { times } = this
    const last = times.length - 2
    let i = this.#near
    if (times[i]! > time) {
      let low = 0
      let high = i
      while (low < high) {
        const middle = (low + high + 1) >> 1
        if (times[middle]! <= time) low = middle
        else high = middle - 1
      }
      i = low
    }
    while (i < last && times[i + 1]! <= time) i++
    this.#near = i
    return i
  }

  /** The part from the share `from` to the share `to` (0–1) of the duration, cut at points. */
  part(from: number, to: number): LoadCurve {
    const at = (share: number) => this.times.findLastIndex((time) => time <= share * this.duration + 1e-9)
    const [a, b] = [at(from), at(to)]
    if (b <= a) {
      throw invalidInput('trace', 'it is too short to be split', 'at least four points')
    }
    const [times, values] = [this.times.slice(a, b + 1), this.values.slice(a, b + 1)]
    return new LoadCurve({ times, values }, 1, this.weekTime + times[0]!)
  }
}

/**
 * What to multiply a trace by so that its 99.9th percentile needs `servers` servers.
 * @throws {ConcertinaError} INVALID_INPUT when the percentile is 0.
 */
export function scaleForServers(trace: Trace, servers: number, usersPerServer: number): number {
  const sorted = Float64Array.from(trace.values).sort()
  const percentile = sorted[Math.floor((sorted.length - 1) * 0.999)]!
  if (percentile > 0) return (servers * usersPerServer) / percentile
  throw invalidInput(
    trace.file,
    'its 99.9th percentile is 0',
    'a trace that has users, or no --target-servers',
  )
}
