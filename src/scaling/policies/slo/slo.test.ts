import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type FluidWorld, runFluid } from '../../../backtest/fluid.ts'
import { LoadCurve } from '../../../backtest/load-curve.ts'
import { lowerBound } from '../../../backtest/lower-bound.ts'
import { seededRng } from '../../../base/rng.ts'
import type { Decision } from '../../../pipeline/items.ts'
import { AutoScaler } from '../../auto-scaler.ts'
import type { Policy } from '../../types.ts'
import { type SloOptions, sloPolicy } from './slo.ts'

const DAY = 86_400
const WORLD = { usersPerServer: 30, provisioningDelay: 90, warmUp: 0, initialServers: 0 }
const LIMITS = { minServers: 1, maxServers: 1000 }

/** Users every five minutes, or every `step` seconds, over so many days. */
function curve(days: number, users: (time: number) => number, step = 300): LoadCurve {
  const times = Float64Array.from({ length: (days * DAY) / step + 1 }, (_, i) => i * step)
  return new LoadCurve({ times, values: times.map((time) => Math.max(0, users(time))) })
}

function play(load: LoadCurve, overload = 0.001, world: Partial<FluidWorld> = {}) {
  const policy = sloPolicy({ overload, usersPerServer: 30 })
  const decisions: Decision[] = []
  const result = runFluid({
    ...WORLD,
    ...world,
    curve: load,
    scaler: new AutoScaler({ policy, interval: 30, ...LIMITS }),
    onDecision: (decision) => void decisions.push(decision),
  })
  const bound = lowerBound({ ...WORLD, ...LIMITS, curve: load, interval: 30, overload })
  const cost = result.serverHours / bound.attainable.serverHours
  return { overload: result.overload, cost, decisions, events: result.scalingEvents }
}

const wave = (time: number) => 600 + 400 * Math.sin((2 * Math.PI * time) / DAY)
const at = (time: number, load: number | undefined, size: number) => ({
  time,
  load,
  desiredCount: size,
  servers: [],
})

/** Its sizes, one for each load, beginning with as many servers as the first needs. */
function sizes(loads: readonly number[], options: SloOptions = {}, policy = sloPolicy(options)): number[] {
  let size = Math.max(1, Math.ceil(loads[0]! / (options.usersPerServer ?? 30) - 1e-9))
  return loads.map((load, i) => {
    size = policy.evaluate(at(i * 30, load, size)).servers
    return size
  })
}

