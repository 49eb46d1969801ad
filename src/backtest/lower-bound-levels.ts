import { invalidInput } from '../base/errors.ts'
import type { LoadCurve } from './load-curve.ts'

/** What one more server is worth over time: runs of ticks, and the user-seconds it would hold in each run. */
export interface Level {
  readonly ticks: number[]
  readonly gains: number[]
  /** May be on from the first tick without a start. */
  readonly standing: boolean
  /** Is on throughout. */
  readonly always: boolean
}

/** Ticks in which levels are partly used, over all levels: about half a gigabyte. */
const MOST_CHANGES = 3e7

interface LevelOptions {
  readonly curve: LoadCurve
  readonly usersPerServer: number
  readonly minServers: number
  readonly maxServers: number
  readonly begin: number
  readonly end: number
  readonly tick: number
  /** Ticks from launch to ready. */
  readonly leadTicks: number
  /** Servers that are ready at the start. */
  readonly standing: number
}

/** A level that is being written, and the tick up to which it is. */
interface Draft extends Level {
  written: number
}

/**
 * The levels that a load reaches. Where a level is wholly used or wholly idle for many ticks they are one run: the load is
 * continuous, so between two ticks in which the level is partly used it is either the one or the other throughout.
 * @throws {ConcertinaError} INVALID_INPUT when the load goes up and down by too many servers too often.
 */
export function levelsOf(options: LevelOptions): Level[] {
  const { curve, usersPerServer: capacity, minServers, maxServers, begin, end, tick, leadTicks } = options
  const drafts: Draft[] = []
  const draft = (n: number): Draft | undefined => {
    while (drafts.length < n) {
      const number = drafts.length + 1
      const standing = number <= options.standing
      drafts.push({
        ticks: [],
        gains: [],
        standing,
        always: number <= minServers,
        written: standing ? 0 : leadTicks,
      })
    }
    return drafts[n - 1]
  }
  const write = (level: Draft, ticks: number, seconds: number, gain: number) => {
    if (seconds <= 0) return
    level.ticks.push(seconds / tick)
    level.gains.push(gain)
    level.written += ticks
  }
  /** The ticks before `k` that were passed over: full if the level was full at their end. */
  const fill = (level: Draft, n: number, k: number, loadThen: number, until: number) => {
    if (k <= level.written) return
    const seconds = until - (begin + level.written * tick)
    write(level, k - level.written, seconds, loadThen >= n * capacity - 1e-9 ? capacity * seconds : 0)
  }
  const count = Math.ceil((end - begin) / tick - 1e-9)
  /** The k-th tick, and the first and the last of the levels that it uses partly; none when the last is below the first. */
  const tickAt = (k: number) => {
    const from = begin + k * tick
    const to = Math.min(end, from + tick)
    const { low, high } = curve.range(from, to)
    const first = Math.floor(low / capacity) + 1
    const last = Math.min(maxServers, Math.ceil(high / capacity - 1e-9))
    return { from, to, first, last }
  }
  let changes = 0
  for (let k = 0; k < count; k++) {
    const { first, last } = tickAt(k)
    changes += Math.max(0, last + 1 - first)
    if (changes > MOST_CHANGES) {
      throw invalidInput(
        'maxServers',
        `the load goes up and down by too many of ${maxServers} servers too often`,
        'fewer servers, more users per server, a longer interval, or a part of the load',
      )
    }
  }
  draft(minServers)
  for (let k = 0; k < count; k++) {
    const { from, to, first, last } = tickAt(k)
    draft(last) // also where the tick uses it wholly, as a load on an exact multiple of the capacity does
    if (last < first) continue
    const load = curve.at(from)
    let above = curve.excess(from, to, (first - 1) * capacity)
    for (let n = first; n <= last; n++) {
      const level = draft(n)!
      const rest = curve.excess(from, to, n * capacity)
      if (k >= level.written) {
        fill(level, n, k, load, from)
        write(level, 1, to - from, above - rest)
      }
      above = rest
    }
  }
  const lastLoad = curve.at(end)
  drafts.forEach((level, i) => {
    fill(level, i + 1, count, lastLoad, end)
  })
  return drafts
}
