import { describe, expect, it } from 'vitest'
import { createPolicy } from '../policies.ts'
import type { Observation, Policy } from '../policy.ts'
import { parseCron, TimeZone } from './cron.ts'
import { knativePolicy } from './knative.ts'
import { maxPolicy } from './max.ts'
import { predictivePolicy } from './predictive.ts'
import { schedulePolicy } from './schedule.ts'
import { stepPolicy } from './step.ts'
import { targetTrackingPolicy } from './target-tracking.ts'

/** A fleet of `size` ready servers, each at that share of CPU. */
const cpu = (time: number, size: number, value: number | undefined): Observation => ({
  time,
  load: 0,
  size,
  servers: Array.from({ length: size }, (_, i) => ({ id: i + 1, state: 'ready', users: 0, cpu: value })),
})
const loaded = (time: number, load: number, size: number): Observation => ({
  time,
  load,
  size,
  servers: Array.from({ length: size }, (_, i) => ({ id: i + 1, state: 'ready', users: load / size })),
})
const wanted = (policy: Policy, observation: Observation) => policy.evaluate(observation).servers

describe('step', () => {
  // The user guide's example: alarms at CPU 60 and 40, from 10 servers.
  // Out: 0 to 10 beyond: +10 %, from 10 on: +30 %. In: 0 to -10: -10 %, from -10 on: -30 %.
  const example = () =>
    stepPolicy({
      metric: 'cpu',
      adjustmentType: 'percent',
      warmUp: 0,
      scaleOut: {
        threshold: 60,
        adjustments: [
          { lower: 0, upper: 10, change: 10 },
          { lower: 10, change: 30 },
        ],
      },
      scaleIn: {
        threshold: 40,
        adjustments: [
          { lower: -10, upper: 0, change: -10 },
          { upper: -10, change: -30 },
        ],
      },
    })

  it.each([
    [10, 60, 11], // 10 % of 10 is 1
    [11, 70, 14], // 30 % of 11 is 3.3, rounded down to 3
    [14, 40, 13], // 10 % of 14 is 1.4, rounded down to 1
    [13, 30, 10], // 30 % of 13 is 3.9, rounded down to 3
    [10, 50, 10],
  ])('from %i servers at %i percent of CPU to %i', (size, value, servers) => {
    expect(wanted(example(), cpu(0, size, value))).toBe(servers)
  })

  // "Values greater than 1 are rounded down: 12.7 to 12. Between 0 and 1 to 1: 0.67 to 1. Between 0 and -1 to -1: -0.58 to -1.
  // Less than -1 are rounded up: -6.67 to -6."
  it.each([
    [100, 12.7, 112],
    [10, 6.7, 11],
    [10, -5.8, 9],
    [100, -6.67, 94],
  ])('rounds as documented: %i servers and %d %%', (size, change, servers) => {
    const [out, inward] = [
      { threshold: 50, adjustments: [{ lower: 0, change }] },
      { threshold: 50, adjustments: [{ change }] },
    ]
    const policy = stepPolicy({
      metric: 'cpu',
      adjustmentType: 'percent',
      warmUp: 0,
      ...(change > 0
        ? { scaleOut: out, scaleIn: { ...inward, threshold: 0 } }
        : { scaleOut: { ...out, threshold: 99 }, scaleIn: inward }),
    })
    expect(wanted(policy, cpu(0, size, change > 0 ? 60 : 40))).toBe(servers)
  })

  it('changes at least the minimum magnitude, or to an exact number', () => {
    const scaleOut = { threshold: 60, adjustments: [{ lower: 0, change: 25 }] }
    const scaleIn = { threshold: 0, adjustments: [{ change: 0 }] }
    // "PercentChangeInCapacity 25, MinAdjustmentMagnitude 2, 4 instances: 25 % of 4 is 1, and 2 are added."
    const least = stepPolicy({
      metric: 'cpu',
      adjustmentType: 'percent',
      minAdjustmentMagnitude: 2,
      scaleOut,
      scaleIn,
    })
    expect(wanted(least, cpu(0, 4, 70))).toBe(6)
    expect(
      wanted(stepPolicy({ metric: 'cpu', adjustmentType: 'exact', scaleOut, scaleIn }), cpu(0, 4, 70)),
    ).toBe(25)
  })

  it('does not act twice on the same breach while servers warm up, and removes none meanwhile', () => {
    const policy = stepPolicy({ warmUp: 300 })
    expect(wanted(policy, loaded(0, 66, 2))).toBe(3)
    expect(wanted(policy, loaded(60, 99, 3))).toBe(3)
    expect(wanted(policy, loaded(120, 9, 3))).toBe(3)
    expect(wanted(policy, loaded(301, 99, 3))).toBe(4)
  })
})

