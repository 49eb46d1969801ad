import { requireNumber } from '../base/errors.ts'
import { type KeysOf, requireKnown } from '../base/known-keys.ts'
import { type FluidWorld, scoredTime, standingServers, WORLD_KEYS } from './fluid.ts'
import { type Level, levelsOf } from './lower-bound-levels.ts'
import type { TimeSeries } from './time-series.ts'

/** What the lower bound of a load needs. */
export interface LowerBoundOptions extends FluidWorld {
  /** Seconds between two decisions. */
  readonly interval: number
  /** Share of user-time that may be above capacity. */
  readonly overload: number
  readonly minServers: number
  readonly maxServers: number
}

export const LOWER_BOUND_KEYS: KeysOf<LowerBoundOptions> = {
  ...WORLD_KEYS,
  interval: true,
  overload: true,
  minServers: true,
  maxServers: true,
}

/** The cheapest fleet that had known the future. */
export interface LowerBound {
  /** No fleet within the allowed overload is cheaper. */
  readonly serverHours: number
  /** This fleet is within it, and costs so much: what is really cheapest lies between the two. */
  readonly attainable: { readonly serverHours: number; readonly overload: number }
  /** Whether any fleet can be within it; if not, both figures are those of the fleet with the least overload. */
  readonly feasible: boolean
}

/** The fleet of `LowerBound.attainable` over time. */
export interface LowerBoundSeries extends LowerBound {
  /** Seconds since the beginning of the load, increasing, and the servers that are ready from then on. */
  readonly series: TimeSeries
}

interface Plan {
  /** Server-seconds. */
  readonly cost: number
  /** User-seconds above capacity. */
  readonly excess: number
}

/** Two ways to come to a run of ticks, with a server that is off, or on. */
class PathCost {
  cost = 0
  gain = 0

  value(price: number): number {
    return price * this.gain - this.cost
  }

  become(other: PathCost, extraCost: number): void {
    this.cost = other.cost + extraCost
    this.gain = other.gain
  }
}

/** Choices of a plan: the server of a level was started, or stopped, before this run of ticks. */
const [STARTED, STOPPED] = [1, 2] as const

/**
 * When the server of a level is on if a user-second above capacity costs `price` server-seconds: dynamic programming.
 * @param choices is filled with how each run of ticks was best come to
 */
function planLevel(
  level: Level,
  price: number,
  tick: number,
  startCost: number,
  choices?: Uint8Array,
): { path: PathCost; on: boolean } {
  const off = new PathCost()
  const on = new PathCost()
  if (!level.standing) on.cost = Infinity
  const { ticks, gains } = level
  for (let i = 0; i < ticks.length; i++) {
    const offValue = off.value(price)
    const onValue = on.cost === Infinity ? -Infinity : on.value(price)
    if (onValue > offValue) {
      off.become(on, 0)
      if (choices) choices[i] = STOPPED
    } else if (offValue - startCost > onValue) {
      on.become(off, startCost)
      if (choices) choices[i] = STARTED
    }
    on.cost += ticks[i]! * tick
    on.gain += gains[i]!
  }
  return on.cost !== Infinity && on.value(price) > off.value(price)
    ? { path: on, on: true }
    : { path: off, on: false }
}

/** The stretches, in ticks since the level's first, in which the server of a level is on at that price. */
function onTimes(level: Level, price: number, tick: number, startCost: number): [from: number, to: number][] {
  const choices = new Uint8Array(level.ticks.length)
  let { on } = planLevel(level, price, tick, startCost, choices)
  const found: [number, number][] = []
  let end = level.ticks.reduce((sum, each) => sum + each, 0)
  for (let i = level.ticks.length - 1; i >= 0; i--) {
    const begin = end - level.ticks[i]!
    if (on) {
      const later = found.at(-1)
      if (later && later[0] === end) later[0] = begin
      else found.push([begin, end])
    }
    if (choices[i] === (on ? STARTED : STOPPED)) on = !on
    end = begin
  }
  return found
}

