import { describe, expect, it } from 'vitest'
import { desiredBy, observing, times } from '../../../../test/support/fleets.ts'
import { AutoScaler } from '../../auto-scaler.ts'
import type { Policy } from '../../types.ts'
import { type HpaOptions, hpaPolicy } from './hpa.ts'

/** The algorithm without its behavior: no stabilization, no limit. */
const free: HpaOptions = {
  metric: 'cpu',
  scaleUp: { limits: [{ type: 'percent', value: 1e6, period: 1 }] },
  scaleDown: { stabilizationWindow: 0 },
}

describe('the algorithm of hpa', () => {
  // Kubernetes documentation, "Algorithm details": 200m against 100m doubles the number, 50m against 100m halves it.
  // Within 0.1 nothing is done; replica_calculator.go since KEP-4951: 1 - 0.1 <= ratio <= 1 + 0.1, the bounds included.
  it.each([
    [0.2, 2, 4],
    [0.05, 2, 1],
    [0.11, 10, 10],
    [0.111, 10, 12],
    [0.09, 10, 10],
    [0.089, 10, 9],
  ])('CPU of %d against 0.1 makes %i servers %i', (value, size, servers) => {
    expect(desiredBy(hpaPolicy({ ...free, target: 0.1 }), observing('cpu', times(size, value)))).toBe(servers)
  })

  // Numbers of pkg/controller/podautoscaler/replica_calculator_test.go (commit 5f3bc7cdab9b), by the name of the test. Utilization in
  // percent of a request of 1000 is written as its raw value; an unready pod that still counts in a metric
  // other than CPU has no like here.
  const none = undefined
  it.each<[string, string, (number | undefined)[], number, number]>([
    ['ScaleUp', 'RRR', [300, 500, 700], 300, 5],
    ['ScaleUpUnreadyLessScale', 'SRR', [300, 500, 700], 300, 4],
    ['ScaleUpUnreadyNoScale', 'RSS', [400, 500, 700], 300, 3],
    ['ScaleUpIgnoresDeletionPods', 'RRDD', [500, 700, 0, 0], 300, 4],
    ['ScaleUpCM', 'RRR', [20_000, 10_000, 30_000], 15_000, 4],
    ['ScaleDown', 'RRRRR', [100, 300, 500, 250, 250], 500, 3],
    ['ScaleDownCM', 'RRRRR', times(5, 12_000), 20_000, 3],
    ['ScaleDownIncludeUnreadyPods', 'RRRSS', [100, 300, 500, 250, 250], 500, 2],
    ['ScaleDownExcludeUnscheduledPods', 'RSSSS', [100, none, none, none, none], 500, 1],
    ['ScaleDownIgnoresDeletionPods', 'RRRRRDD', [100, 300, 500, 250, 250, 0, 0], 500, 3],
    ['Tolerance', 'RRR', [1010, 1030, 1020], 1000, 3],
    ['ToleranceCM', 'RRR', [20_000, 21_000, 21_000], 20_000, 3],
    ['MissingMetrics', 'RRRR', [400, 95, none, none], 1000, 3],
    ['EmptyMetrics', 'RRRR', times(4, none), 1000, 4],
    ['MissingMetricsNoChangeEq', 'RR', [1000, none], 1000, 2],
    ['MissingMetricsNoChangeGt', 'RR', [1900, none], 1000, 2],
    ['MissingMetricsNoChangeLt', 'RR', [600, none], 1000, 2],
    ['MissingMetricsUnreadyChange', 'SRR', [100, 450, none], 500, 3],
    ['MissingMetricsUnreadyScaleUp', 'SRR', [100, 2000, none], 500, 4],
    ['ComputedToleranceAlgImplementation: 56 % of 300', 'RRRRRRRRRR', times(10, 150), 168, 9],
    ['ComputedToleranceAlgImplementation: 55 % of 300', 'RRRRRRRRRR', times(10, 150), 165, 10],
  ])('TestReplicaCalc%s', (_, states, values, target, servers) => {
    const policy = hpaPolicy({ ...free, metric: 'messagesPerSecond', target })
    expect(desiredBy(policy, observing('messagesPerSecond', values, { states }))).toBe(servers)
  })

  it('cuts averages to thousandths', () => {
    // 100.001 on three servers are 33.333…: three times that over 10 is 9.9999, not 10.0001.
    const policy = hpaPolicy({ ...free, target: 10 })
    expect(desiredBy(policy, observing('cpu', [33, 33, 34.001]))).toBe(10)
  })

  it('says that it is missing when no ready server reports the metric', () => {
    const policy = hpaPolicy(free)
    expect(policy.evaluate(observing('cpu', [5, undefined], { states: 'SR' }))).toEqual({
      servers: 2,
      reason: 'no ready server reports cpu; size unchanged',
      insufficientData: true,
    })
  })
})

