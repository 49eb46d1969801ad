import { describe, expect, it } from 'vitest'
import { desiredBy, loaded, observing } from '../../../test/support/fleets.ts'
import { createPolicy } from '../policies.ts'
import type { Policy } from '../types.ts'
import { chainPolicy } from './composite/chain.ts'
import { maxPolicy } from './composite/max.ts'
import { hpaPolicy } from './hpa/hpa.ts'
import { predictivePolicy } from './predictive.ts'
import { queueingPolicy } from './queueing.ts'
import { parseCron } from './schedule/cron.ts'
import { schedulePolicy } from './schedule/schedule.ts'
import { thresholdPolicy } from './threshold.ts'

describe('threshold', () => {
  it('looks at the load and all desired servers, or at another metric of the ready ones', () => {
    expect(thresholdPolicy().evaluate({ ...loaded(0, 70, 2), desiredCount: 3 })).toEqual({
      servers: 3,
      reason: '70 users on 3 servers are 23.3 a server, within 10 and 30',
      numbers: { usersPerServer: 70 / 3, scaleUpThreshold: 30, scaleDownThreshold: 10 },
    })
    const policy = thresholdPolicy({ metric: 'utilization', scaleUpThreshold: 0.8, scaleDownThreshold: 0.3 })
    expect(policy.evaluate(observing('utilization', [0.9, 0.8, 0], { states: 'RRS' }))).toEqual({
      servers: 4,
      reason: '0.85 utilization a server, above the scale-up threshold of 0.8',
      numbers: { utilization: expect.closeTo(0.85), scaleUpThreshold: 0.8, scaleDownThreshold: 0.3 },
    })
    expect(desiredBy(policy, observing('utilization', [0.2, 0.3]))).toBe(1)
    expect(policy.evaluate(observing('utilization', [0.2, undefined]))).toMatchObject({
      servers: 2,
      reason: '0.20 utilization a server, below the scale-down threshold of 0.3, but 1 do not report it',
    })
  })
})