/**
 * The clairvoyant floor: least server-seconds of a fleet that knows the whole load, decides at the same interval, waits the
 * same provisioning delay for each server it launches and pays for it, begins with the same standing servers, keeps to the
 * same least and most servers, and has at most the share `overload` of user-time above capacity.
 *
 * A fleet is a stack of servers, the n-th of which holds what the load has above n − 1 and up to n servers' capacity, so
 * with a price λ for a user-second above capacity each level is planned separately, exactly, by dynamic programming over on
 * and off (a start costs the delay). The budget joins the levels: by Lagrangian duality, max over λ of
 * [cost(λ) + λ · (excess(λ) − budget)] is a lower bound for every fleet within the budget (weak duality; Everett, 1963), and
 * the plan at that λ that keeps the budget is a fleet. λ is found by walking the lower hull of (excess, cost).
 *
 * The plan is on a grid of ticks that has both the interval and the delay on it: exact when the delay is a multiple of the
 * interval. Otherwise the grid is finer (the delay rounded down to a tenth of the interval if need be), so that the fleet of the
 * floor may do more than the policies; it stays a lower bound. With a warm-up the servers at its end are not counted.
 */
export function lowerBound(options: LowerBoundOptions): LowerBound {
  return solve(options).bound
}

/** The same, with the fleet that attains it. */
export function lowerBoundSeries(options: LowerBoundOptions): LowerBoundSeries {
  const { bound, series } = solve(options)
  return { ...bound, series: series() }
}

function solve(options: LowerBoundOptions): { bound: LowerBound; series: () => TimeSeries } {
  requireKnown('', options, LOWER_BOUND_KEYS)
  const { interval, minServers, maxServers, provisioningDelay } = options
  const overload = requireNumber('overload', options.overload, { min: 0, max: 1 })
  const { begin, end } = scoredTime(options, interval)
  const fits = (parts: number) => {
    const ticks = (provisioningDelay * parts) / interval
    return Math.abs(ticks - Math.round(ticks)) < 1e-9
  }
  const parts = [1, 2, 3, 4, 5, 6, 8].find(fits) ?? 10
  const tick = interval / parts
  const leadTicks = Math.floor(provisioningDelay / tick + 1e-9)
  const standing = begin > 0 ? maxServers : standingServers(options, interval, { minServers, maxServers })
  const levels = levelsOf({ ...options, begin, end, tick, leadTicks, standing })
  const userTime = options.curve.excess(begin, end, 0)
  const budget = overload * userTime
  const planAt = (price: number): Plan => {
    let cost = 0
    let gain = 0
    for (const level of levels) {
      if (level.always) {
        cost += end - begin
        gain += level.gains.reduce((sum, each) => sum + each, 0)
      } else {
        const { path } = planLevel(level, price, tick, leadTicks * tick)
        cost += path.cost
        gain += path.gain
      }
    }
    return { cost, excess: Math.max(0, userTime - gain) }
  }
  const seriesAt = (price: number): TimeSeries => {
    const changes = new Map<number, number>([[begin, 0]])
    const change = (time: number, by: number) => changes.set(time, (changes.get(time) ?? 0) + by)
    for (const level of levels) {
      const first = begin + (level.standing ? 0 : leadTicks * tick)
      const stretches: [number, number][] = level.always
        ? [[0, (end - first) / tick]]
        : onTimes(level, price, tick, leadTicks * tick)
      for (const [from, to] of stretches) {
        change(first + from * tick, 1)
        if (first + to * tick < end - 1e-6) change(first + to * tick, -1)
      }
    }
    const times = [...changes.keys()].sort((a, b) => a - b)
    let servers = 0
    return {
      times,
      values: times.map((time) => {
        servers += changes.get(time)!
        return servers
      }),
    }
  }
  const result = (serverSeconds: number, plan: Plan, price: number, feasible: boolean) => ({
    series: () => seriesAt(price),
    bound: {
      serverHours: serverSeconds / 3600,
      attainable: { serverHours: plan.cost / 3600, overload: plan.excess / (userTime || 1) },
      feasible,
    },
  })
  const slack = 1e-9 * userTime
  let over = planAt(0)
  if (over.excess <= budget + slack) return result(over.cost, over, 0, true)
  let withinPrice = 1e9
  let within = planAt(withinPrice)
  if (within.excess > budget + slack) return result(within.cost, within, withinPrice, false)
  for (let round = 0; round < 100; round++) {
    const price = (within.cost - over.cost) / (over.excess - within.excess)
    const next = planAt(price)
    const value = (plan: Plan) => plan.cost + price * plan.excess
    if (value(next) >= value(within) - 1e-9 * within.cost) {
      const bound = within.cost + price * (within.excess - budget)
      return result(Math.min(bound, within.cost), within, withinPrice, true)
    }
    if (next.excess <= budget + slack) {
      within = next
      withinPrice = price
    } else over = next
  }
  return result(over.cost, within, withinPrice, true)
}
