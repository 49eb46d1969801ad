import { describe, expect, it } from 'vitest'
import { runFluid } from '../../../backtest/fluid.ts'
import { LoadCurve } from '../../../backtest/load-curve.ts'
import { lowerBound } from '../../../backtest/lower-bound.ts'
import { seededRng } from '../../../base/rng.ts'
import { AutoScaler } from '../../auto-scaler.ts'
import { Ledger } from './ledger.ts'
import { sloPolicy } from './slo.ts'

const DAY = 86_400
const WORLD = { usersPerServer: 30, provisioningDelay: 90, warmUp: 0, initialServers: 0 }
const LIMITS = { minServers: 1, maxServers: 1000 }

/** Users every five minutes over so many days. */
function curve(days: number, users: (time: number) => number): LoadCurve {
  const times = Float64Array.from({ length: days * 288 + 1 }, (_, i) => i * 300)
  return new LoadCurve({ times, values: times.map((time) => Math.max(0, users(time))) })
}

function play(load: LoadCurve, overload = 0.001) {
  const scaler = new AutoScaler({
    policy: sloPolicy({ overload, usersPerServer: 30 }),
    interval: 30,
    ...LIMITS,
  })
  const result = runFluid({ ...WORLD, curve: load, scaler })
  const floor = lowerBound({ ...WORLD, ...LIMITS, curve: load, interval: 30, overload })
  return { overload: result.overload, cost: result.serverHours / floor.attainable.serverHours }
}

const wave = (time: number) => 600 + 400 * Math.sin((2 * Math.PI * time) / DAY)

describe('slo, untuned', () => {
  it('keeps a calm daily wave within the level, close to the floor', () => {
    const { overload, cost } = play(curve(14, wave))
    expect(overload).toBeLessThanOrEqual(0.001)
    // What may be had is worth money: it is used where that is safe.
    expect(overload).toBeGreaterThan(0.0001)
    expect(cost).toBeLessThan(1.03)
  })

  it('keeps a noisy one, and one that grows', () => {
    const rng = seededRng(3)
    const noisy = play(curve(14, (time) => wave(time) * (1 + 0.1 * (rng.next() - 0.5))))
    expect(noisy.overload).toBeLessThanOrEqual(0.0015)
    expect(noisy.cost).toBeLessThan(1.4)
    const growing = play(curve(14, (time) => wave(time) * (1 + time / (7 * DAY))))
    expect(growing.overload).toBeLessThanOrEqual(0.001)
    expect(growing.cost).toBeLessThan(1.15)
  })

  it('is cheaper at a looser level', () => {
    const rng = () => seededRng(5)
    const load = (random = rng()) => curve(10, (time) => wave(time) * (1 + 0.4 * (random.next() - 0.5)))
    expect(play(load(), 0.02).cost).toBeLessThan(play(load(), 0.0005).cost)
  })

  it('comes through a flash crowd that nobody could foresee, and is not an army afterwards', () => {
    const crowd = (time: number) => wave(time) + (time > 5 * DAY && time < 5 * DAY + 1800 ? 3000 : 0)
    const { overload, cost } = play(curve(14, crowd))
    expect(overload).toBeLessThan(0.01)
    expect(cost).toBeLessThan(1.6)
  })
})

describe('a ledger', () => {
  it('counts what a fleet would have cost, and what would have been above it while servers start', () => {
    const ledger = new Ledger(2, 2)
    // Two fleets: one stays at 2 servers, one wants 4 from the first tick on and has them two ticks later.
    ledger.settle(2, 2, 2, 1)
    ledger.wanted[1] = 4
    for (const [before, now] of [
      [2, 4],
      [4, 4],
      [4, 4],
    ] as const)
      ledger.settle(before, now, 2, 1)
    expect([...ledger.cost]).toEqual([8, 14])
    // From 2 to 4 above 2 servers: 1 in the mean; then 2 a tick, the second fleet until its servers are ready.
    expect([...ledger.excess]).toEqual([5, 3])
    expect(ledger.load).toBe(13)
  })

  it('counts those servers as ready that were wanted ever since they could have started, also when that time changes', () => {
    const rng = seededRng(11)
    const ledger = new Ledger(3, 4)
    const late: number[] = []
    let excess = 0
    let lead = 5
    for (let tick = 0; tick < 500; tick++) {
      if (tick % 40 === 39) lead = Math.floor(rng.next() * 12)
      while (late.length > lead) late.shift()
      const want = ledger.wanted[1]!
      excess += Math.max(0, 9 - Math.min(want, ...late))
      late.push(want)
      ledger.settle(9, 9, lead, 1)
      expect(ledger.excess[1]).toBe(excess)
      ledger.wanted.set([1, 1 + Math.floor(rng.next() * 10), 20])
    }
    expect(ledger.excess[2]).toBeLessThan(excess)
  })

  it('forgets', () => {
    const ledger = new Ledger(1, 1)
    ledger.settle(3, 3, 0, 0.5)
    ledger.settle(0, 0, 0, 0.5)
    expect([ledger.cost[0], ledger.excess[0], ledger.load]).toEqual([1.5, 1, 1.5])
  })
})

