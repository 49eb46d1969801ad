import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AutoScaler } from '../scaling/auto-scaler.ts'
import type { Policy } from '../scaling/types.ts'
import { runFluid, standingServers } from './fluid.ts'
import { LoadCurve } from './load-curve.ts'
import { lowerBound, lowerBoundSeries } from './lower-bound.ts'

const curveOf = (step: number, values: number[]) =>
  new LoadCurve({ times: Float64Array.from(values, (_, i) => i * step), values: Float64Array.from(values) })

/** Desires these numbers of servers, decision by decision. */
function script(sizes: readonly number[]): Policy {
  let i = 0
  return { name: 'script', evaluate: () => ({ servers: sizes[i++] ?? 1, reason: 'as written' }) }
}
const scaler = (policy: Policy, interval: number, maxServers = 100) =>
  new AutoScaler({ policy, interval, minServers: 1, maxServers, cooldown: 0 })

describe('LoadCurve', () => {
  it('is cut by time, however its points are spread', () => {
    const times = Float64Array.from([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 50, 70, 100])
    const curve = new LoadCurve({ times, values: times })
    expect(curve.part(0, 0.7)).toMatchObject({ duration: 70 })
    expect(curve.part(0.7, 1)).toMatchObject({ duration: 30, values: Float64Array.from([70, 100]) })
  })

  it('integrates as a fine sum does, forward and back', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(100), { minLength: 2, maxLength: 8 }),
        fc.nat(60),
        fc.nat(60),
        fc.nat(100),
        (values, a, b, capacity) => {
          const curve = curveOf(7, values)
          const [from, to] = [Math.min(a, b), Math.max(a, b)].map((x) => Math.min(x, curve.duration)) as [
            number,
            number,
          ]
          const parts = 4000
          let sum = 0
          for (let i = 0; i < parts; i++) {
            sum += Math.max(0, curve.at(from + ((i + 0.5) / parts) * (to - from)) - capacity)
          }
          const exact = curve.excess(from, to, capacity)
          expect(Math.abs(exact - (sum / parts) * (to - from))).toBeLessThan(0.05)
          expect(curve.excess(0, curve.duration, 0)).toBeGreaterThanOrEqual(exact - 1e-9)
        },
      ),
    )
  })
})

