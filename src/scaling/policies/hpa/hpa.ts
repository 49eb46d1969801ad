import { z } from 'zod'
import { atLeastZero, type OptionsOf, option, optionSet, seconds } from '../../../base/options.ts'
import { specKind } from '../../../base/spec-kind.ts'
import { METRICS, measure, unknown } from '../../metric.ts'
import { reasons } from '../../reasons.ts'
import type { Observation, Policy } from '../../types.ts'
import { Behavior, DEFAULT_SCALE_DOWN, DEFAULT_SCALE_UP, type DirectionBehavior } from './behavior.ts'

/** What the metrics alone ask for. */
interface Desired {
  readonly servers: number
  readonly ratio: number
  readonly why: string
}

/** Rounds up, but not for a rounding error. */
const wholeServers = (exact: number) => Math.ceil(exact - 1e-9)

const directionSchema = z.strictObject({
  stabilizationWindow: atLeastZero.optional(),
  limits: z
    .array(
      z.strictObject({ type: z.enum(['pods', 'percent']), value: z.number().positive(), period: seconds }),
    )
    .min(1)
    .optional(),
  select: z.enum(['max', 'min', 'disabled']).optional(),
})

const direction = (usual: DirectionBehavior) =>
  directionSchema.optional().meta({ description: 'behavior of this direction', examples: [usual] })

const hpaOptions = optionSet({
  metric: option(z.enum(METRICS), 'what is averaged over the servers', 'users'),
  target: option(z.number().min(0.001), 'the average it aims for', 30),
  tolerance: option(atLeastZero, 'how far from 1 the ratio may be without a change', 0.1),
  scaleUp: direction(DEFAULT_SCALE_UP),
  scaleDown: direction(DEFAULT_SCALE_DOWN),
})

/** Options of `hpa`. */
export type HpaOptions = OptionsOf<typeof hpaOptions.shape>

/**
 * Kubernetes' Horizontal Pod Autoscaler (autoscaling/v2): ceil(servers × average / target) over the ready servers.
 * Servers that still start count as 0 when it would scale out; servers whose metric is missing count as 0 when it would
 * scale out and as the target when it would scale in. If that turns the direction round, or is within the tolerance,
 * nothing changes; when no ready server reports the metric, nothing changes and nothing is remembered. Averages are cut to whole
 * thousandths. Then `behavior`: stabilization windows (out 0 s, in 300 s) and limits per period.
 *
 * Sources: Kubernetes documentation, "Horizontal Pod Autoscaling", sections *Algorithm details* and *Configurable scaling
 * behavior*; `calcPlainMetricReplicas` of `pkg/controller/podautoscaler/replica_calculator.go`, as it is since KEP-4951 (`isWithin`), that is: targets are raw values,
 * as with `averageValue`, and a server that starts is a pending pod. That a young pod's CPU is set aside until it was ready for a whole
 * window of the metric is not done: an observation does not contain the window.
 */
export function hpaPolicy(options: HpaOptions = {}): Policy {
  const { metric, target, tolerance, scaleUp, scaleDown } = hpaOptions.parse(options)
  const thousandths = Math.ceil(target * 1000 - 1e-6)
  const behavior = new Behavior({ ...DEFAULT_SCALE_UP, ...scaleUp }, { ...DEFAULT_SCALE_DOWN, ...scaleDown })
  const close = (ratio: number) => ratio >= 1 - tolerance && ratio <= 1 + tolerance
  const ratioOf = (sum: number, count: number) => Math.trunc((sum * 1000) / count + 1e-6) / thousandths

  const recommend = ({ servers, desiredCount }: Observation): Desired | undefined => {
    const unready = servers.filter((server) => server.state === 'starting').length
    const { sum, known, missing } = measure(servers, metric)
    if (known === 0) return undefined
    const ratio = ratioOf(sum, known)
    const keep = (why: string): Desired => ({ servers: desiredCount, ratio, why })
    const average = reasons.say('aServer', { value: (sum / known).toFixed(2), metric })
    const what = reasons.say('ofTarget', { what: average, ratio: ratio.toFixed(2), target })
    if (ratio === 1) return keep(what)
    if (missing === 0 && (ratio < 1 || unready === 0)) {
      if (close(ratio)) return keep(reasons.say('tolerated', { what, tolerance }))
      return { servers: wholeServers(ratio * known), ratio, why: what }
    }
    const total = known + missing + (ratio > 1 ? unready : 0)
    const corrected = ratioOf(sum + (ratio < 1 ? (missing * thousandths) / 1000 : 0), total)
    const why = reasons.say('corrected', { what, corrected: corrected.toFixed(2), unready, missing })
    if (close(corrected) || ratio > 1 !== corrected > 1) return keep(reasons.say('uncertain', { what: why }))
    const desired = wholeServers(corrected * total)
    if (corrected < 1 ? desired > desiredCount : desired < desiredCount) return keep(why)
    return { servers: desired, ratio: corrected, why }
  }

  return {
    name: 'hpa',
    ...(metric === 'users' && { usersPerServer: target }),
    limits: { cooldown: 0 },
    evaluate(observation) {
      behavior.record(observation.time, observation.desiredCount)
      const desired = recommend(observation)
      if (!desired) return unknown(metric, observation)
      const { servers, ratio, why } = desired
      const allowed = behavior.apply(observation.time, servers, observation.desiredCount)
      const limited = allowed === servers ? '' : `; ${reasons.say('behavior', { servers, allowed })}`
      return { servers: allowed, reason: why + limited, numbers: { ratio, target, wantedByRatio: servers } }
    },
  }
}

export const hpaKind = specKind('hpa', hpaOptions, hpaPolicy)
