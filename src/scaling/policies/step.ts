import { z } from 'zod'
import { invalidInput, requireNumber } from '../../errors.ts'
import { atLeastZero, count, option, specKind } from '../../spec-kind.ts'
import { averageOf, METRICS, type MetricName, unknown } from '../metric.ts'
import type { Policy } from '../policy.ts'
import { WarmUp } from './warm-up.ts'

/** What to do while the metric is so far beyond its threshold. */
export interface StepAdjustment {
  /** Bounds of the distance from the threshold; without one there is no bound on that side. */
  lower?: number
  upper?: number
  /** Servers to add (below 0 to remove), or the exact number, or percent. */
  change: number
}

export interface StepRule {
  /** The alarm's threshold of the metric. */
  threshold: number
  adjustments: readonly StepAdjustment[]
}

export interface StepOptions {
  /** What is averaged over the servers; `users`. */
  metric?: MetricName
  /** Above its threshold; one server more above 30 unless told. */
  scaleOut?: StepRule
  /** Below its threshold; one server fewer below 10 unless told. */
  scaleIn?: StepRule
  /** What `change` means: ChangeInCapacity, ExactCapacity or PercentChangeInCapacity; `change`. */
  adjustmentType?: 'change' | 'exact' | 'percent'
  /** The least that `percent` changes; 1. */
  minAdjustmentMagnitude?: number
  /** Seconds that a new server counts as done and does not show in the metric; 300. */
  warmUp?: number
}

const DEFAULT_OUT: StepRule = { threshold: 30, adjustments: [{ lower: 0, change: 1 }] }
const DEFAULT_IN: StepRule = { threshold: 10, adjustments: [{ upper: 0, change: -1 }] }

/** AWS's rounding of a percentage: towards 0, but never to 0. */
function roundPercent(exact: number): number {
  const whole = Math.trunc(exact + Math.sign(exact) * 1e-9)
  return whole === 0 ? Math.sign(exact) : whole
}

function checkRule(where: string, rule: StepRule): StepRule {
  requireNumber(`${where}.threshold`, rule.threshold)
  for (const [i, { lower = -Infinity, upper = Infinity, change }] of rule.adjustments.entries()) {
    requireNumber(`${where}.adjustments[${i}].change`, change)
    if (lower < upper) continue
    throw invalidInput(
      `${where}.adjustments[${i}]`,
      `lower ${lower} is not below upper ${upper}`,
      'lower below upper',
    )
  }
  return rule
}

/**
 * Step scaling of AWS Auto Scaling. The distance of the metric from the alarm's threshold picks a step: bounds include the
 * lower one when scaling out, the upper one when scaling in. Servers that are warming up are no part of the capacity that a
 * step is taken from, and count as done, so that the same breach does not act twice; nothing is removed meanwhile.
 *
 * Source: *Amazon EC2 Auto Scaling User Guide*, "Step and simple scaling policies": step adjustments, scaling adjustment
 * types (also for the rounding), instance warm-up. An alarm here looks at each observation by itself.
 */
export function stepPolicy(options: StepOptions = {}): Policy {
  const { metric = 'users', adjustmentType = 'change' } = options
  const out = checkRule('scaleOut', options.scaleOut ?? DEFAULT_OUT)
  const inward = checkRule('scaleIn', options.scaleIn ?? DEFAULT_IN)
  if (inward.threshold > out.threshold) {
    throw invalidInput(
      'scaleIn.threshold',
      `${inward.threshold} is above scaleOut.threshold (${out.threshold})`,
      'a lower one',
    )
  }
  const least = requireNumber('minAdjustmentMagnitude', options.minAdjustmentMagnitude ?? 1, {
    min: 1,
    integer: true,
  })
  const warming = new WarmUp(requireNumber('warmUp', options.warmUp ?? 300, { min: 0 }))

  const apply = (from: number, change: number): number => {
    if (adjustmentType === 'exact') return change
    if (adjustmentType === 'change') return from + change
    const exact = (from * change) / 100
    return exact === 0 ? from : from + Math.sign(exact) * Math.max(least, Math.abs(roundPercent(exact)))
  }

  return {
    name: 'step',
    ...(metric === 'users' && { usersPerServer: out.threshold }),
    limits: { cooldown: 0 },
    evaluate(observation) {
      const { time, size } = observation
      const value = averageOf(observation, metric)
      if (value === undefined) return unknown(metric, observation)
      const warm = warming.at(time)
      const numbers = { value, warmingUp: warm }
      const what = `${value.toFixed(2)} ${metric} a server`
      if (value >= out.threshold) {
        const beyond = value - out.threshold
        const step = out.adjustments.find(
          ({ lower = -Infinity, upper = Infinity }) => beyond >= lower && beyond < upper,
        )
        if (!step) return { servers: size, reason: `${what}, for which scaleOut has no step`, numbers }
        const servers = Math.max(size, apply(size - warm, step.change))
        warming.add(time, servers - size)
        const done = warm > 0 ? `, of which ${warm} warm up` : ''
        return {
          servers,
          reason: `${what} are ${beyond.toFixed(2)} above ${out.threshold}: ${servers} servers from ${size}${done}`,
          numbers,
        }
      }
      if (value <= inward.threshold) {
        if (warm > 0) return { servers: size, reason: `${what}, but ${warm} servers warm up`, numbers }
        const beyond = value - inward.threshold
        const step = inward.adjustments.find(
          ({ lower = -Infinity, upper = Infinity }) => beyond > lower && beyond <= upper,
        )
        if (!step) return { servers: size, reason: `${what}, for which scaleIn has no step`, numbers }
        const servers = Math.min(size, apply(size, step.change))
        return {
          servers,
          reason: `${what} are ${(-beyond).toFixed(2)} below ${inward.threshold}: ${servers} servers from ${size}`,
          numbers,
        }
      }
      return { servers: size, reason: `${what}, within ${inward.threshold} and ${out.threshold}`, numbers }
    },
  }
}

const ruleSchema = z.strictObject({
  threshold: z.number(),
  adjustments: z
    .array(z.strictObject({ lower: z.number().optional(), upper: z.number().optional(), change: z.number() }))
    .min(1),
})

const rule = (description: string, usual: StepRule) =>
  ruleSchema.optional().meta({ description, examples: [usual] })

export const stepKind = specKind(
  'step',
  {
    metric: option(z.enum(METRICS), 'what is averaged over the servers', 'users'),
    scaleOut: rule('above its threshold', DEFAULT_OUT),
    scaleIn: rule('below its threshold', DEFAULT_IN),
    adjustmentType: option(
      z.enum(['change', 'exact', 'percent']),
      'what the change of a step means: servers more, servers there shall be, or percent',
      'change',
    ),
    minAdjustmentMagnitude: option(count, 'servers that percent changes at least', 1),
    warmUp: option(atLeastZero, 'seconds that a new server does not show in the metric', 300),
  },
  stepPolicy,
)