describe('runFluid', () => {
  it('counts overload, cost and events of a jump by hand', () => {
    // 10 users, then 30 from second 80 on; servers of 10. The second and third are desired at 80 and ready at 120.
    const curve = new LoadCurve({
      times: Float64Array.of(0, 80 - 1e-9, 80, 200),
      values: Float64Array.of(10, 10, 30, 30),
    })
    const result = runFluid({
      curve,
      usersPerServer: 10,
      provisioningDelay: 40,
      scaler: scaler(script([1, 1, 1, 1, 3, 3, 3, 3, 3, 3]), 20),
    })
    expect(result.overload).toBeCloseTo((20 * 40) / (10 * 80 + 30 * 120), 6)
    expect(result.serverHours).toBeCloseTo((1 * 80 + 3 * 120) / 3600, 9)
    expect(result).toMatchObject({ scalingEvents: 1, peakServers: 3, abandoned: false })
    const { elasticity } = result
    expect(elasticity.underProvisioningTimeShare).toBeCloseTo(40 / 200, 6)
    expect(elasticity.underProvisioningAccuracy).toBeCloseTo(((2 / 3) * 40) / 200, 6)
    expect(elasticity.overProvisioningAccuracy).toBe(0)
    // Demand goes up at 80, supply at 120.
    expect(elasticity.instability).toBeCloseTo(40 / 180, 6)
  })

  it('shows the policy the servers that drain, with the users that are still there', () => {
    const flat = new LoadCurve({ times: Float64Array.of(0, 500), values: Float64Array.of(60, 60) })
    const sizes = script([4, 2, 2, 2, 2, 2, 2, 2, 2, 2])
    const seen: string[] = []
    const policy: Policy = {
      ...sizes,
      evaluate: (observation) => {
        const draining = observation.servers.filter(({ state }) => state === 'draining')
        seen.push(draining.map(({ id, users }) => `${id}:${users.toFixed(1)}`).join(' '))
        return sizes.evaluate(observation)
      },
    }
    runFluid({
      curve: flat,
      usersPerServer: 30,
      provisioningDelay: 60,
      initialServers: 4,
      drainWindow: 120,
      scaler: scaler(policy, 50),
    })
    expect(seen.slice(0, 6)).toEqual(['', '', '3:15.0 4:15.0', '3:15.0 4:15.0', '', ''])
  })

  it('pays for servers that drain, lets them keep their users, and counts who moves and which starts were in vain', () => {
    const flat = new LoadCurve({ times: Float64Array.of(0, 500), values: Float64Array.of(60, 60) })
    const run = (settings: { drainWindow?: number; sessionDuration?: number }) =>
      runFluid({
        curve: flat,
        usersPerServer: 30,
        provisioningDelay: 60,
        initialServers: 4,
        ...settings,
        scaler: scaler(script([4, 2, 2, 3, 2, 2, 2, 2, 2, 2]), 50),
      })
    const atOnce = run({})
    expect(atOnce).toMatchObject({ usersMoved: 30, starts: 1, startsInVain: 1, hours: 500 / 3600 })
    const window = run({ drainWindow: 120 })
    expect(window.usersMoved).toBeCloseTo(30, 6)
    expect(window.serverHours - atOnce.serverHours).toBeCloseTo((2 * 120) / 3600, 9)
    const sessions = run({ drainWindow: 600, sessionDuration: 40 })
    expect(sessions.usersMoved).toBe(0)
    expect(sessions.serverHours - atOnce.serverHours).toBeCloseTo((2 * 40 * Math.log(15 / 0.5)) / 3600, 9)
    expect(() => run({ drainWindow: -1 })).toThrow(/drainWindow/)
    expect(() => run({ sessionDuration: 0 })).toThrow(/sessionDuration/)
  })

  it('counts from the end of the warm-up on', () => {
    const curve = curveOf(100, [20, 20, 20])
    const options = { curve, usersPerServer: 10, provisioningDelay: 50 }
    const sizes = [1, 2, 2, 2, 2, 2, 2, 2]
    const all = runFluid({ ...options, scaler: scaler(script(sizes), 50) })
    const later = runFluid({ ...options, warmUp: 80, scaler: scaler(script(sizes), 50) })
    expect(all.overload).toBeCloseTo(0.25)
    expect(later.overload).toBe(0)
    expect(later.serverHours).toBeCloseTo((2 * 100) / 3600)
    expect(() => runFluid({ ...options, warmUp: 200, scaler: scaler(script([]), 50) })).toThrow(/warmUp/)
  })

  it('begins with what the load needs before a server of any policy could be there, so that the floor is feasible', () => {
    // 10 users leap to 50 at 20 s; a server takes 40 s. At 70 s they leap to 70, for which there is time.
    const curve = new LoadCurve({
      times: Float64Array.of(0, 20 - 1e-9, 20, 70 - 1e-9, 70, 200),
      values: Float64Array.of(10, 10, 50, 50, 70, 70),
    })
    const options = { curve, usersPerServer: 10, provisioningDelay: 40 }
    const limits = { minServers: 1, maxServers: 100 }
    expect(standingServers(options, 20, limits)).toBe(5)
    expect(standingServers({ ...options, initialServers: 6 }, 20, limits)).toBe(6)
    expect(standingServers(options, 20, { minServers: 1, maxServers: 3 })).toBe(3)
    const floor = lowerBound({ ...options, interval: 10, ...limits, overload: 0 })
    expect(floor.feasible).toBe(true)
    expect(floor.attainable.overload).toBeCloseTo(0, 9)
    const keeps = runFluid({ ...options, scaler: scaler(script([5, 5, 7, 7, 7, 7, 7, 7, 7, 7]), 20) })
    expect(keeps.overload).toBeCloseTo((20 * 10) / curve.excess(0, 200, 0), 4)
  })

  it('starts in the middle of an interval when the delay is not a multiple of it', () => {
    const curve = curveOf(100, [20, 20])
    const result = runFluid({
      curve,
      usersPerServer: 10,
      provisioningDelay: 15,
      scaler: scaler(script([1, 2, 2, 2, 2]), 20),
    })
    expect(result.overload).toBeCloseTo(((20 + 15) * 10) / 2000)
  })
})

