import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { desiredBy, loaded, observing } from '../../test/support/fleets.ts'
import { AutoScaler } from './auto-scaler.ts'
import { METRICS } from './metric.ts'
import { hpaPolicy } from './policies/hpa/hpa.ts'
import { queueingPolicy } from './policies/queueing.ts'
import { createPolicy, POLICY_KINDS, type PolicySpec, policySchema } from './policies.ts'
import type { Observation } from './types.ts'

/** What holds of a policy besides what holds of all. */
interface Known {
  readonly spec: PolicySpec
  /**
   * In what it is monotone: in every load it has seen, in the newest one only, or just in the first. A trend falls with the past; and
   * which forecaster `slo` trusts after a surprise, and when target tracking last scaled in, may go either way.
   */
  readonly monotone: 'all' | 'newest' | 'first'
}

const SPECS: Known[] = [
  { spec: { kind: 'threshold' }, monotone: 'all' },
  { spec: { kind: 'threshold', metric: 'utilization' }, monotone: 'all' },
  { spec: { kind: 'step' }, monotone: 'all' },
  { spec: { kind: 'step', adjustmentType: 'percent', metric: 'queued' }, monotone: 'all' },
  { spec: { kind: 'target-tracking' }, monotone: 'newest' },
  { spec: { kind: 'target-tracking', scaleOutAfter: 0, scaleInAfter: 0 }, monotone: 'all' },
  { spec: { kind: 'hpa' }, monotone: 'all' },
  { spec: { kind: 'hpa', metric: 'cpu', scaleUp: { stabilizationWindow: 90 } }, monotone: 'all' },
  { spec: { kind: 'knative' }, monotone: 'all' },
  { spec: { kind: 'knative', metric: 'messagesPerSecond', stableWindow: 300 }, monotone: 'all' },
  { spec: { kind: 'queueing' }, monotone: 'all' },
  { spec: { kind: 'queueing', metric: 'cpu' }, monotone: 'all' },
  { spec: { kind: 'predictive' }, monotone: 'newest' },
  { spec: { kind: 'predictive', metric: 'messagesPerSecond' }, monotone: 'newest' },
  { spec: { kind: 'percentile' }, monotone: 'all' },
  { spec: { kind: 'percentile', metric: 'cpu', percentile: 1, averaging: 60 }, monotone: 'all' },
  { spec: { kind: 'aws-predictive' }, monotone: 'newest' },
  { spec: { kind: 'slo' }, monotone: 'first' },
  { spec: { kind: 'max', policies: [{ kind: 'threshold' }, { kind: 'queueing' }] }, monotone: 'all' },
  {
    spec: { kind: 'chain', policies: [{ kind: 'hpa', metric: 'cpu' }, { kind: 'knative' }] },
    monotone: 'all',
  },
]
const SCHEDULE: PolicySpec = { kind: 'schedule', entries: [{ cron: '*/5 * * * *', servers: 7 }] }

it('speaks of every kind there is', () => {
  expect([...new Set([...SPECS.map(({ spec }) => spec), SCHEDULE].map(({ kind }) => kind))].sort()).toEqual(
    [...POLICY_KINDS].sort(),
  )
})

const load = fc.nat(5000)
const size = fc.integer({ min: 1, max: 50 })
const INTERVAL = 30

/** What a new policy wants at last of a fleet that stays as it is. */
function last(spec: PolicySpec, loads: readonly number[], servers: number): number {
  const policy = createPolicy(spec)
  return loads.map((each, i) => desiredBy(policy, loaded(i * INTERVAL, each, servers))).at(-1)!
}

/** The kind and its other options. */
const nameOf = ({ kind, ...options }: PolicySpec) =>
  [kind, ...Object.entries(options).map(([key, value]) => `${key} ${JSON.stringify(value)}`)].join(', ')

describe.each(SPECS.map((each) => [nameOf(each.spec), each] as const))('%s', (_, { spec, monotone }) => {
  const past = monotone === 'first' ? fc.constant([]) : fc.array(load, { maxLength: 50 })

  it('never wants fewer servers for a higher load, after the same past', () => {
    fc.assert(
      fc.property(past, load, load, size, (before, a, b, servers) => {
        const [less, more] = a < b ? [a, b] : [b, a]
        expect(last(spec, [...before, less], servers)).toBeLessThanOrEqual(
          last(spec, [...before, more], servers),
        )
      }),
    )
  })

  it.each([undefined, Number.NaN, Number.POSITIVE_INFINITY])(
    'reports insufficient data and changes nothing, where every figure is %s, whatever it has seen',
    (missing) => {
      fc.assert(
        fc.property(past, size, (before, servers) => {
          const policy = createPolicy(spec)
          for (const [i, each] of before.entries()) policy.evaluate(loaded(i * INTERVAL, each, servers))
          const { servers: now, ...fleet } = loaded(before.length * INTERVAL, undefined, servers)
          const decision = policy.evaluate({
            ...fleet,
            load: missing,
            servers: now.map((server) => ({
              ...server,
              ...Object.fromEntries(METRICS.map((metric) => [metric, missing])),
            })) as Observation['servers'],
          })
          expect(decision).toMatchObject({ servers, insufficientData: true })
          expect(decision.reason).toMatch(/unknown|no ready server reports/)
        }),
        { numRuns: 30 },
      )
    },
  )
})

