import { describe, expect, it } from 'vitest'
import { desiredBy, observing, times } from '../../../test/support/fleets.ts'
import type { Observation, ServerObservation } from '../types.ts'
import { type StepRule, stepPolicy } from './step.ts'
import { type TargetTrackingOptions, targetTrackingPolicy } from './target-tracking.ts'

/** Ready servers at that share of CPU. */
const cpu = (time: number, size: number, value: number | undefined, states = '') =>
  observing('cpu', times(states.length || size, value), { time, states })

/** Old servers at that share of CPU, and new ones that became ready at `readyAt`, at 0; `undefined` while they start. */
function grown(time: number, old: number, value: number, added: number, readyAt?: number): Observation {
  const servers: ServerObservation[] = [
    ...times(old, { state: 'ready' as const, users: 0, cpu: value }),
    ...times(added, {
      state: readyAt === undefined ? ('starting' as const) : ('ready' as const),
      users: 0,
      cpu: 0,
      readyAt,
    }),
  ].map((server, i) => ({ ...server, id: i + 1 }))
  return { time, load: 0, desiredCount: servers.length, servers }
}

// Amazon EC2 Auto Scaling User Guide, "Step adjustments": unchanged between 40 and 60, 10 % from there, 30 % from 30 and 70 on. The guide
// documents it in two ways: with alarms at 60 and 40, and with one threshold of 50 whose first steps are 0.
const ALARMS: Record<string, { scaleOut: StepRule; scaleIn: StepRule }> = {
  'alarms at 60 and 40': {
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
  },
  'a threshold of 50': {
    scaleOut: {
      threshold: 50,
      adjustments: [
        { lower: 0, upper: 10, change: 0 },
        { lower: 10, upper: 20, change: 10 },
        { lower: 20, change: 30 },
      ],
    },
    scaleIn: {
      threshold: 50,
      adjustments: [
        { lower: -10, upper: 0, change: 0 },
        { lower: -20, upper: -10, change: -10 },
        { upper: -20, change: -30 },
      ],
    },
  },
}

describe.each(Object.entries(ALARMS))('step, with %s', (_, alarms) => {
  const example = (warmUp = 0) => stepPolicy({ metric: 'cpu', adjustmentType: 'percent', warmUp, ...alarms })

  it.each([
    [10, 59.9, 10],
    [10, 60, 11], // 10 % of 10 is 1
    [11, 70, 14], // 30 % of 11 is 3.3, rounded down to 3
    [14, 40.1, 14],
    [14, 40, 13], // 10 % of 14 is 1.4, rounded down to 1
    [13, 30, 10], // 30 % of 13 is 3.9, rounded down to 3
    [10, 50, 10],
  ])('from %i servers at %d percent of CPU to %i', (size, value, servers) => {
    expect(desiredBy(example(), cpu(0, size, value))).toBe(servers)
  })

  // "Instance warm-up": at 60 one is added; at 62, while it warms up, none; at 70 two more, for 13, 30 % of 10 being 3.
  it('does not act twice on a breach while servers start or warm up', () => {
    const policy = example(300)
    expect(desiredBy(policy, cpu(0, 10, 60))).toBe(11)
    expect(desiredBy(policy, grown(60, 10, 62, 1))).toBe(11)
    expect(desiredBy(policy, grown(120, 10, 62, 1, 100))).toBe(11)
    expect(desiredBy(policy, grown(180, 10, 70, 1, 100))).toBe(13)
  })

  it('leaves servers that warm up out of the metric, and removes none meanwhile', () => {
    const policy = example(300)
    desiredBy(policy, cpu(0, 10, 50))
    expect(policy.evaluate(grown(399, 10, 30, 1, 100))).toMatchObject({
      servers: 11,
      reason: '30.00 cpu a server, but 1 servers warm up',
    })
    expect(desiredBy(policy, grown(400, 10, 33, 1, 100))).toBe(8) // 330 on 11 are 30
  })

  // "While scaling in, we consider instances that are terminating as part of the current capacity."
  it('counts servers that drain when it scales in', () => {
    const policy = example()
    expect(desiredBy(policy, cpu(0, 14, 40))).toBe(13)
    expect(desiredBy(policy, cpu(60, 0, 40, 'RRRRRRRRRRRRRD'))).toBe(13)
    expect(desiredBy(policy, cpu(120, 0, 30, 'RRRRRRRRRRRRRD'))).toBe(10) // 30 % of 14 is 4.2
  })
})

