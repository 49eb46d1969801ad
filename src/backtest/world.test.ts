import { describe, expect, it } from 'vitest'
import type { Decision } from '../pipeline/items.ts'
import { AutoScaler } from '../scaling/auto-scaler.ts'
import { reasons } from '../scaling/reasons.ts'
import type { Policy } from '../scaling/types.ts'
import { evaluate, floorOf } from './evaluate.ts'
import { type FluidOptions, runFluid } from './fluid.ts'
import { LoadCurve } from './load-curve.ts'
import { lowerBound } from './lower-bound.ts'
import { DEFAULT_MESSAGES } from './message-latency.ts'
import { varied } from './variation.ts'

const flat = (users: number, seconds: number) =>
  new LoadCurve({ times: Float64Array.of(0, seconds), values: Float64Array.of(users, users) })
/** 10 users, then 60 from second 200 on. */
const leap = new LoadCurve({
  times: Float64Array.of(0, 200 - 1e-9, 200, 1000),
  values: Float64Array.of(10, 10, 60, 60),
})
/** One server for ten users that it sees. */
const follow: Policy = {
  name: 'follow',
  evaluate: ({ load }) => ({ servers: Math.max(1, Math.ceil(load! / 10)), reason: '' }),
}
const scaler = (policy: Policy, interval = 20) =>
  new AutoScaler({ policy, interval, minServers: 1, maxServers: 100, cooldown: 0 })
const run = (options: Partial<FluidOptions> = {}) =>
  runFluid({ curve: leap, usersPerServer: 10, provisioningDelay: 40, scaler: scaler(follow), ...options })