describe('slo, untuned', () => {
  it('keeps a calm daily wave within the level, close to the lower bound, in few steps', () => {
    const { overload, cost, events } = play(curve(7, wave))
    expect(overload).toBeLessThanOrEqual(0.001)
    expect(cost).toBeLessThan(1.05)
    expect(events).toBeLessThan(7 * 60)
  })

  it('lets the last server come late where the load moves, and spends of the level what that saves', () => {
    const { overload, cost, decisions } = play(curve(14, wave))
    expect(overload).toBeGreaterThan(0.0003)
    expect(overload).toBeLessThanOrEqual(0.001)
    expect(cost).toBeLessThan(1.01)
    expect(decisions.at(-1)!.reason).toMatch(/the last server may come \d+ users late/)
  })

  it('has the last server, too, where the load stands still, also for one user', () => {
    const { overload, decisions } = play(curve(6, (time) => (time < 3 * DAY ? wave(time) : 601)))
    expect(overload).toBeLessThanOrEqual(0.001)
    const still = decisions.filter(({ time }) => time > 3 * DAY + 4 * 3600)
    expect(new Set(still.map(({ desired }) => desired))).toEqual(new Set([21]))
  })

  it('keeps a noisy one, and one that grows', () => {
    const rng = seededRng(3)
    const noisy = play(curve(7, (time) => wave(time) * (1 + 0.1 * (rng.next() - 0.5))))
    expect(noisy.overload).toBeLessThanOrEqual(0.001)
    expect(noisy.cost).toBeLessThan(1.4)
    const growing = play(curve(7, (time) => wave(time) * (1 + time / (7 * DAY))))
    expect(growing.overload).toBeLessThanOrEqual(0.001)
    expect(growing.cost).toBeLessThan(1.15)
  })

  it('keeps room for bursts that do not depend on the load without paying for them in proportion to it', () => {
    const rng = seededRng(6)
    // Every five minutes a load of its own, from nothing to four times the mean: margins in proportion to it cost 2.8 times the bound.
    const { overload, cost } = play(curve(7, () => -300 * Math.log(1 - 0.98 * rng.next())))
    expect(overload).toBeLessThanOrEqual(0.001)
    expect(cost).toBeLessThan(2.5)
  })

  it('is ready where bursts come at the same time of the hour, in some hours only', () => {
    const rng = seededRng(13)
    const hours = Array.from({ length: 24 * 10 }, () => rng.next() < 0.3)
    const bursts = (time: number) => (time % 3600 < 600 && hours[Math.floor(time / 3600)] ? 2000 : 400)
    const { overload, cost, decisions } = play(curve(10, bursts, 60))
    expect(overload).toBeLessThanOrEqual(0.0011)
    expect(cost).toBeLessThan(2.4)
    expect(decisions.at(-1)!.reason).toMatch(/% of its usual rise at this time of the hour/)
  })

  it('is ready where many come at the same time of the day, and at no other time', () => {
    const office = (time: number) => (time % DAY >= 9 * 3600 && time % DAY < 17 * 3600 ? 1200 : 60)
    const { overload, cost, decisions } = play(curve(21, office, 60))
    expect(overload).toBeLessThanOrEqual(0.0012)
    expect(cost).toBeLessThan(1.3)
    const atNine = decisions.filter(({ time }) => time > 7 * DAY && time % DAY === 9 * 3600)
    expect(Math.min(...atNine.map(({ desired }) => desired))).toBeGreaterThan(20)
    const atFour = decisions.filter(({ time }) => time > 7 * DAY && time % DAY === 4 * 3600)
    expect(Math.max(...atFour.map(({ desired }) => desired))).toBeLessThanOrEqual(3)
  })

  it('prepares for no more than twice the highest load', () => {
    const office = (time: number) => (time % DAY >= 9 * 3600 && time % DAY < 17 * 3600 ? 1200 : 60)
    const { decisions } = play(curve(5, office, 60))
    expect(Math.max(...decisions.map(({ desired }) => desired))).toBeLessThanOrEqual(80)
  })

  it('removes nothing while a load rises that rose for less than an hour', () => {
    // After each peak of half an hour the load climbs for 50 minutes.
    const climbs = (time: number) => {
      const after = (time % 7200) - 1800
      return after < 0 ? 1200 : 200 + Math.min(after, 3000) / 10
    }
    const { decisions } = play(curve(4, climbs, 60))
    const inRises = decisions.filter(({ time }) => climbs(time) > climbs(time - 30) && time % 7200 > 1800)
    expect(inRises.length).toBeGreaterThan(1000)
    for (const { from, to } of inRises) expect(to).toBeGreaterThanOrEqual(from)
    expect(decisions.some(({ from, to }) => to < from)).toBe(true)
  })

  it('does not take a load for rising that stands still after a step', () => {
    const steps = (time: number) => (Math.floor(time / 14_400) % 2 ? 1000 : 200)
    const { decisions } = play(curve(6, steps, 60))
    const still = decisions.filter(({ time }) => time % 14_400 > 2400)
    expect(still.length).toBeGreaterThan(1000)
    for (const { reason } of still) expect(reason).not.toContain('the load is rising')
  })

  it('lets go of servers that even an hour of the present rise would not need', () => {
    // An evening peak, after which the load creeps up until morning.
    const evening = (time: number) => (time % DAY < 3600 ? 1200 : 100 + (time % DAY) / 1000)
    const { decisions } = play(curve(10, evening, 60))
    const later = decisions.filter(
      ({ time }) => time > 5 * DAY && time % DAY > 4 * 3600 && time % DAY < 23 * 3600,
    )
    const mean = later.reduce((sum, { desired }) => sum + desired, 0) / later.length
    expect(mean).toBeLessThan(8)
  })

  it('takes servers away less often where they are paid for until their sessions are over', () => {
    const rng = seededRng(15)
    const load = curve(7, (time) => wave(time) * (1 + 0.4 * (rng.next() - 0.5)))
    const long = play(load, 0.001, { drainWindow: 3600, sessionDuration: 1800 })
    expect(long.events).toBeLessThan(0.7 * play(load).events)
  })

  it('is cheaper at a looser level', () => {
    const load = (random = seededRng(5)) => curve(6, (time) => wave(time) * (1 + 0.4 * (random.next() - 0.5)))
    expect(play(load(), 0.02).cost).toBeLessThan(play(load(), 0.0005).cost)
  })

  it('comes through one flash crowd, and keeps no army afterwards', () => {
    const crowd = (time: number) => wave(time) + (time > 5 * DAY && time < 5 * DAY + 1800 ? 3000 : 0)
    const { overload, cost } = play(curve(7, crowd))
    expect(overload).toBeLessThan(0.01)
    expect(cost).toBeLessThan(1.6)
  })

  it('says that the level is unreachable, and bounds what it spends, where spikes come out of nothing', () => {
    const rng = seededRng(9)
    const spikes = curve(7, () => (rng.next() < 0.01 ? 6000 : 3))
    const { decisions, cost } = play(spikes)
    expect(
      decisions.filter(({ reason }) => /is unreachable here: the best is \d/.test(reason)).length,
    ).toBeGreaterThan(100)
    expect(cost).toBeLessThan(30)
  })

  it('takes back no server that still starts', () => {
    const rng = seededRng(4)
    const { decisions } = play(curve(7, (time) => wave(time) * (1 + 0.6 * (rng.next() - 0.5))))
    let grown = -Infinity
    for (const { action, time } of decisions) {
      if (action === 'scale_up') grown = time
      if (action === 'scale_down') expect(time - grown).toBeGreaterThanOrEqual(90)
    }
  })
})

