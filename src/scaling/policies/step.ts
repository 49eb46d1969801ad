import { z } from 'zod'
import { invalidInput } from '../../base/errors.ts'
import { atLeastZero, count, type OptionsOf, option, optionSet } from '../../base/options.ts'
import { specKind } from '../../base/spec-kind.ts'
import { METRICS, measure, unknown } from '../metric.ts'
import { reasons } from '../reasons.ts'
import type { Policy } from '../types.ts'
import { WarmUp } from './warm-up.ts'

/** What to do while the metric is so far beyond its threshold. */
export interface StepAdjustment {
  /** Bounds of the distance from the threshold; without one there is no bound on that side. */
  lower?: number
  upper?: number
  /** Servers to add (below 0 to remove), or the exact number, or percent. */
  change: number
}

/** An alarm, and what it changes. */
export interface StepRule {
  /** The alarm's threshold of the metric. */
  threshold: number
  adjustments: StepAdjustment[]
}

const DEFAULT_OUT: StepRule = { threshold: 30, adjustments: [{ lower: 0, change: 1 }] }
const DEFAULT_IN: StepRule = { threshold: 10, adjustments: [{ upper: 0, change: -1 }] }

/** AWS's rounding of a percentage: towards 0, but never to 0. */
function roundPercent(exact: number): number {
  const whole = Math.trunc(exact + Math.sign(exact) * 1e-9)
  return whole === 0 ? Math.sign(exact) : whole
}

/** Steps may not overlap, nor leave a gap, nor end before the metric does: as the service asks. */
function checkBounds(where: string, rule: StepRule, outward: boolean): void {
  const bounds = rule.adjustments.map(({ lower = -Infinity, upper = Infinity }, i) => {
    if (lower < upper) return { lower, upper, at: `${where}.adjustments[${i}]` }
    throw invalidInput(
      `${where}.adjustments[${i}]`,
      `lower ${lower} is not below upper ${upper}`,
      'lower below upper',
    )
  })
  bounds.sort((a, b) => a.lower - b.lower)
  for (const [i, { lower, at }] of bounds.slice(1).entries()) {
    const before = bounds[i]!.upper
    if (lower === before) continue
    const wrong = lower < before ? 'overlaps' : 'leaves a gap to'
    throw invalidInput(at, `it ${wrong} the step that ends at ${before}`, `lower ${before}`)
  }
  const end = outward ? bounds.at(-1)!.upper : -bounds[0]!.lower
  if (end === Infinity) return
  throw invalidInput(
    (outward ? bounds.at(-1)! : bounds[0]!).at,
    `no step is for what is further ${outward ? 'above' : 'below'}`,
    `a step without ${outward ? 'upper' : 'lower'}`,
  )
}

function checkRule(where: string, rule: StepRule): StepRule {
  checkBounds(where, rule, where === 'scaleOut')
  return rule
}

const ruleSchema = z.strictObject({
  threshold: z.number(),
  adjustments: z
    .array(z.strictObject({ lower: z.number().optional(), upper: z.number().optional(), change: z.number() }))
    .min(1),
})

const rule = (description: string, usual: StepRule) =>
  ruleSchema.optional().meta({ description, examples: [usual] })

const stepOptions = optionSet({
  metric: option(z.enum(METRICS), 'what is averaged over the servers', 'users'),
  scaleOut: rule('above its threshold', DEFAULT_OUT),
  scaleIn: rule('below its threshold', DEFAULT_IN),
  adjustmentType: option(
    z.enum(['change', 'exact', 'percent']),
    'what the change of a step means: servers to add, the exact number, or percent',
    'change',
  ),
  minAdjustmentMagnitude: option(count, 'servers that percent changes at least', 1),
  warmUp: option(atLeastZero, 'seconds from ready on in which a new server is not counted', 300),
})

/** Options of `step`. */
export type StepOptions = OptionsOf<typeof stepOptions.shape>

/**
 * Step scaling of AWS Auto Scaling. The distance of the metric from the alarm's threshold picks a step: bounds include the
 * lower one when scaling out, the upper one when scaling in. Servers that start or warm up are not part of the metric, nor of
 * the capacity that a step out is taken from, so the same breach does not act twice; nothing is removed meanwhile. Servers that
 * drain are part of the capacity that a step in is taken from.
 *
 * Source: *Amazon EC2 Auto Scaling User Guide*, "Step and simple scaling policies", sections "Step adjustments", "Scaling
 * adjustment types" (also for the rounding) and "Instance warm-up". There an alarm may need several periods; here it looks at each
 * observation by itself. Servers that were there when the policy began are warm.
 */
export function stepPolicy(options: StepOptions = {}): Policy {
  const { metric, adjustmentType, minAdjustmentMagnitude: least, ...rest } = stepOptions.parse(options)
  const out = checkRule('scaleOut', rest.scaleOut ?? DEFAULT_OUT)
  const inward = checkRule('scaleIn', rest.scaleIn ?? DEFAULT_IN)
  if (inward.threshold > out.threshold) {
    throw invalidInput(
      'scaleIn.threshold',
      `${inward.threshold} is above scaleOut.threshold (${out.threshold})`,
      'a lower one',
    )
  }
  const warmUp = new WarmUp(rest.warmUp)

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
      const { desiredCount } = observation
      const { warm, warming, draining } = warmUp.observe(observation)
      const { sum, known } = measure(warm, metric)
      if (known === 0) return unknown(metric, observation)
      const value = sum / known
      const numbers = { value, warmingUp: warming }
      const what = reasons.say('aServer', { value: value.toFixed(2), metric })
      const from = desiredCount
      if (value >= out.threshold) {
        const beyond = value - out.threshold
        const step = out.adjustments.find(
          ({ lower = -Infinity, upper = Infinity }) => beyond >= lower && beyond < upper,
        )
        if (!step)
          return { servers: desiredCount, reason: reasons.say('noStep', { what, rule: 'scaleOut' }), numbers }
        const servers = Math.max(desiredCount, apply(desiredCount - warming, step.change))
        const { threshold } = out
        const done = reasons.say('stepOut', { what, beyond: beyond.toFixed(2), threshold, servers, from })
        const reason = warming > 0 ? reasons.say('ofWarming', { what: done, warming }) : done
        return { servers, reason, numbers }
      }
      if (value <= inward.threshold) {
        if (warming > 0)
          return { servers: desiredCount, reason: reasons.say('stillWarm', { what, warming }), numbers }
        const beyond = value - inward.threshold
        const step = inward.adjustments.find(
          ({ lower = -Infinity, upper = Infinity }) => beyond > lower && beyond <= upper,
        )
        if (!step)
          return { servers: desiredCount, reason: reasons.say('noStep', { what, rule: 'scaleIn' }), numbers }
        const servers = Math.max(0, Math.min(desiredCount, apply(desiredCount + draining, step.change)))
        const { threshold } = inward
        const done = reasons.say('stepIn', { what, beyond: (-beyond).toFixed(2), threshold, servers, from })
        const reason = draining > 0 ? reasons.say('andDraining', { what: done, draining }) : done
        return { servers, reason, numbers }
      }
      return {
        servers: desiredCount,
        reason: reasons.say('within', { what, low: inward.threshold, high: out.threshold }),
        numbers,
      }
    },
  }
}

export const stepKind = specKind('step', stepOptions, stepPolicy)