describe('slo, decision by decision', () => {
  const at = (time: number, load: number | undefined, size: number) => ({
    time,
    load,
    desiredCount: size,
    servers: [],
  })

  it('keeps what stands before it knows anything, and never less than the load needs', () => {
    const policy = sloPolicy()
    expect(policy.evaluate(at(0, 10, 5)).servers).toBe(5)
    expect(sloPolicy().evaluate(at(0, 310, 5)).servers).toBe(11)
  })

  it('says what it expects, how sure it is and what being wrong would cost', () => {
    const policy = sloPolicy({ serverCost: 0.5, provisioningDelay: 60 })
    let size = 4
    for (let time = 0; time < 7200; time += 30)
      size = policy.evaluate(at(time, 100 + (time % 300) / 30, size)).servers
    expect(sloPolicy({ provisioningDelay: 60 }).evaluate(at(0, 100, 4)).reason).toMatch(/all it knows yet/)
    const { reason, numbers, forecast } = policy.evaluate(at(7200, 100, size))
    expect(reason).toMatch(
      /expects at most \d+ users within 90 s, and is \d+\.\d\d % sure that \d+ servers hold them; (none of these is for error|1 of these is for error \(0\.50 an hour\)|\d+ of these are for error \(\d+\.\d\d an hour\)); at the worst \d+ users would be above capacity for 90 s; overload so far \d+\.\d{3} % of 0\.100 % allowed$/,
    )
    expect(numbers).toMatchObject({ horizon: 90, reacting: 0 })
    expect(numbers!.sure).toBeGreaterThan(0.9)
    expect(forecast).toMatchObject({ time: 7290, confidence: 0.9 })
    expect(forecast!.low).toBeLessThanOrEqual(forecast!.expected)
    expect(forecast!.high).toBeGreaterThanOrEqual(forecast!.expected)
  })

  it('wants no fewer servers when the load is beyond all counting', () => {
    const policy = sloPolicy({ provisioningDelay: 30 })
    for (let time = 0; time < 3000; time += 30)
      expect(policy.evaluate(at(time, 1e11, 10)).servers).toBeGreaterThan(2e9)
  })

  it('speaks of one server as of one', () => {
    const policy = sloPolicy({ provisioningDelay: 30 })
    expect(policy.evaluate(at(0, 10, 1)).servers).toBe(1)
    expect(policy.evaluate(at(30, 10, 1)).reason).toMatch(/: 1 server is room for 30 users, 10 are expected$/)
    for (let time = 60; time < 7200; time += 30) policy.evaluate(at(time, 10, 1))
    expect(policy.evaluate(at(7200, 10, 1)).reason).toMatch(
      / sure that 1 server holds them; none of these is for error; /,
    )
  })

  it('reacts when the load leaves what it thought possible', () => {
    const policy = sloPolicy({ provisioningDelay: 60 })
    let size = 4
    for (let time = 0; time < 86_400; time += 30) size = policy.evaluate(at(time, 100, size)).servers
    expect(size).toBeLessThanOrEqual(5)
    const { servers, reason } = policy.evaluate(at(86_400, 400, size))
    expect(servers).toBeGreaterThanOrEqual(14)
    expect(reason).toMatch(/so it reacts/)
  })

  it('tells numbers only, also when there was nobody for days before the first users', () => {
    const policy = sloPolicy({ provisioningDelay: 90 })
    let size = 2
    for (let time = 0; time < 10 * DAY; time += 300) {
      const recommendation = policy.evaluate(at(time, time < 2 * DAY ? 0 : wave(time), size))
      size = recommendation.servers
      expect(recommendation.reason).not.toMatch(/NaN|Infinity/)
    }
    expect(size).toBeGreaterThanOrEqual(20)
    expect(size).toBeLessThanOrEqual(25)
  })

  it('knows the time of day also when it decides once an hour', () => {
    const policy = sloPolicy({ provisioningDelay: 90 })
    let size = 20
    let seasonal = 0
    for (let time = 0; time < 30 * DAY; time += 3600) {
      const { servers, reason } = policy.evaluate(at(time, wave(time), size))
      size = servers
      if (/time of (day|the week)/.test(reason)) seasonal++
    }
    expect(seasonal).toBeGreaterThan(100)
  })

  it('learns how far apart its decisions are anew when the first two were odd', () => {
    const sizeAfter = (first: number) => {
      const policy = sloPolicy({ provisioningDelay: 90 })
      let size = policy.evaluate(at(0, 600, 40)).servers
      let seconds = 0
      for (let time = first; time < 2 * DAY; time += 30) {
        const { servers, numbers } = policy.evaluate(at(time, 600, size))
        size = servers
        seconds = numbers!.horizon!
      }
      return { size, seconds }
    }
    for (const first of [30, 1, 200]) expect(sizeAfter(first)).toEqual({ size: 20, seconds: 120 })
  })

  it('plans as far ahead as servers take to start, also with a decision every second', () => {
    const policy = sloPolicy({ provisioningDelay: 600 })
    policy.evaluate(at(0, 100, 4))
    expect(policy.evaluate(at(1, 100, 4)).numbers).toMatchObject({ horizon: 601 })
  })

  it('is not changed by limits that held the fleet for a week, in either direction, once they are gone', () => {
    const days = (limit: (servers: number) => number) => {
      const rng = seededRng(7)
      const policy = sloPolicy({ provisioningDelay: 90 })
      let size = 20
      let serverDays = 0
      let told = 0
      for (let time = 0; time < 21 * DAY; time += 120) {
        const load = wave(time) * (1 + 0.4 * (rng.next() - 0.5))
        const { servers, numbers } = policy.evaluate(at(time, load, size))
        const held = time >= 4 * DAY && time < 11 * DAY
        size = held ? limit(servers) : servers
        if (time >= 12 * DAY) serverDays += servers / 720
        told = numbers?.realisedOverload ?? 0
      }
      return { serverDays, told }
    }
    const free = days((servers) => servers)
    const capped = days((servers) => Math.min(15, servers))
    const idle = days((servers) => Math.max(60, servers))
    expect(capped.serverDays / free.serverDays).toBeCloseTo(1, 2)
    expect(idle.serverDays / free.serverDays).toBeCloseTo(1, 2)
    // What is told is what really came.
    expect(capped.told).toBeGreaterThan(0.05)
    expect(idle.told).toBeLessThan(free.told)
  })

  it('learns from every other figure', () => {
    const policy = sloPolicy({ provisioningDelay: 60 })
    let size = 10
    for (let time = 0; time < DAY; time += 30)
      size = policy.evaluate(at(time, time % 60 === 0 ? 100 : undefined, size)).servers
    expect(size).toBe(4)
  })

  it('holds no forecast to blame for what came in a gap, and reacts until it knows more', () => {
    const policy = sloPolicy({ provisioningDelay: 90 })
    const saw = (time: number, phase: number) => 100 * phase + (time % 300) / 30
    let size = 4
    for (let time = 0; time < DAY; time += 30) size = policy.evaluate(at(time, saw(time, 1), size)).servers
    expect(size).toBe(4)
    const after = 1.5 * DAY
    const first = policy.evaluate(at(after, saw(after, 3), size))
    expect(first.reason).toMatch(/^figures were missing, so it reacts; ".*" did best before: expects/)
    // Room for 310 users, and for what an error of the reaction comes to.
    expect(first.servers).toBeGreaterThanOrEqual(11)
  })

  it('goes on after a gap in the figures', () => {
    const policy = sloPolicy()
    for (let time = 0; time < 3000; time += 30) policy.evaluate(at(time, 100, 4))
    expect(policy.evaluate(at(3000, undefined, 4))).toMatchObject({
      servers: 4,
      reason: expect.stringMatching(/unknown/),
    })
    expect(policy.evaluate(at(9000, 100, 4)).servers).toBeGreaterThanOrEqual(4)
  })
})