describe('slo, decision by decision', () => {
  it.each([
    [15_000, 500],
    [14_990, 500],
    [1, 1],
    [0, 1],
  ])('changes nothing while the load is flat: %i users on %i servers', (users, servers) => {
    expect(new Set(sizes(new Array<number>(2000).fill(users)))).toEqual(new Set([servers]))
  })

  it('never wants fewer servers when the load is 5 % more at every moment', () => {
    const step = fc.record({
      level: fc.double({ min: 0, max: 3000, noNaN: true }),
      ticks: fc.integer({ min: 1, max: 200 }),
    })
    fc.assert(
      fc.property(
        fc.array(step, { minLength: 1, maxLength: 12 }),
        fc.nat(),
        fc.boolean(),
        (steps, seed, noisy) => {
          const rng = seededRng(seed)
          const loads = steps.flatMap(({ level, ticks }) =>
            Array.from({ length: ticks }, () => level * (noisy ? 1 + 0.3 * (rng.next() - 0.5) : 1)),
          )
          const more = sizes(loads.map((load) => load * 1.05))
          sizes(loads).forEach((servers, i) => void expect(more[i]).toBeGreaterThanOrEqual(servers))
        },
      ),
      { numRuns: 40 },
    )
  })

  it('scales in nothing while the load rises', () => {
    const rng = seededRng(8)
    const loads = Array.from({ length: 6000 }, (_, i) => wave(i * 30) * (1 + 0.5 * (rng.next() - 0.5)))
    const wanted = sizes(loads)
    wanted.forEach((servers, i) => {
      if (i > 0 && servers < wanted[i - 1]!) expect(loads[i]).toBeLessThanOrEqual(loads[i - 1]!)
    })
  })

  it('holds what there is before it knows its errors, and never less than the load needs', () => {
    expect(sloPolicy().evaluate(at(0, 10, 5))).toMatchObject({ servers: 5, reason: /holds the 5 it has/ })
    expect(sloPolicy().evaluate(at(0, 310, 5)).servers).toBe(11)
    const policy = sloPolicy({ provisioningDelay: 60 })
    for (let time = 0; time < 2000; time += 30) expect(policy.evaluate(at(time, 10, 5)).servers).toBe(5)
  })

  it('explains the decision: what it is ready for, why, and what it has spent', () => {
    const policy = sloPolicy({ serverCost: 0.5, provisioningDelay: 60 })
    let size = 4
    for (let time = 0; time < DAY; time += 30)
      size = policy.evaluate(at(time, 100 + 2 * Math.sin(time / 3000), size)).servers
    const { reason, numbers, forecast } = policy.evaluate(at(DAY, 100, size))
    expect(reason).toMatch(
      /^\d servers hold \d+ users, 100 are there(; .*)?; ready for \d+: 100 expected within 90 s if (it stays|its growth continues), and \d+\.\d % of the (load|day's mean), kept \d+ min; \d (is|are) spare \(\d\.\d\d an hour\); this would have had \d\.\d{3} % at \d\.\d\d × so far; spent \d\.\d{3} % of 0\.100 % allowed$/,
    )
    expect(numbers).toMatchObject({ horizon: 90, unreachable: 0 })
    expect(forecast).toMatchObject({ time: DAY + 90, confidence: 0.9 })
    expect(forecast!.low).toBeLessThanOrEqual(forecast!.expected)
    expect(forecast!.high).toBeGreaterThanOrEqual(forecast!.expected)
  })

  it('follows a jump that it has never seen the like of', () => {
    const policy = sloPolicy({ provisioningDelay: 60 })
    for (let time = 0; time < DAY; time += 30) policy.evaluate(at(time, 100, 4))
    expect(policy.evaluate(at(DAY, 400, 4)).servers).toBeGreaterThanOrEqual(14)
  })

  it('returns numbers only, also when the first users come after days', () => {
    const policy = sloPolicy({ provisioningDelay: 90 })
    let size = 2
    for (let time = 0; time < 10 * DAY; time += 300) {
      const recommendation = policy.evaluate(at(time, time < 2 * DAY ? 0 : wave(time), size))
      size = recommendation.servers
      expect(recommendation.reason).not.toMatch(/NaN|Infinity/)
      for (const value of Object.values(recommendation.numbers ?? {})) expect(value).toBeTypeOf('number')
    }
    expect(size).toBeGreaterThanOrEqual(20)
    expect(size).toBeLessThanOrEqual(26)
  })

  it('counts no more servers than a log can hold', () => {
    const policy = sloPolicy({ provisioningDelay: 30 })
    for (let time = 0; time < 3000; time += 30) {
      const { servers } = policy.evaluate(at(time, 1e11, 10))
      expect(servers).toBe(2 ** 31 - 1)
    }
  })

  it('measures its interval again when the first two decisions were odd', () => {
    for (const first of [30, 1, 200]) {
      const policy = sloPolicy({ provisioningDelay: 90 })
      policy.evaluate(at(0, 600, 20))
      let horizon: number | undefined
      for (let time = first; time < DAY; time += 30)
        horizon = policy.evaluate(at(time, 600, 20)).numbers!.horizon
      expect(horizon).toBe(120)
    }
  })

  it('plans as far ahead as servers take to start, also with a decision every second', () => {
    const policy = sloPolicy({ provisioningDelay: 600 })
    policy.evaluate(at(0, 100, 4))
    expect(policy.evaluate(at(1, 100, 4)).numbers).toMatchObject({ horizon: 601 })
  })

  it('holds still without a load, and blames no forecast for what came in a gap', () => {
    const policy = sloPolicy({ provisioningDelay: 60 })
    for (let time = 0; time < DAY; time += 30) policy.evaluate(at(time, 100, 4))
    expect(policy.evaluate(at(DAY, undefined, 4))).toMatchObject({ servers: 4, insufficientData: true })
    expect(policy.evaluate(at(DAY + 7200, 300, 4)).servers).toBe(10)
    const { numbers } = policy.evaluate(at(DAY + 7230, 300, 10))
    expect(numbers!.realisedOverload).toBe(0)
  })
})

describe('slo, started again', () => {
  const rng = seededRng(12)
  const loads = Array.from({ length: 8000 }, (_, i) => wave(i * 60) * (1 + 0.3 * (rng.next() - 0.5)))
  const half = 5000
  const through = (policy: Policy, part: readonly number[], from: number, begin: number) => {
    let size = begin
    return part.map((load, i) => {
      size = policy.evaluate(at((from + i) * 60, load, size)).servers
      return size
    })
  }
  const first = sloPolicy({ provisioningDelay: 90 })
  const before = through(first, loads.slice(0, half), 0, 20).at(-1)!
  const state: unknown = JSON.parse(JSON.stringify(first.snapshot!()))
  const unbroken = through(first, loads.slice(half), half, before)
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

  it('continues with what it had learned, on another clock', () => {
    const second = sloPolicy({ provisioningDelay: 90 })
    second.restore!(state, -half * 60)
    const after = through(second, loads.slice(half), 0, before)
    expect(Math.abs(after[0]! - before)).toBeLessThanOrEqual(1)
    expect(mean(after) / mean(unbroken)).toBeCloseTo(1, 1)
    expect(
      second.evaluate(at(3001 * 60, loads.at(-1), after.at(-1)!)).numbers!.realisedOverload,
    ).toBeGreaterThan(0)
  })

  it('knows the time of the hour on another clock, and on the clock of the world', () => {
    const hourly = (time: number) => (time % 3600 < 600 ? 900 : 100)
    const sizeAt = (policy: Policy, times: readonly number[], clock: (time: number) => object) => {
      let size = 40
      for (const time of times)
        size = policy.evaluate({ ...at(time, hourly(time), size), ...clock(time) }).servers
      return size
    }
    const ticks = (from: number, to: number) =>
      Array.from({ length: (to - from) / 30 }, (_, i) => from + i * 30)
    const learner = sloPolicy({ provisioningDelay: 90 })
    sizeAt(learner, ticks(0, 5 * DAY), () => ({}))
    // Half an hour past the full one by its own clock; the run that follows begins at 0.
    const [begin, next] = [5 * DAY + 1800, 5 * DAY + 3600]
    const kept: unknown = JSON.parse(JSON.stringify(learner.snapshot!()))
    const again = sloPolicy({ provisioningDelay: 90 })
    again.restore!(kept, -begin)
    const own = (time: number) => ({ time: time - begin })
    expect(sizeAt(again, ticks(begin, next - 600), own)).toBeLessThan(10)
    expect(sizeAt(again, ticks(next - 600, next), own)).toBeGreaterThanOrEqual(30)
    const aware = sloPolicy({ provisioningDelay: 90 })
    aware.restore!(kept, 12_345)
    const world = (time: number) => ({ time: time - begin, wallTime: time })
    expect(sizeAt(aware, ticks(begin, next - 600), world)).toBeLessThan(10)
    expect(sizeAt(aware, ticks(next - 600, next), world)).toBeGreaterThanOrEqual(30)
  })

  it('holds the size there is when nothing was kept, and meets growth', () => {
    const second = sloPolicy({ provisioningDelay: 90 })
    const after = through(second, loads.slice(half), 0, before)
    expect(after[0]).toBe(before)
    after
      .slice(0, 90)
      .forEach((servers, i) => void expect(servers).toBeGreaterThanOrEqual(after[i - 1] ?? before))
  })

  it.each([
    undefined,
    null,
    7,
    { version: 1 },
    { ...(state as object), fleets: { excess: [] } },
    {
      ...(state as object),
      rise: { ...(state as { rise: object }).rise, ofHour: { powers: [1], counts: [1] } },
    },
  ])('rejects a state of another version: %#', (other) => {
    const policy = sloPolicy({ provisioningDelay: 90 })
    expect(() => policy.restore!(other, 0)).toThrow()
    expect(policy.evaluate(at(0, 100, 4)).servers).toBe(4)
  })
})