describe('step', () => {
  const never = { threshold: 0, adjustments: [{ change: 0 }] }

  // "Scaling adjustment types": 12.7 is rounded to 12, .67 to 1, -.58 to -1, -6.67 to -6.
  it.each([
    [100, 12.7, 112],
    [10, 6.7, 11],
    [10, -5.8, 9],
    [100, -6.67, 94],
  ])('rounds as documented: %i servers and %d %%', (size, change, servers) => {
    const [high, low] = [
      { threshold: 99, adjustments: [{ lower: 0, change: 1 }] },
      { threshold: 50, adjustments: [{ change }] },
    ]
    const policy = stepPolicy({
      metric: 'cpu',
      adjustmentType: 'percent',
      scaleOut: change > 0 ? low : high,
      scaleIn: change > 0 ? never : low,
    })
    expect(desiredBy(policy, cpu(0, size, change > 0 ? 60 : 40))).toBe(servers)
  })

  // "Scaling adjustment types", its examples of all three.
  it.each([
    ['change', 3, 5, 8],
    ['exact', 3, 5, 5],
    ['percent', 10, 10, 11],
  ] as const)('%s: %i servers and an adjustment of %i are %i', (adjustmentType, size, change, servers) => {
    const scaleOut = { threshold: 60, adjustments: [{ lower: 0, change }] }
    const policy = stepPolicy({ metric: 'cpu', adjustmentType, scaleOut, scaleIn: never })
    expect(desiredBy(policy, cpu(0, size, 70))).toBe(servers)
  })

  // The same: 25 % of 4 is 1, but with MinAdjustmentMagnitude 2 two are added.
  it('changes at least the minimum magnitude', () => {
    const scaleOut = { threshold: 60, adjustments: [{ lower: 0, change: 25 }] }
    const policy = stepPolicy({
      metric: 'cpu',
      adjustmentType: 'percent',
      minAdjustmentMagnitude: 2,
      scaleOut,
      scaleIn: never,
    })
    expect(desiredBy(policy, cpu(0, 4, 70))).toBe(6)
  })

  // "Step adjustments": ranges can't overlap or have a gap; the last has no bound.
  it.each<[StepRule['adjustments'], RegExp]>([
    [
      [
        { lower: 0, upper: 10, change: 1 },
        { lower: 5, change: 2 },
      ],
      /scaleOut\.adjustments\[1\]: it overlaps .* 10/,
    ],
    [
      [
        { lower: 10, change: 2 },
        { lower: 0, upper: 9, change: 1 },
      ],
      /scaleOut\.adjustments\[0\]: it leaves a gap .* 9/,
    ],
    [
      [{ lower: 0, upper: 10, change: 1 }],
      /scaleOut\.adjustments\[0\]: no step is for what is further above/,
    ],
    [[{ lower: 3, upper: 3, change: 1 }], /lower 3 is not below upper 3/],
    [[], /scaleOut\.adjustments: is empty/],
  ])('rejects steps that the service rejects: %j', (adjustments, message) => {
    expect(() => stepPolicy({ scaleOut: { threshold: 60, adjustments } })).toThrow(message)
  })
})

describe('target-tracking', () => {
  const policyOf = (options: TargetTrackingOptions = {}) =>
    targetTrackingPolicy({ metric: 'cpu', target: 0.5, scaleOutAfter: 0, scaleInAfter: 0, ...options })

  // Guide, "Considerations": adding 1.5 servers adds two, removing 1.5 removes one.
  it.each([
    [10, 0.575, 12],
    [10, 0.425, 9],
  ])('rounds to the side of more: %i servers at %d of 0.5 become %i', (size, value, servers) => {
    expect(desiredBy(policyOf(), cpu(0, size, value))).toBe(servers)
  })

  // Worked out from the alarms that CloudWatch shows: 3 minutes above, 15 below 90 %.
  it('scales out after three minutes above the target', () => {
    const policy = targetTrackingPolicy({ metric: 'cpu', target: 0.5 })
    expect([0, 60, 120, 179].map((time) => desiredBy(policy, cpu(time, 4, 0.9)))).toEqual([4, 4, 4, 4])
    expect(desiredBy(policy, cpu(180, 4, 0.9))).toBe(8) // 4 × 0.9 / 0.5 = 7.2
  })

  it('scales in after fifteen minutes below nine tenths of it, and not in between', () => {
    const policy = targetTrackingPolicy({ metric: 'cpu', target: 0.5 })
    expect(desiredBy(policy, cpu(0, 10, 0.46))).toBe(10)
    for (let time = 1; time < 900; time += 60) expect(desiredBy(policy, cpu(time, 10, 0.2))).toBe(10)
    expect(desiredBy(policy, cpu(901, 10, 0.2))).toBe(4)
    expect(desiredBy(policyOf({ disableScaleIn: true }), cpu(0, 10, 0.1))).toBe(10)
  })

  it('does not count data that is missing as low', () => {
    const policy = targetTrackingPolicy({ metric: 'cpu', target: 0.5, scaleInAfter: 120 })
    desiredBy(policy, cpu(0, 10, 0.2))
    expect(policy.evaluate(cpu(60, 10, undefined))).toMatchObject({ servers: 10, insufficientData: true })
    expect(desiredBy(policy, cpu(130, 10, 0.2))).toBe(10)
  })

  it('leaves servers that start or warm up out of the metric and of the capacity', () => {
    const policy = policyOf({ warmUp: 300 })
    expect(desiredBy(policy, cpu(0, 4, 1))).toBe(8)
    expect(desiredBy(policy, grown(60, 4, 1, 4))).toBe(8)
    expect(desiredBy(policy, grown(120, 4, 0.1, 4, 100))).toBe(8)
    expect(desiredBy(policy, grown(399, 4, 1, 4, 100))).toBe(8)
    expect(desiredBy(policy, grown(400, 4, 1.2, 4, 100))).toBe(10) // now 4.8 on 8 are 0.6
  })
})