describe('queueing', () => {
  it.each([
    [100, 4], // 110 users at 30
    [900, 31], // 930 users at 30
    [0, 0],
  ])('%i users need %i servers of 30 with β = 1', (load, servers) => {
    expect(desiredBy(queueingPolicy(), loaded(0, load, 3))).toBe(servers)
  })

  it('adds up another metric over the ready servers, and removes none while one does not report it', () => {
    const policy = queueingPolicy({ metric: 'cpu', usersPerServer: 1 })
    expect(policy.evaluate(observing('cpu', [1, 0.5, 2.5]))).toMatchObject({
      servers: 6,
      reason: '4 cpu and 1 × √4 of room are 6.0, at 1 a server',
    })
    expect(policy.evaluate(observing('cpu', [0.01, undefined, 0.01]))).toMatchObject({
      servers: 3,
      reason: expect.stringMatching(/, but 1 do not report it$/),
    })
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
    const at = (days: number, hours: number) => desiredBy(policy, loaded(days * day + hours * 3600, 0, 5))
    expect([at(0, 0), at(0, 7.99), at(0, 8), at(0, 19.9), at(0, 20), at(1, 9)]).toEqual([2, 2, 10, 10, 2, 10])
    expect([at(5, 9), at(6, 12), at(7, 8.5)]).toEqual([2, 2, 10]) // the weekend
  })

  it('follows the clock changes of its time zone', () => {
    const entries = [
      { cron: '0 9 * * *', servers: 9 },
      { cron: '30 2 * * *', servers: 2 },
    ]
    const policy = schedulePolicy({ timeZone: 'Europe/Berlin', start: '2026-03-28T00:00:00Z', entries })
    const at = (iso: string) =>
      desiredBy(policy, loaded((Date.parse(iso) - Date.parse('2026-03-28T00:00:00Z')) / 1000, 0, 5))
    expect(at('2026-03-28T07:59:00Z')).toBe(2)
    expect(at('2026-03-28T08:00:00Z')).toBe(9) // 09:00 in winter
    expect(at('2026-03-29T00:59:00Z')).toBe(9) // 01:59, and then it is 03:00
    expect(at('2026-03-29T01:00:00Z')).toBe(2)
    expect(at('2026-03-30T00:30:00Z')).toBe(2) // 02:30 in summer
    expect(at('2026-03-30T07:00:00Z')).toBe(9)
  })

  it.each(['30 2 * * *', '*/15 2 * * *', '0,45 2 * * SUN'])(
    'is at %s of a skipped hour from 03:00 on',
    (cron) => {
      const entries = [
        { cron, servers: 6 },
        { cron: '0 22 * * *', servers: 2 },
      ]
      const policy = schedulePolicy({ timeZone: 'Europe/Berlin', entries })
      const at = (iso: string) => desiredBy(policy, { ...loaded(0, 0, 5), wallTime: Date.parse(iso) / 1000 })
      expect(at('2025-03-30T01:59:59+01:00')).toBe(2)
      expect(at('2025-03-30T03:00:00+02:00')).toBe(6)
      expect(at('2025-03-30T22:00:00+02:00')).toBe(2)
    },
  )

  it('counts an hour that is repeated once, also when it begins within it', () => {
    const entries = [
      { cron: '30 2 * * *', servers: 6 },
      { cron: '50 2 * * *', servers: 3 },
      { cron: '0 22 * * *', servers: 2 },
    ]
    const at = (policy: Policy, iso: string) =>
      desiredBy(policy, { ...loaded(0, 0, 5), wallTime: Date.parse(iso) / 1000 })
    const make = () => schedulePolicy({ timeZone: 'Europe/Berlin', entries })
    const one = make()
    for (const [iso, servers] of [
      ['2025-10-26T02:29:00+02:00', 2],
      ['2025-10-26T02:30:00+02:00', 6],
      ['2025-10-26T02:55:00+02:00', 3],
      ['2025-10-26T02:10:00+01:00', 3],
      ['2025-10-26T02:35:00+01:00', 3],
      ['2025-10-26T03:00:00+01:00', 3],
      ['2025-10-26T22:00:00+01:00', 2],
    ] as const) {
      expect([iso, at(one, iso), at(make(), iso)]).toEqual([iso, servers, servers])
    }
  })

  it('follows the time of day where there is one, from the first moment', () => {
    const entries = [
      { cron: '0 8 * * *', servers: 4 },
      { cron: '0 20 * * *', servers: 1 },
    ]
    const policy = schedulePolicy({ entries, start: '2001-01-01T00:00:00Z' })
    const at = (iso: string) => desiredBy(policy, { ...loaded(0, 0, 5), wallTime: Date.parse(iso) / 1000 })
    expect([at('2026-03-02T08:00:00Z'), at('2026-03-02T19:59:59Z'), at('2026-03-02T20:00:00Z')]).toEqual([
      4, 4, 1,
    ])
    expect([at('2036-03-02T12:00:00Z'), at('2026-03-02T21:00:00Z')]).toEqual([4, 1]) // the clock was set
  })

  it('reads cron expressions as crontab does, and names', () => {
    const at = (text: string, iso: string) => {
      const wall = Date.parse(iso) / 60_000
      return parseCron('cron', text).last(wall) === wall
    }
    expect(at('*/15 * * * *', '2026-01-01T10:45Z')).toBe(true)
    expect(at('5-10/5,40 1,3 * * *', '2026-01-01T03:10Z')).toBe(true)
    expect(at('0 0 13 * 5', '2026-02-13T00:00Z')).toBe(true)
    expect(at('0 0 13 * 5', '2026-02-06T00:00Z')).toBe(true) // a Friday, not the 13th
    expect(at('0 0 * * 7', '2026-02-01T00:00Z')).toBe(true)
    expect(at('0 8 * jan-feb MON-FRI', '2026-02-02T08:00Z')).toBe(true)
    expect(at('0 8 * jan-feb MON-FRI', '2026-03-02T08:00Z')).toBe(false)
    expect(at('@daily', '2026-03-02T00:00Z')).toBe(true)
    expect(at('0 0 L * *', '2028-02-29T00:00Z')).toBe(true)
    expect(at('0 0 L * *', '2026-02-27T00:00Z')).toBe(false)
    expect(() => parseCron('cron', '0 0 30 2 *')).toThrow(/never due/)
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
    for (let time = 0; time <= 3000; time += 10) desiredBy(policy, loaded(time, time / 10, 5))
    // At 3,010 s there are 301 users, 0.1 more each second: 307 in a minute.
    expect(desiredBy(policy, loaded(3010, 301, 31))).toBe(31)
    expect(policy.evaluate(loaded(3020, 302, 31)).numbers!.forecast).toBeCloseTo(308, 0)
    expect(desiredBy(predictivePolicy({ usersPerServer: 10 }), loaded(0, 95, 1))).toBe(10)
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
    for (let time = 0; time < 10 * 86_400; time += 300) desiredBy(policy, loaded(time, wave(time), 100))
    const forecast = policy.evaluate(loaded(10 * 86_400, wave(0), 100)).numbers!.forecast!
    expect(Math.abs(forecast - wave(3600))).toBeLessThan(8)
  })

  it('continues with what it had learned on another clock, as if it had never stopped', () => {
    const wave = (time: number) => 100 + 80 * Math.sin((2 * Math.PI * time) / 86_400)
    const options = { usersPerServer: 1, horizon: 3600, season: 86_400, alpha: 0.2, beta: 0.01 }
    const stop = 3.4 * 86_400
    const first = predictivePolicy(options)
    expect(first.snapshot!()).toBeUndefined()
    for (let time = 0; time <= stop; time += 300) desiredBy(first, loaded(time, wave(time), 100))
    const second = predictivePolicy(options)
    second.restore!(JSON.parse(JSON.stringify(first.snapshot!())), -stop)
    for (let time = 300; time < 86_400; time += 300) {
      const load = wave(stop + time)
      const [unbroken, restored] = [
        first.evaluate(loaded(stop + time, load, 100)),
        second.evaluate(loaded(time, load, 100)),
      ].map(({ servers, forecast }) => [servers, forecast!.expected, forecast!.high])
      for (const [i, value] of restored!.entries()) expect(value).toBeCloseTo(unbroken![i]!, 6)
    }
    for (const other of [undefined, 7, { level: 1 }])
      expect(() => predictivePolicy(options).restore!(other, 0)).toThrow()
  })
})

