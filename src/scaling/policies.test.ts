import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { AutoScaler } from './auto-scaler.ts'
import { type HpaOptions, hpaPolicy } from './policies/hpa.ts'
import { queueingPolicy } from './policies/queueing.ts'
import { createPolicy, POLICY_KINDS, type PolicySpec, policySchema } from './policies.ts'
import type { Observation, Policy, ServerObservation } from './policy.ts'

type State = ServerObservation['state']

/** A fleet whose servers use so much CPU; `undefined` where the figure is missing. */
function cpu(values: (number | undefined)[], time = 0, states: State[] = []): Observation {
  const servers = values.map((value, i) => ({ id: i + 1, state: states[i] ?? 'ready', users: 0, cpu: value }))
  const size = servers.filter((server) => server.state !== 'draining').length
  return { time, load: 0, size, servers }
}

/** As the behavior-less algorithm: no stabilization, no limit. */
const free: HpaOptions = {
  metric: 'cpu',
  scaleUp: { limits: [{ type: 'percent', value: 1e6, period: 1 }] },
  scaleDown: { stabilizationWindow: 0 },
}
const wanted = (policy: Policy, observation: Observation) => policy.evaluate(observation).servers

describe('hpa', () => {
  // The documentation: 200m against 100m doubles the number, 50m against 100m halves it; within 0.1 nothing is done.
  it.each([
    [[0.2, 0.2], 4],
    [[0.05, 0.05], 1],
    [[0.11, 0.11], 2],
    [[0.111, 0.111], 3],
    [[0.09, 0.09, 0.09], 3],
    [[0.05, 0.05, 0.05], 2],
  ])('CPU of %o against 0.1 wants %i', (values, servers) => {
    expect(wanted(hpaPolicy({ ...free, target: 0.1 }), cpu(values))).toBe(servers)
  })

  it('counts a server that is not ready as idle when it would scale out', () => {
    // Two at 0.2 alone would be four; with a third at 0 the ratio is 0.4 / 3 / 0.1 = 1.33, and ceil(1.33 × 3) = 4.
    expect(
      wanted(hpaPolicy({ ...free, target: 0.1 }), cpu([0.2, 0.2, 0.9], 0, ['ready', 'ready', 'starting'])),
    ).toBe(4)
    // Two at 0.15 with two at 0 are 0.75 of the target: the direction turned round, so nothing changes.
    const starting: State[] = ['ready', 'ready', 'starting', 'starting']
    expect(wanted(hpaPolicy({ ...free, target: 0.1 }), cpu([0.15, 0.15, 0, 0], 0, starting))).toBe(4)
  })

  it('counts a missing figure as idle when it would scale out, as on target when it would scale in', () => {
    expect(wanted(hpaPolicy({ ...free, target: 0.1 }), cpu([0.3, undefined]))).toBe(3)
    expect(wanted(hpaPolicy({ ...free, target: 0.1 }), cpu([0.05, 0.05, undefined, undefined]))).toBe(3)
    expect(wanted(hpaPolicy({ ...free, target: 0.1 }), cpu([0.1, undefined]))).toBe(2)
    expect(wanted(hpaPolicy({ ...free, target: 0.1 }), cpu([undefined, undefined]))).toBe(2)
  })

  it('does not count draining servers', () => {
    expect(wanted(hpaPolicy({ ...free, target: 0.1 }), cpu([0.2, 9], 0, ['ready', 'draining']))).toBe(2)
  })

  it('by default adds at most 4 servers or 100 % in 15 s, whichever is more', () => {
    const policy = hpaPolicy({ metric: 'cpu', target: 0.1 })
    const busy = (n: number) => new Array<number>(n).fill(9)
    expect(wanted(policy, cpu(busy(1), 0))).toBe(5)
    expect(wanted(policy, cpu(busy(5), 5))).toBe(5)
    expect(wanted(policy, cpu(busy(5), 15))).toBe(10)
    expect(wanted(policy, cpu(busy(10), 30))).toBe(20)
  })

  it('by default scales in to the highest recommendation of the last 300 s', () => {
    const policy = hpaPolicy({ metric: 'cpu', target: 0.1 })
    const at = (time: number, value: number) => wanted(policy, cpu(new Array<number>(10).fill(value), time))
    expect(at(0, 0.1)).toBe(10)
    expect(at(150, 0.05)).toBe(10)
    expect(at(299, 0.02)).toBe(10)
    expect(at(301, 0.02)).toBe(5)
  })

  // The documentation's example: at most 4 pods or 10 % in 60 s. 80 pods: 8 go; when 10 % is below 4, 4 go.
  it.each([
    ['max', 80, 72],
    ['max', 37, 33],
    ['min', 80, 76],
  ] as const)('limits scale-in by the %s of its limits from %i to %i', (select, from, to) => {
    const limits = [
      { type: 'pods', value: 4, period: 60 },
      { type: 'percent', value: 10, period: 60 },
    ] as const
    const policy = hpaPolicy({
      metric: 'cpu',
      target: 0.1,
      scaleDown: { stabilizationWindow: 0, limits, select },
    })
    expect(wanted(policy, cpu(new Array<number>(from).fill(0.001)))).toBe(to)
    expect(wanted(policy, cpu(new Array<number>(to).fill(0.001), 30))).toBe(to)
  })

  it('brings no cooldown with it unless one is asked for', () => {
    expect(new AutoScaler({ policy: hpaPolicy() }).limits.cooldown).toBe(0)
    expect(new AutoScaler({ policy: hpaPolicy(), cooldown: 7 }).limits.cooldown).toBe(7)
  })
})

