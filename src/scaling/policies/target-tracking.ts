import { z } from 'zod'
import { atLeastZero, type OptionsOf, option, optionSet } from '../../base/options.ts'
import { specKind } from '../../base/spec-kind.ts'
import { METRICS, measure, unknown } from '../metric.ts'
import { reasons } from '../reasons.ts'
import type { Policy } from '../types.ts'
import { WarmUp } from './warm-up.ts'

/** Below this share of the target it scales in. */
const LOW = 0.9

const targetTrackingOptions = optionSet({
  metric: option(z.enum(METRICS), 'what is averaged over the servers', 'users'),
  target: option(z.number().positive(), 'the average it keeps', 30),
  disableScaleIn: option(z.boolean(), 'never scales in', false),
  warmUp: option(atLeastZero, 'seconds from ready on in which a new server is not counted', 300),
  scaleOutAfter: option(atLeastZero, 'seconds above the target before it scales out', 180),
  scaleInAfter: option(atLeastZero, 'seconds below 90 % of the target before it scales in', 900),
})

/** Options of `target-tracking`. */
export type TargetTrackingOptions = OptionsOf<typeof targetTrackingOptions.shape>

/**
 * Target tracking of AWS Auto Scaling: scales out in proportion, ceil(servers × metric / target), when the metric was above the
 * target for three minutes; scales in, late and to no fewer than keep the target, when it was below 90 % of it for fifteen. Servers
 * that start or warm up are not part of the metric, nor of the capacity that is multiplied; nothing is removed meanwhile.
 *
 * Source: *Amazon EC2 Auto Scaling User Guide*, "Target tracking scaling policies", sections "Considerations" (rounding, no scale-in
 * without data, scale-in that is more gradual) and "Instance warm-up". The guide does not document the alarms that are created (3 minutes above, 15
 * below 90 %) nor how gradual scale-in is: the alarms are those that CloudWatch shows of such policies, and after a scale-in the
 * fifteen minutes start over. Newer policies of the service tune themselves, which is undocumented as well and not done here.
 */
export function targetTrackingPolicy(options: TargetTrackingOptions = {}): Policy {
  const { metric, target, disableScaleIn, scaleOutAfter, scaleInAfter, ...rest } =
    targetTrackingOptions.parse(options)
  const warmUp = new WarmUp(rest.warmUp)
  let aboveSince: number | undefined
  let belowSince: number | undefined

  return {
    name: 'target-tracking',
    ...(metric === 'users' && { usersPerServer: target }),
    limits: { cooldown: 0 },
    evaluate(observation) {
      const { time, desiredCount } = observation
      const { warm, warming, draining } = warmUp.observe(observation)
      const { sum, known } = measure(warm, metric)
      if (known === 0) {
        aboveSince = undefined
        belowSince = undefined
        return unknown(metric, observation)
      }
      const value = sum / known
      aboveSince = value > target ? (aboveSince ?? time) : undefined
      belowSince = value < LOW * target ? (belowSince ?? time) : undefined
      const numbers = { value, target, warmingUp: warming }
      const average = reasons.say('aServer', { value: value.toFixed(2), metric })
      const what = reasons.say('against', { what: average, target })
      const proportional = (servers: number) => Math.ceil((servers * value) / target - 1e-9)
      if (aboveSince !== undefined && time - aboveSince >= scaleOutAfter) {
        const servers = Math.max(desiredCount, proportional(desiredCount - warming))
        return { servers, reason: reasons.say('aboveFor', { what, seconds: time - aboveSince }), numbers }
      }
      if (belowSince !== undefined && time - belowSince >= scaleInAfter && !disableScaleIn && warming === 0) {
        const servers = Math.min(desiredCount, Math.max(1, proportional(desiredCount + draining)))
        if (servers < desiredCount) belowSince = time
        return { servers, reason: reasons.say('belowLong', { what, share: LOW * 100 }), numbers }
      }
      const since = aboveSince ?? belowSince
      const reason =
        since === undefined
          ? what
          : reasons.say(aboveSince === undefined ? 'belowFor' : 'aboveFor', { what, seconds: time - since })
      return { servers: desiredCount, reason, numbers }
    },
  }
}

export const targetTrackingKind = specKind('target-tracking', targetTrackingOptions, targetTrackingPolicy)
