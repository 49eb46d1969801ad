import { z } from 'zod'
import { requireNumber } from '../../errors.ts'
import { atLeastZero, option, specKind } from '../../spec-kind.ts'
import { averageOf, METRICS, type MetricName, unknown } from '../metric.ts'
import type { Policy } from '../policy.ts'
import { WarmUp } from './warm-up.ts'

export interface TargetTrackingOptions {
  /** What is averaged over the servers; `users`. */
  metric?: MetricName
  /** The average it keeps; 30. */
  target?: number
  /** Whether it never scales in; false. */
  disableScaleIn?: boolean
  /** Seconds that a new server counts as done and does not show in the metric; 300. */
  warmUp?: number
  /** Seconds the metric must be above the target before it scales out (180), and below 90 % of it before it scales in (900). */
  scaleOutAfter?: number
  scaleInAfter?: number
}

/** Below this share of the target it scales in. */
const LOW = 0.9

/**
 * Target tracking of AWS Auto Scaling: scales out in proportion, ceil(servers × metric / target), when the metric was above the
 * target for three minutes; scales in, late and to no fewer than keep the target, when it was below 90 % of it for fifteen. New servers
 * count as done while they warm up, and nothing is removed meanwhile.
 *
 * Source: *Amazon EC2 Auto Scaling User Guide*, "Target tracking scaling policies"; the alarms that it makes (3 periods of a minute
 * above, 15 below 90 %) are those shown in CloudWatch.
 */
export function targetTrackingPolicy(options: TargetTrackingOptions = {}): Policy {
  const { metric = 'users', disableScaleIn = false } = options
  const target = requireNumber('target', options.target ?? 30, { above: 0 })
  const outAfter = requireNumber('scaleOutAfter', options.scaleOutAfter ?? 180, { min: 0 })
  const inAfter = requireNumber('scaleInAfter', options.scaleInAfter ?? 900, { min: 0 })
  const warming = new WarmUp(requireNumber('warmUp', options.warmUp ?? 300, { min: 0 }))
  let aboveSince: number | undefined
  let belowSince: number | undefined

  return {
    name: 'target-tracking',
    ...(metric === 'users' && { usersPerServer: target }),
    limits: { cooldown: 0 },
    evaluate(observation) {
      const { time, size } = observation
      const value = averageOf(observation, metric)
      if (value === undefined) {
        aboveSince = undefined
        belowSince = undefined
        return unknown(metric, observation)
      }
      aboveSince = value > target ? (aboveSince ?? time) : undefined
      belowSince = value < LOW * target ? (belowSince ?? time) : undefined
      const warm = warming.at(time)
      const numbers = { value, target, warmingUp: warm }
      const what = `${value.toFixed(2)} ${metric} a server against the target of ${target}`
      const proportional = Math.ceil(((size - warm) * value) / target - 1e-9)
      if (aboveSince !== undefined && time - aboveSince >= outAfter) {
        const servers = Math.max(size, proportional)
        warming.add(time, servers - size)
        return { servers, reason: `${what}, above it for ${time - aboveSince} s`, numbers }
      }
      if (belowSince !== undefined && time - belowSince >= inAfter && !disableScaleIn && warm === 0) {
        const servers = Math.min(size, Math.max(1, proportional))
        if (servers < size) belowSince = time
        return { servers, reason: `${what}, below ${LOW * 100} % of it for long enough`, numbers }
      }
      const since = aboveSince ?? belowSince
      const wait =
        since === undefined
          ? ''
          : `, ${aboveSince === undefined ? 'below' : 'above'} it for ${time - since} s`
      return { servers: size, reason: what + wait, numbers }
    },
  }
}

export const targetTrackingKind = specKind(
  'target-tracking',
  {
    metric: option(z.enum(METRICS), 'what is averaged over the servers', 'users'),
    target: option(z.number().positive(), 'the average it keeps', 30),
    disableScaleIn: option(z.boolean(), 'never scales in', false),
    warmUp: option(atLeastZero, 'seconds that a new server does not show in the metric', 300),
    scaleOutAfter: option(atLeastZero, 'seconds above the target before it scales out', 180),
    scaleInAfter: option(atLeastZero, 'seconds below 90 % of the target before it scales in', 900),
  },
  targetTrackingPolicy,
)