describe('max', () => {
  it('takes the largest, gives all reasons and asks every policy every time', () => {
    const policy = maxPolicy([
      schedulePolicy({ entries: [{ cron: '* * * * *', servers: 4 }] }),
      createPolicy({ kind: 'queueing', usersPerServer: 10, beta: 0 }),
    ])
    expect(policy.evaluate(loaded(0, 25, 2))).toMatchObject({
      servers: 4,
      reason: expect.stringMatching(/^schedule desires 4 .*; queueing desires 3 /),
      numbers: { 'schedule.servers': 4, 'queueing.room': 25 },
    })
    expect(desiredBy(policy, loaded(60, 95, 2))).toBe(10)
    expect(createPolicy({ kind: 'max', policies: [{ kind: 'threshold' }, { kind: 'hpa' }] }).name).toBe(
      'max(threshold, hpa)',
    )
    expect(() => createPolicy({ kind: 'best' } as never)).toThrow(/kind: "best" is not allowed/)
  })
})

describe('chain', () => {
  const either = () =>
    chainPolicy([hpaPolicy({ metric: 'cpu', target: 0.5 }), thresholdPolicy({ scaleUpThreshold: 20 })])

  it('lets the first with sufficient data decide', () => {
    const policy = either()
    expect(policy.name).toBe('chain(hpa, threshold)')
    expect(policy.evaluate(observing('cpu', [1, 1], { load: 90 }))).toMatchObject({
      servers: 4,
      reason: expect.stringMatching(/^hpa desires 4 \(/),
      numbers: { 'hpa.target': 0.5, 'threshold.usersPerServer': 45 },
    })
    expect(policy.evaluate(observing('cpu', [undefined, undefined], { load: 90 }))).toMatchObject({
      servers: 3,
      reason:
        'hpa has insufficient data (no ready server reports cpu; size unchanged); ' +
        'threshold desires 3 (90 users on 2 servers are 45.0 a server, above the scale-up threshold of 20)',
    })
  })

  it('changes nothing when all have insufficient data, and reports so itself', () => {
    const nested = chainPolicy([either(), maxPolicy([either(), queueingPolicy()])])
    expect(nested.evaluate({ ...observing('cpu', [undefined, undefined]), load: undefined })).toMatchObject({
      servers: 2,
      insufficientData: true,
      reason: expect.stringMatching(
        /^chain\(hpa, threshold\) has insufficient data \(hpa has insufficient data .*; max\(.*\) has insufficient data \(.*the load is unknown/,
      ),
    })
  })

  it('asks everybody every time, so that all know the past', () => {
    const policy = chainPolicy([
      thresholdPolicy({ metric: 'cpu' }),
      createPolicy({ kind: 'target-tracking', scaleOutAfter: 180 }),
    ])
    const seen = (time: number, cpu?: number) => ({
      ...loaded(time, 90, 2),
      servers: loaded(time, 90, 2).servers.map((server) => ({ ...server, cpu })),
    })
    expect(desiredBy(policy, seen(0, 20))).toBe(2)
    expect(desiredBy(policy, seen(180))).toBe(3) // above its target for three minutes, of which it was never asked to decide
  })

  it('distinguishes the numbers of two of a kind', () => {
    const policy = chainPolicy([
      hpaPolicy({ metric: 'cpu', target: 2 }),
      hpaPolicy({ metric: 'queued', target: 5 }),
    ])
    expect(policy.evaluate(loaded(0, 4, 2)).numbers).toMatchObject({ 'hpa[0].target': 2, 'hpa[1].target': 5 })
  })

  it('can be written in a config, and says what is wrong with it', () => {
    const policies = [{ kind: 'hpa', metric: 'cpu' } as const, { kind: 'threshold' } as const]
    expect(createPolicy({ kind: 'chain', policies }).name).toBe('chain(hpa, threshold)')
    expect(() => createPolicy({ kind: 'chain', policies: [] })).toThrow(/policies: is empty/)
    expect(() => createPolicy({ kind: 'chain' } as never)).toThrow(/policies: is missing/)
  })
})

// Kubernetes documentation, "Algorithm details": when one metric cannot be fetched and the others suggest a scale-in, it is skipped; they may
// still scale out.
it('max does not scale in while one of its policies has insufficient data', () => {
  const policy = maxPolicy([hpaPolicy({ metric: 'cpu' }), queueingPolicy()])
  const missing = (load: number) => policy.evaluate(observing('cpu', [undefined, undefined], { load }))
  expect(missing(0)).toMatchObject({ servers: 2, reason: expect.stringContaining('queueing desires 0') })
  expect(missing(0)).not.toHaveProperty('insufficientData')
  expect(missing(300).servers).toBe(11)
})