describe('target-tracking', () => {
  it('scales out in proportion after three minutes above the target', () => {
    const policy = targetTrackingPolicy({ metric: 'cpu', target: 0.5, warmUp: 0 })
    expect([0, 60, 120, 179].map((time) => wanted(policy, cpu(time, 4, 0.9)))).toEqual([4, 4, 4, 4])
    expect(wanted(policy, cpu(180, 4, 0.9))).toBe(8) // 4 × 0.9 / 0.5 = 7.2
  })

  it('scales in after fifteen minutes below nine tenths of it, and not in between', () => {
    const policy = targetTrackingPolicy({ metric: 'cpu', target: 0.5 })
    expect(wanted(policy, cpu(0, 10, 0.46))).toBe(10)
    for (let time = 1; time < 900; time += 60) expect(wanted(policy, cpu(time, 10, 0.2))).toBe(10)
    expect(wanted(policy, cpu(901, 10, 0.2))).toBe(4)
    const kept = targetTrackingPolicy({ metric: 'cpu', target: 0.5, disableScaleIn: true, scaleInAfter: 0 })
    expect(wanted(kept, cpu(0, 10, 0.1))).toBe(10)
  })

  it('counts servers that warm up as done', () => {
    const policy = targetTrackingPolicy({
      metric: 'cpu',
      target: 0.5,
      scaleOutAfter: 0,
      scaleInAfter: 0,
      warmUp: 300,
    })
    expect(wanted(policy, cpu(0, 4, 1))).toBe(8)
    expect(wanted(policy, cpu(60, 8, 1))).toBe(8)
    expect(wanted(policy, cpu(120, 8, 0.1))).toBe(8)
    expect(wanted(policy, cpu(301, 8, 1))).toBe(16)
  })
})

describe('knative', () => {
  // Worked out from the rules; a target of 10 for each server.
  const policy = () => knativePolicy({ target: 10, targetUtilization: 1 })

  it('takes the average of the stable window, rounded up', () => {
    const ten = policy()
    for (let time = 0; time < 60; time += 2) expect(wanted(ten, loaded(time, 50, 5))).toBe(5)
    const half = policy()
    for (let time = 0; time < 60; time += 2) wanted(half, loaded(time, 25, 3))
    expect(wanted(half, loaded(60, 25, 3))).toBe(3)
  })

  it('panics at twice what is ready, and scales in only a stable window later', () => {
    const one = policy()
    for (let time = 0; time < 60; time += 2) wanted(one, loaded(time, 10, 1))
    const burst = [60, 62, 64, 66].map((time) => wanted(one, loaded(time, 100, 1)))
    expect(burst).toEqual([4, 7, 10, 10])
    expect(one.evaluate(loaded(68, 5, 10)).reason).toMatch(/^panic/)
    for (let time = 70; time <= 124; time += 2) expect(wanted(one, loaded(time, 5, 10))).toBe(10)
    for (let time = 126; time <= 200; time += 2) wanted(one, loaded(time, 5, 10))
    expect(wanted(one, loaded(202, 5, 10))).toBe(5) // at most halved at once
  })

  it('limits the rate both ways', () => {
    const slow = knativePolicy({ target: 1, targetUtilization: 1, maxScaleUpRate: 10 })
    expect(wanted(slow, loaded(0, 1000, 2))).toBe(20)
    expect(wanted(knativePolicy(), loaded(0, 0, 9))).toBe(4)
  })
})