describe('the behavior of hpa', () => {
  /** Gives `policy` what makes the metrics ask for `desired` servers where there are `current`. */
  const ask = (policy: Policy, current: number, desired: number, time = 0) =>
    desiredBy(policy, observing('cpu', times(current, (desired * 1000) / current), { time }))
  const rules = (
    pods: number,
    percent: number,
    period: number,
    select: 'max' | 'min' | 'disabled' = 'max',
  ) => ({
    stabilizationWindow: 0,
    select,
    limits: [
      { type: 'pods' as const, value: pods, period },
      { type: 'percent' as const, value: percent, period },
    ].filter(({ value }) => value > 0),
  })
  const exact = (scaleUp?: HpaOptions['scaleUp'], scaleDown?: HpaOptions['scaleDown']) =>
    hpaPolicy({
      metric: 'cpu',
      target: 1000,
      tolerance: 0,
      ...(scaleUp && { scaleUp }),
      scaleDown: { stabilizationWindow: 0, ...scaleDown },
    })
  const up = exact
  const down = (...args: Parameters<typeof rules>) => exact(undefined, rules(...args))

  // horizontal_test.go (of autoscaling/v2), TestScalingWithRules, by the name of the case; the last four are TestCalculateScaleUpLimitWithScalingRules,
  // TestCalculateScaleDownLimitWithBehaviors, and `selectPolicy: Disabled` as the documentation has it.
  it.each<[string, Policy, number, number, number]>([
    ['scaleUpLimit is the limit', up(rules(0, 1, 60)), 3, 1000, 4],
    ['scaleUp with default behavior', up(), 10, 50, 20],
    ['scaleUp with pods policy larger than percent policy', up(rules(100, 100, 60)), 10, 500, 110],
    ['scaleUp with percent policy larger than pods policy', up(rules(2, 100, 60)), 10, 500, 20],
    ['scaleUp with spec MaxReplicas limitation with large pod policy', up(rules(100, 0, 60)), 10, 50, 50],
    ['scaleUp with pod policy limitation', up(rules(30, 0, 60)), 10, 50, 40],
    ['scaleUp with percent policy limitation', up(rules(0, 200, 60)), 10, 50, 30],
    ['scaleDown with percent policy larger than pod policy', down(20, 1, 60), 100, 2, 80],
    ['scaleDown with pod policy larger than percent policy', down(2, 1, 60), 100, 2, 98],
    ['scaleDown with pod policy limitation', down(5, 0, 60), 10, 2, 5],
    ['scaleDown with percent policy limitation', down(0, 50, 60), 10, 5, 5],
    ['min scaleUp', up(rules(2, 50, 60, 'min')), 1, 100, 2],
    ['min scaleDown', down(2, 50, 60, 'min'), 5, 0, 3],
    ['disabled scaleUp', up(rules(2, 50, 60, 'disabled')), 10, 50, 10],
    ['disabled scaleDown', down(2, 50, 60, 'disabled'), 10, 2, 10],
  ])('%s', (_, policy, current, desired, servers) => {
    expect(ask(policy, current, desired)).toBe(servers)
  })

  // The same, with previous events: the sizes that led to them are played.
  it.each<[string, Policy, number[], number, number]>([
    ['pod policy and previous scale up events', up(rules(150, 0, 120)), [85, 86, 91, 100], 500, 235],
    ['percent policy and previous scale up events', up(rules(0, 200, 120)), [85, 86, 91, 100], 500, 255],
    ['percent policy limitation and previous events', down(0, 50, 120), [112, 110, 106, 100], 0, 56],
    ['previous events still allowing more scale down', down(0, 1000, 120), [40, 30, 20, 10], 5, 5],
  ])('%s', (_, policy, sizes, desired, servers) => {
    for (const [i, size] of sizes.slice(0, -1).entries()) {
      expect(ask(policy, size, sizes[i + 1]!, i * 40)).toBe(sizes[i + 1])
    }
    expect(ask(policy, sizes.at(-1)!, desired, 100)).toBe(servers)
  })

  it('counts of its changes only what others let through', () => {
    const policy = up(rules(4, 0, 60))
    expect(ask(policy, 10, 50, 0)).toBe(14)
    expect(ask(policy, 11, 50, 30)).toBe(14) // one of four was added
    expect(ask(policy, 14, 50, 45)).toBe(14)
    expect(ask(policy, 14, 50, 61)).toBe(15)
  })

  // TestNormalizeDesiredReplicasWithBehavior: recommendations [age, servers], those there are, and what is desired now.
  it.each<[string, number, number, [number, number][], number, number, number]>([
    [
      'simple scale down stabilization',
      0,
      180,
      [
        [120, 4],
        [60, 5],
      ],
      100,
      3,
      5,
    ],
    [
      'simple scale up stabilization',
      300,
      0,
      [
        [120, 4],
        [60, 5],
      ],
      1,
      7,
      4,
    ],
    [
      'no scale down stabilization',
      300,
      0,
      [
        [120, 1],
        [60, 2],
      ],
      100,
      3,
      3,
    ],
    [
      'no scale up stabilization',
      0,
      300,
      [
        [120, 4],
        [60, 5],
      ],
      1,
      3,
      3,
    ],
    [
      'scale up stabilization, obsolete element',
      300,
      0,
      [
        [6000, 10],
        [180, 9],
        [120, 5],
        [60, 6],
      ],
      1,
      100,
      5,
    ],
  ])('%s', (_, upWindow, downWindow, past, current, desired, servers) => {
    const policy = exact(
      { ...rules(1000, 0, 1), stabilizationWindow: upWindow },
      { stabilizationWindow: downWindow },
    )
    ask(policy, current, current, 0)
    for (const [age, recommended] of past) ask(policy, current, recommended, 7000 - age)
    expect(ask(policy, current, desired, 7000)).toBe(servers)
  })

  it('takes what there is at the beginning for the first recommendation, and remembers nothing while missing', () => {
    const policy = hpaPolicy({ metric: 'cpu', target: 1000 })
    expect(ask(policy, 10, 5, 0)).toBe(10)
    expect(ask(policy, 10, 5, 299)).toBe(10)
    expect(desiredBy(policy, observing('cpu', times(10, undefined), { time: 299 }))).toBe(10)
    expect(ask(policy, 10, 5, 300)).toBe(5)
  })

  // Documentation, "Default Behavior": out 4 pods or 100 % in 15 s, whichever is more; in everything, after 300 s.
  it('adds at most 4 servers or 100 % in 15 s by default, and removes what was desired for 300 s', () => {
    const policy = hpaPolicy({ metric: 'cpu', target: 1000 })
    expect(ask(policy, 1, 90, 0)).toBe(5)
    expect(ask(policy, 5, 90, 5)).toBe(5)
    expect(ask(policy, 5, 90, 15)).toBe(10)
    expect(ask(policy, 10, 90, 30)).toBe(20)
    expect(ask(policy, 20, 4, 329)).toBe(20)
    expect(ask(policy, 20, 4, 330)).toBe(4)
  })

  // Documentation, "Example: limit scale down rate": 4 pods or 10 % in 60 s.
  it.each([
    ['max', 80, 72],
    ['max', 72, 64],
    ['max', 37, 33],
    ['min', 80, 76],
  ] as const)(
    'limits scale-in by the %s of its limits from %i to %i, and no more for the period',
    (select, from, to) => {
      const policy = down(4, 10, 60, select)
      expect(ask(policy, from, 0)).toBe(to)
      expect(ask(policy, to, 0, 30)).toBe(to)
    },
  )

  it('brings no cooldown with it unless one is asked for', () => {
    expect(new AutoScaler({ policy: hpaPolicy() }).limits.cooldown).toBe(0)
    expect(new AutoScaler({ policy: hpaPolicy(), cooldown: 7 }).limits.cooldown).toBe(7)
  })
})