it('rejects an option that there is not, where a load is played and where its floor is sought', () => {
  const world = { curve: curveOf(100, [20, 20]), usersPerServer: 10, provisioningDelay: 15 }
  const play = (more: object) => () => runFluid({ ...world, scaler: scaler(script([2]), 20), ...more })
  const floor = (more: object) => () =>
    lowerBound({ ...world, interval: 20, overload: 0, minServers: 1, maxServers: 9, ...more })
  for (const run of [play, floor]) {
    expect(run({})).not.toThrow()
    expect(run({ warmup: 10 })).toThrow(/^warmup: there is no such key$/)
  }
  expect(play({ nodes: { serversPerNode: 2, nodeDelay: 5, idle: 3 } })).toThrow(/^nodes.idle: /)
  expect(play({ prices: { ondemand: 1 } })).toThrow(/^prices.ondemand: /)
})

describe('clairvoyantFloor', () => {
  /** The cheapest of all sequences of sizes, by trying each. */
  function bruteForce(
    curve: LoadCurve,
    { provisioningDelay, interval }: { provisioningDelay: number; interval: number },
    most: number,
  ) {
    const ticks = Math.ceil(curve.duration / interval)
    const outcomes: { cost: number; overload: number }[] = []
    const sizes = new Array<number>(ticks).fill(1)
    for (let n = 0; n < most ** ticks; n++) {
      for (let i = 0, rest = n; i < ticks; i++, rest = Math.floor(rest / most)) sizes[i] = 1 + (rest % most)
      const result = runFluid({
        curve,
        usersPerServer: 10,
        provisioningDelay,
        scaler: scaler(script(sizes), interval, most),
      })
      outcomes.push({ cost: result.serverHours, overload: result.overload })
    }
    return (overload: number) =>
      Math.min(...outcomes.filter((each) => each.overload <= overload + 1e-9).map((each) => each.cost))
  }

  it('is never above the cheapest of all fleets, and met exactly where its plan uses the budget up', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(35), { minLength: 7, maxLength: 7 }),
        fc.constantFrom(0, 10, 20, 30),
        fc.double({ min: 0, max: 0.4, noNaN: true }),
        (values, provisioningDelay, overload) => {
          const curve = curveOf(10, values)
          const world = { provisioningDelay, interval: 10 }
          const cheapest = bruteForce(curve, world, 3)
          const options = { curve, usersPerServer: 10, ...world, minServers: 1, maxServers: 3 }
          const floor = lowerBound({ ...options, overload })
          const exact = cheapest(overload)
          expect(floor.feasible).toBe(exact < Infinity)
          if (!floor.feasible) return
          expect(floor.serverHours).toBeLessThanOrEqual(exact + 1e-9)
          expect(floor.attainable.serverHours).toBeGreaterThanOrEqual(exact - 1e-9)
          expect(floor.attainable.overload).toBeLessThanOrEqual(overload + 1e-9)
          const met = lowerBound({ ...options, overload: floor.attainable.overload })
          expect(met.serverHours).toBeCloseTo(cheapest(floor.attainable.overload), 9)
        },
      ),
      { numRuns: 60 },
    )
  })

  it('has a time series that attains what it says', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(60), { minLength: 4, maxLength: 20 }),
        fc.constantFrom(0, 7, 10, 25),
        fc.double({ min: 0, max: 0.3, noNaN: true }),
        (values, provisioningDelay, overload) => {
          const curve = curveOf(10, values)
          const fleet = { provisioningDelay, interval: 10, minServers: 1, maxServers: 5 }
          const { attainable, series } = lowerBoundSeries({ curve, usersPerServer: 10, ...fleet, overload })
          const { times, values: servers } = series
          let [excess, seconds] = [0, 0]
          for (const [i, from] of times.entries()) {
            const to = times[i + 1] ?? curve.duration
            excess += curve.excess(from, to, servers[i]! * 10)
            seconds += servers[i]! * (to - from)
          }
          const users = curve.excess(0, curve.duration, 0)
          expect(excess / (users || 1)).toBeCloseTo(attainable.overload, 6)
          // A start is paid for, too, and is not in the series.
          expect(seconds).toBeLessThanOrEqual(attainable.serverHours * 3600 + 1e-6)
        },
      ),
      { numRuns: 200 },
    )
  })

  it.each([
    // A constant load on an exact multiple of the capacity, one below it, one above it, and one that no fleet may hold.
    [300, 1000, 10, 0],
    [299, 1000, 10, 0],
    [301, 1000, 11, 0],
    [900, 10, 10, 2 / 3],
  ])('holds a constant load of %i users with at most %i servers', (users, maxServers, servers, overload) => {
    const floor = lowerBound({
      curve: curveOf(3600, [users, users, users]),
      usersPerServer: 30,
      provisioningDelay: 90,
      interval: 30,
      overload: 0,
      minServers: 1,
      maxServers,
    })
    expect(floor.attainable.serverHours).toBeCloseTo(2 * servers, 9)
    expect(floor.serverHours).toBeCloseTo(2 * servers, 9)
    expect(floor.attainable.overload).toBeCloseTo(overload, 9)
    expect(floor.feasible).toBe(overload === 0)
  })

  it('is met by exhaustive search where the load stays at exact multiples of the capacity', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(0, 10, 20, 30, 40), { minLength: 7, maxLength: 7 }),
        fc.constantFrom(0, 10, 20),
        (values, provisioningDelay) => {
          const curve = curveOf(10, values)
          const world = { provisioningDelay, interval: 10 }
          const options = { curve, usersPerServer: 10, ...world, minServers: 1, maxServers: 3 }
          const floor = lowerBound({ ...options, overload: 0 })
          const exact = bruteForce(curve, world, 3)(0)
          expect(floor.feasible).toBe(exact < Infinity)
          if (floor.feasible) expect(floor.attainable.serverHours).toBeCloseTo(exact, 9)
        },
      ),
      { numRuns: 30 },
    )
  })

  it('stays below every fleet when the delay is not a multiple of the interval', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(35), { minLength: 7, maxLength: 7 }),
        fc.constantFrom(5, 15, 13),
        (values, delay) => {
          const curve = curveOf(10, values)
          const world = { provisioningDelay: delay, interval: 10 }
          const options = { curve, usersPerServer: 10, ...world, minServers: 1, maxServers: 3 }
          const floor = lowerBound({ ...options, overload: 0.1 })
          const exact = bruteForce(curve, world, 3)(0.1)
          if (exact < Infinity) expect(floor.serverHours).toBeLessThanOrEqual(exact + 1e-9)
        },
      ),
      { numRuns: 20 },
    )
  })

  it('is rejected for a load that would need more memory than there is', () => {
    const values = Array.from({ length: 1000 }, (_, i) => (i % 2) * 1e5)
    const options = { curve: curveOf(10, values), usersPerServer: 1, provisioningDelay: 10, interval: 10 }
    const floor = () => lowerBound({ ...options, overload: 0, minServers: 1, maxServers: 100_000 })
    expect(floor).toThrow(/^maxServers: the load goes up and down by too many of 100000 servers too often$/)
  })
})