it.each(SPECS.filter(({ monotone }) => monotone === 'all').map(({ spec }) => [nameOf(spec), spec] as const))(
  '%s never wants fewer servers after a past that was higher throughout',
  (_, spec) => {
    fc.assert(
      fc.property(fc.array(fc.tuple(load, load), { minLength: 1, maxLength: 50 }), size, (pairs, servers) => {
        const lower = pairs.map(([a, b]) => Math.min(a, b))
        const higher = pairs.map(([a, b]) => Math.max(a, b))
        expect(last(spec, lower, servers)).toBeLessThanOrEqual(last(spec, higher, servers))
      }),
    )
  },
)

describe('where only some servers report the figure', () => {
  const figures = fc.array(fc.option(fc.double({ min: 0, max: 100, noNaN: true }), { nil: undefined }), {
    minLength: 2,
    maxLength: 30,
  })
  const some = figures.filter((each) => each.includes(undefined))

  it.each<PolicySpec>([
    { kind: 'threshold', metric: 'cpu' },
    { kind: 'queueing', metric: 'cpu' },
    { kind: 'predictive', metric: 'cpu' },
    { kind: 'percentile', metric: 'cpu', target: 1e6 },
    { kind: 'max', policies: [{ kind: 'queueing', metric: 'cpu' }, SCHEDULE] },
  ])('$kind does not scale in', (spec) => {
    fc.assert(
      fc.property(some, (values) => {
        expect(desiredBy(createPolicy(spec), observing('cpu', values))).toBeGreaterThanOrEqual(values.length)
      }),
      { numRuns: 30 },
    )
  })

  it('hpa keeps a server for each that does not, since it counts as on target', () => {
    fc.assert(
      fc.property(some, fc.integer({ min: 1, max: 100 }), (values, target) => {
        const policy = hpaPolicy({ metric: 'cpu', target, scaleDown: { stabilizationWindow: 0 } })
        const missing = values.filter((value) => value === undefined).length
        expect(desiredBy(policy, observing('cpu', values))).toBeGreaterThanOrEqual(missing)
      }),
    )
  })
})

describe.each([...SPECS.map(({ spec }) => spec), SCHEDULE])(
  '$kind ($metric) behind the autoscaler',
  (spec) => {
    it('gives the same answer to the same past, stays within the limits, and does not scale in blindly', () => {
      const observed = fc.record({
        load: fc.option(fc.nat(2000), { nil: undefined }),
        age: fc.constantFrom(0, 5, 61),
      })
      fc.assert(
        fc.property(fc.array(observed, { minLength: 1, maxLength: 60 }), (course) => {
          const play = () => {
            const scaler = new AutoScaler({ policy: createPolicy(spec), minServers: 2, maxServers: 20 })
            let size = 2
            return course.map(({ load, age }, i) => {
              const decision = scaler.decide({ ...loaded(i * INTERVAL, load, size), age })
              if (load === undefined || age > 60) expect(decision.to).toBeGreaterThanOrEqual(size)
              size = decision.to
              expect(size).toBeGreaterThanOrEqual(2)
              expect(size).toBeLessThanOrEqual(20)
              return decision
            })
          }
          expect(play()).toEqual(play())
        }),
        { numRuns: 20 },
      )
    })
  },
)

it('does not scale in on stale figures, and says so', () => {
  const decide = (age: number) =>
    new AutoScaler({ policy: queueingPolicy(), minServers: 1, cooldown: 0 }).decide({
      ...loaded(0, 5, 8),
      age,
    })
  expect([decide(1).to, decide(61).to, decide(61).limitedBy]).toEqual([1, 8, 'missing-metrics'])
})

it('thresholds and another policy do not go together', () => {
  expect(() => new AutoScaler({ policy: hpaPolicy(), scaleUpThreshold: 9 })).toThrow(
    /scaleUpThreshold: .*hpa/,
  )
})

/** Options that cannot be left out. */
const REQUIRED = ['kind', 'policies', 'entries']

it.each([...new Map([...SPECS.map(({ spec }) => spec), SCHEDULE].map((spec) => [spec.kind, spec])).values()])(
  'has in its schema the default of every option: $kind',
  (spec) => {
    const { $defs } = z.toJSONSchema(policySchema, { io: 'input' }) as unknown as {
      $defs: { Policy: { oneOf: { properties: Record<string, { const?: string; default?: unknown }> }[] } }
    }
    const { properties } = $defs.Policy.oneOf.find(({ properties: { kind } }) => kind!.const === spec.kind)!
    const defaults = Object.entries(properties).flatMap(([key, { default: value }]) =>
      value === undefined ? [] : [[key, value]],
    )
    expect(defaults.length > 0 || 'policies' in spec).toBe(true)
    const required = Object.fromEntries(
      Object.entries(spec).filter(([key]) => REQUIRED.includes(key)),
    ) as PolicySpec
    const [bare, explicit] = [
      createPolicy(required),
      createPolicy({ ...required, ...Object.fromEntries(defaults) }),
    ]
    let servers = 3
    for (let time = 0; time < 1800; time += 5) {
      const seen = loaded(time, Math.round(150 + 140 * Math.sin(time / 200)), servers)
      const answer = bare.evaluate(seen)
      expect(explicit.evaluate(seen)).toMatchObject({ servers: answer.servers, reason: answer.reason })
      servers = Math.min(20, Math.max(1, answer.servers))
    }
  },
)