describe('queueing', () => {
  it.each([
    [100, 4], // 110 users at 30
    [900, 31], // 930 users at 30
    [0, 0],
  ])('%i users need %i servers of 30 with β = 1', (load, servers) => {
    expect(wanted(queueingPolicy(), { time: 0, load, size: 3, servers: [] })).toBe(servers)
  })
})

const SPECS: PolicySpec[] = [
  { kind: 'threshold' },
  { kind: 'step', warmUp: 0 },
  { kind: 'target-tracking', scaleOutAfter: 0, scaleInAfter: 0, warmUp: 0 },
  { kind: 'hpa' },
  { kind: 'knative' },
  { kind: 'queueing' },
  { kind: 'predictive' },
  { kind: 'slo' },
  { kind: 'max', policies: [{ kind: 'threshold' }, { kind: 'queueing' }] },
]

const observed = (load: number | undefined, size: number): Observation => ({
  time: 0,
  load,
  size,
  servers: Array.from({ length: size }, (_, i) => ({
    id: i + 1,
    state: 'ready',
    users: load === undefined ? Number.NaN : load / size,
  })),
})

describe.each(SPECS)('$kind', (spec) => {
  it('is monotone in load', () => {
    fc.assert(
      fc.property(fc.nat(5000), fc.nat(5000), fc.integer({ min: 1, max: 50 }), (a, b, size) => {
        const [less, more] = [a, b].sort((x, y) => x - y) as [number, number]
        const ask = (load: number) => wanted(createPolicy(spec), observed(load, size))
        expect(ask(less)).toBeLessThanOrEqual(ask(more))
      }),
    )
  })

  it('does not scale in on a missing load, and says why in words', () => {
    const { servers, reason } = createPolicy(spec).evaluate(observed(undefined, 5))
    expect(servers).toBe(5)
    expect(reason).toMatch(/unknown|no ready server tells/)
  })
})

/** Options that cannot be left out. */
const REQUIRED = ['kind', 'policies', 'entries']

it.each([...SPECS, { kind: 'schedule', entries: [{ cron: '*/7 * * * *', servers: 4 }] } as const])(
  'tells in its schema what holds when an option is left out: $kind',
  (spec) => {
    const { $defs } = z.toJSONSchema(policySchema, { io: 'input' }) as unknown as {
      $defs: { Policy: { oneOf: { properties: Record<string, { const?: string; default?: unknown }> }[] } }
    }
    const { properties } = $defs.Policy.oneOf.find(({ properties: { kind } }) => kind!.const === spec.kind)!
    const told = Object.entries(properties).flatMap(([key, { default: value }]) =>
      value === undefined ? [] : [[key, value]],
    )
    expect(told.length > 0 || spec.kind === 'max').toBe(true)
    const required = Object.fromEntries(
      Object.entries(spec).filter(([key]) => REQUIRED.includes(key)),
    ) as PolicySpec
    const [bare, explicit] = [
      createPolicy(required),
      createPolicy({ ...required, ...Object.fromEntries(told) }),
    ]
    let size = 3
    for (let time = 0; time < 1800; time += 5) {
      const seen = { ...observed(Math.round(150 + 140 * Math.sin(time / 200)), size), time }
      const { servers, reason } = bare.evaluate(seen)
      expect(explicit.evaluate(seen)).toMatchObject({ servers, reason })
      size = Math.min(20, Math.max(1, servers))
    }
  },
)

it('holds of every policy: the same past gives the same answer, within the limits', () => {
  expect([...SPECS.map(({ kind }) => kind), 'schedule'].sort()).toEqual([...POLICY_KINDS].sort())
  const schedule: PolicySpec = { kind: 'schedule', entries: [{ cron: '*/5 * * * *', servers: 7 }] }
  const loads = fc.array(fc.option(fc.nat(2000), { nil: undefined }), { minLength: 1, maxLength: 60 })
  for (const spec of [...SPECS, schedule]) {
    fc.assert(
      fc.property(loads, (course) => {
        const play = () => {
          const scaler = new AutoScaler({ policy: createPolicy(spec), minServers: 2, maxServers: 20 })
          let size = 2
          return course.map((load, i) => {
            const servers: ServerObservation[] = Array.from({ length: size }, (_, n) => ({
              id: n + 1,
              state: 'ready',
              users: load === undefined ? Number.NaN : load / size,
            }))
            const decision = scaler.decide({ time: i * 30, load, size, servers })
            if (load === undefined) expect(decision.to).toBeGreaterThanOrEqual(size)
            size = decision.to
            expect(size).toBeGreaterThanOrEqual(2)
            expect(size).toBeLessThanOrEqual(20)
            return decision
          })
        }
        expect(play()).toEqual(play())
      }),
      { numRuns: 30 },
    )
  }
})

it('does not scale in on stale figures', () => {
  const decide = (age: number) =>
    new AutoScaler({ policy: queueingPolicy(), minServers: 1, cooldown: 0 }).decide({
      time: 0,
      load: 5,
      size: 8,
      servers: [],
      age,
    })
  expect([decide(1).to, decide(61).to, decide(61).limitedBy]).toEqual([1, 8, 'missing-metrics'])
})

it('thresholds and another policy do not go together', () => {
  expect(() => new AutoScaler({ policy: hpaPolicy(), scaleUpThreshold: 9 })).toThrow(
    /scaleUpThreshold: .*hpa/,
  )
})