describe('the surroundings of a backtest', () => {
  it('lets starts take longer than the provisioning delay, by so much on average, the same each time', () => {
    const tailed = run({ startUpTail: 100 })
    expect(tailed).toEqual(run({ startUpTail: 100, scaler: scaler(follow) }))
    expect(tailed.overload).not.toBe(
      run({ startUpTail: 100, seed: 'another', scaler: scaler(follow) }).overload,
    )
    // Every one of many servers is missed for the delay and its tail.
    const many = new LoadCurve({ times: leap.times, values: leap.values.map((users) => users * 100) })
    const missed = run({
      curve: many,
      startUpTail: 100,
      scaler: new AutoScaler({ policy: follow, interval: 20, minServers: 1, maxServers: 1e4, cooldown: 0 }),
    })
    const userTime = 1000 * 200 + 6000 * 800
    expect((missed.overload * userTime) / 5000).toBeGreaterThan(40 + 90)
    expect((missed.overload * userTime) / 5000).toBeLessThan(40 + 110)
    const bound = lowerBound({
      ...{ curve: leap, usersPerServer: 10, provisioningDelay: 40, interval: 20 },
      ...{ overload: tailed.overload, minServers: 1, maxServers: 100 },
    })
    expect(bound.serverHours).toBeLessThanOrEqual(tailed.serverHours)
  })

  it('starts a node first where none has a place left, and pays for nodes until they were empty for a while', () => {
    const nodes = { serversPerNode: 4, nodeDelay: 100, nodeIdle: 300 }
    // Four of six servers fit on the node that is there, two wait for another.
    const { overload, serverHours } = run({ nodes })
    const userTime = 10 * 200 + 60 * 800
    expect(overload).toBeCloseTo((50 * 40 + 20 * 100) / userTime, 6)
    expect(serverHours).toBeCloseTo((4 * 200 + 8 * 800) / 3600, 6)
    const back = new LoadCurve({
      times: Float64Array.of(0, 400, 400 + 1e-9, 1000),
      values: Float64Array.of(80, 80, 10, 10),
    })
    const ended = run({ curve: back, nodes })
    // The decision at 400 s still sees 80 users.
    expect(ended.serverHours).toBeCloseTo((8 * (420 + 300) + 4 * 280) / 3600, 6)
  })

  it('shows policies the load as it was', () => {
    const first = (metricDelay: number) => {
      let at = Number.NaN
      const onDecision: FluidOptions['onDecision'] = ({ action, time }) => {
        if (action === 'scale_up' && Number.isNaN(at)) at = time
      }
      run({ metricDelay, onDecision, scaler: scaler(follow) })
      return at
    }
    expect([first(0), first(60), first(70)]).toEqual([200, 260, 280])
  })

  it('pays by price: the reserved always, spot servers less, and takes spot servers away', () => {
    const curve = flat(100, 36_000)
    const reserved = { servers: 4, price: 0.5 }
    const always = run({ curve, prices: { onDemand: 1, reserved }, scaler: scaler(follow) })
    expect(always.money).toBeCloseTo(10 * (4 * 0.5 + 6 * 1), 6)
    const few = run({ curve: flat(20, 36_000), prices: { onDemand: 1, reserved }, scaler: scaler(follow) })
    expect(few.money).toBeCloseTo(10 * 4 * 0.5, 6)
    const spot = { share: 0.5, price: 0.25, interruptionsPerDay: 24 }
    const onSpot = run({
      curve,
      prices: { onDemand: 1, reserved, spot },
      provisioningDelay: 300,
      scaler: scaler(follow),
    })
    // Three spot servers, each taken away once an hour for ten hours; two minutes before, another is launched for it.
    expect(onSpot.interruptions).toBeGreaterThan(15)
    expect(onSpot.interruptions).toBeLessThan(50)
    expect(onSpot.starts).toBe(onSpot.interruptions)
    expect(onSpot.usersMoved).toBeGreaterThanOrEqual(10 * onSpot.interruptions)
    expect(onSpot.overload).toBeGreaterThan((onSpot.interruptions * 10 * 120) / (100 * 36_000))
    expect(onSpot.money! / always.money!).toBeCloseTo((2 + 3 + 0.75) / 8, 1)
  })

  it('pays another price on demand in business hours, by the clock of the recording', () => {
    const week = 7 * 86_400
    const businessHours = { from: 8, to: 18.5, price: 3 }
    const prices = { onDemand: 1, businessHours, reserved: { servers: 4, price: 0.5 } }
    const paid = (curve: LoadCurve) => run({ curve, prices, scaler: scaler(follow) }).money
    const ofWeek = 168 * (4 * 0.5 + 6) + 5 * 10.5 * 6 * (3 - 1)
    expect(paid(flat(100, week))).toBeCloseTo(ofWeek, 6)
    // Of any week it is the same; from Friday noon on, two days have six and a half hours of business, three have four more.
    const start = Date.parse('2026-11-27T12:00:00Z')
    const about = { format: 'csv', values: '', start, missing: 0, gaps: [], notes: [] }
    const recorded = (days: number) =>
      new LoadCurve({ times: Float64Array.of(0, days * 86_400), values: Float64Array.of(100, 100), about })
    expect(paid(recorded(7))).toBeCloseTo(ofWeek, 6)
    expect(paid(recorded(2))).toBeCloseTo(48 * 8 + 6.5 * 6 * 2, 6)
    expect(paid(recorded(3))).toBeCloseTo(72 * 8 + (6.5 + 4) * 6 * 2, 6)
    // A part of it has the clock of the part.
    const values = Float64Array.from({ length: 29 }, () => 100)
    const hourly = new LoadCurve({ times: values.map((_, i) => i * 6 * 3600), values })
    expect(paid(hourly.part(5 / 7, 1))).toBeCloseTo(48 * 8, 6)
  })

  it('starts the autoscaler again in the middle, and compares with the fleet without that', () => {
    const doubling = (): Policy => {
      let first = true
      return {
        name: 'doubling',
        evaluate: ({ load }) => {
          const servers = Math.ceil(load! / 10) * (first ? 2 : 1)
          first = false
          return { servers, reason: '' }
        },
      }
    }
    const curve = flat(100, 7200)
    const restart = { at: 3600, again: () => scaler(doubling()) }
    const restarted = run({ curve, scaler: scaler(doubling()), restart })
    expect(restarted.afterRestart).toBeCloseTo(10 / (10 * 180), 6)
    expect(restarted.scalingEvents).toBe(4)
    const steady = run({ curve, scaler: scaler(follow), restart: { at: 3600, again: () => scaler(follow) } })
    expect(steady.afterRestart).toBe(0)
    expect(run({ curve, scaler: scaler(follow) }).afterRestart).toBeUndefined()
  })

  const settings = {
    ...{ usersPerServer: 30, provisioningDelay: 60, interval: 30, warmUp: 0, overload: 0.001 },
    ...{ minServers: 1, maxServers: 100, initialServers: 0, messages: DEFAULT_MESSAGES },
  }
  const wave = new LoadCurve({
    times: Float64Array.from({ length: 577 }, (_, i) => i * 300),
    values: Float64Array.from({ length: 577 }, (_, i) => 600 + 400 * Math.sin((i / 144) * Math.PI)),
  })
  const candidate = { name: 'slo', policy: { kind: 'slo' as const, overload: 0.001, usersPerServer: 30 } }

  it('gives reasons to who listens, and decides the same where nobody does', () => {
    const decisions: Decision[] = []
    const heard = evaluate(wave, candidate, settings, { onDecision: (decision) => decisions.push(decision) })
    expect(decisions.every(({ reason }) => reason.length > 20)).toBe(true)
    expect(evaluate(wave, candidate, settings)).toEqual(heard)
    expect(reasons.say('paused')).toBe('paused')
  })

  it('gives a policy what it had learned, or nothing, at the restart of a comparison', () => {
    const of = (restart: 'none' | 'keep' | 'forget') => evaluate(wave, candidate, { ...settings, restart })
    const [none, keep, forget] = [of('none'), of('keep'), of('forget')]
    expect(none.afterRestart).toBeUndefined()
    expect(Math.abs(keep.afterRestart!)).toBeLessThan(0.02)
    expect(keep.serverHours / none.serverHours).toBeCloseTo(1, 2)
    expect(forget.afterRestart).not.toBe(keep.afterRestart)
    expect(floorOf(wave, settings).attainable.serverHours).toBeLessThan(none.serverHours)
  })

  it('copies a trace: begun at another time, scaled, with noise, and the same for the same number', () => {
    const curve = new LoadCurve({
      times: Float64Array.from({ length: 1001 }, (_, i) => i * 60),
      values: Float64Array.from({ length: 1001 }, () => 100),
    })
    const one = varied(curve, 1)
    expect(one.duration / curve.duration).toBeCloseTo(0.9, 2)
    expect(varied(curve, 1).values).toEqual(one.values)
    expect(varied(curve, 2).values).not.toEqual(one.values)
    expect(new Set(one.values).size).toBeGreaterThan(800)
    const mean = one.values.reduce((sum, value) => sum + value, 0) / one.values.length
    expect(Math.abs(mean / 100 - 1)).toBeLessThan(0.2)
  })
})