describe('schedule', () => {
  const day = 86_400

  it('holds what the last entry said', () => {
    const policy = schedulePolicy({
      start: '2026-03-02T00:00:00Z', // a Monday
      entries: [
        { cron: '0 8 * * 1-5', servers: 10 },
        { cron: '0 20 * * *', servers: 2 },
      ],
    })
    const at = (days: number, hours: number) => wanted(policy, loaded(days * day + hours * 3600, 0, 5))
    expect([at(0, 0), at(0, 7.99), at(0, 8), at(0, 19.9), at(0, 20), at(1, 9)]).toEqual([2, 2, 10, 10, 2, 10])
    expect([at(5, 9), at(6, 12), at(7, 8.5)]).toEqual([2, 2, 10]) // the weekend
  })

  it('heeds the clock changes of its time zone', () => {
    const entries = [
      { cron: '0 9 * * *', servers: 9 },
      { cron: '30 2 * * *', servers: 2 },
    ]
    const policy = schedulePolicy({ timeZone: 'Europe/Berlin', start: '2026-03-28T00:00:00Z', entries })
    const at = (iso: string) =>
      wanted(policy, loaded((Date.parse(iso) - Date.parse('2026-03-28T00:00:00Z')) / 1000, 0, 5))
    expect(at('2026-03-28T07:59:00Z')).toBe(2)
    expect(at('2026-03-28T08:00:00Z')).toBe(9) // 09:00 in winter
    expect(at('2026-03-29T06:59:00Z')).toBe(9) // 02:30 did not exist this night
    expect(at('2026-03-30T00:30:00Z')).toBe(2) // 02:30 in summer
    expect(at('2026-03-30T07:00:00Z')).toBe(9)
  })

  it('reads cron expressions as crontab does', () => {
    const at = (text: string, iso: string) =>
      parseCron('cron', text)(new TimeZone('UTC').at(Date.parse(iso) / 60_000))
    expect(at('*/15 * * * *', '2026-01-01T10:45Z')).toBe(true)
    expect(at('5-10/5,40 1,3 * * *', '2026-01-01T03:10Z')).toBe(true)
    expect(at('0 0 13 * 5', '2026-02-13T00:00Z')).toBe(true)
    expect(at('0 0 13 * 5', '2026-02-06T00:00Z')).toBe(true) // a Friday, not the 13th
    expect(at('0 0 * * 7', '2026-02-01T00:00Z')).toBe(true)
    for (const bad of ['* * * *', '60 * * * *', '* * * * 8', '5-1 * * * *', 'a * * * *', '*/0 * * * *']) {
      expect(() => parseCron('cron', bad)).toThrow(/cron: /)
    }
    expect(() =>
      schedulePolicy({ entries: [{ cron: '* * * * *', servers: 1 }], timeZone: 'Mars/Base' }),
    ).toThrow(/Mars/)
  })
})

describe('predictive', () => {
  it('is ahead of a ramp by the horizon, and of nothing else', () => {
    const policy = predictivePolicy({ usersPerServer: 10, horizon: 60 })
    for (let time = 0; time <= 3000; time += 10) wanted(policy, loaded(time, time / 10, 5))
    // At 3,010 s there are 301 users, 0.1 more each second: 307 in a minute.
    expect(wanted(policy, loaded(3010, 301, 31))).toBe(31)
    expect(policy.evaluate(loaded(3020, 302, 31)).numbers!.forecast).toBeCloseTo(308, 0)
    expect(wanted(predictivePolicy({ usersPerServer: 10 }), loaded(0, 95, 1))).toBe(10)
  })

  it('learns a season', () => {
    const wave = (time: number) => 100 + 80 * Math.sin((2 * Math.PI * time) / 86_400)
    const policy = predictivePolicy({
      usersPerServer: 1,
      horizon: 3600,
      season: 86_400,
      alpha: 0.01,
      beta: 0,
    })
    for (let time = 0; time < 10 * 86_400; time += 300) wanted(policy, loaded(time, wave(time), 100))
    const forecast = policy.evaluate(loaded(10 * 86_400, wave(0), 100)).numbers!.forecast!
    expect(Math.abs(forecast - wave(3600))).toBeLessThan(8)
  })
})

describe('max', () => {
  it('takes the largest, tells all reasons and asks everybody every time', () => {
    const policy = maxPolicy([
      schedulePolicy({ entries: [{ cron: '* * * * *', servers: 4 }] }),
      createPolicy({ kind: 'queueing', usersPerServer: 10, beta: 0 }),
    ])
    expect(policy.evaluate(loaded(0, 25, 2))).toMatchObject({
      servers: 4,
      reason: expect.stringMatching(/^schedule wants 4 .*; queueing wants 3 /),
      numbers: { 'schedule.servers': 4, 'queueing.room': 25 },
    })
    expect(wanted(policy, loaded(60, 95, 2))).toBe(10)
    expect(createPolicy({ kind: 'max', policies: [{ kind: 'threshold' }, { kind: 'hpa' }] }).name).toBe(
      'max(threshold, hpa)',
    )
    expect(() => createPolicy({ kind: 'best' } as never)).toThrow(/"best" is not a policy/)
  })
})
