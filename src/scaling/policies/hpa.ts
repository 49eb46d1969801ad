import { z } from 'zod'
import { requireNumber } from '../../errors.ts'
import { atLeastZero, option, seconds, specKind } from '../../spec-kind.ts'
import { METRICS, type MetricName, metricOf } from '../metric.ts'
import type { Observation, Policy, ServerObservation } from '../policy.ts'
import { Behavior, DEFAULT_SCALE_DOWN, DEFAULT_SCALE_UP, type DirectionBehavior } from './hpa-behavior.ts'

export interface HpaOptions {
  /** What is averaged over the servers; `users`. */
  metric?: MetricName
  /** The average it aims for; 30. */
  target?: number
  /** How far from 1 the ratio may be without a change; 0.1. */
  tolerance?: number
  scaleUp?: Partial<DirectionBehavior>
  scaleDown?: Partial<DirectionBehavior>
}

/** What the metrics alone ask for. */
interface Wanted {
  readonly servers: number
  readonly ratio: number
  readonly why: string
}

/** Rounds up, but not for a rounding error: Kubernetes counts in whole thousandths. */
const wholeServers = (exact: number) => Math.ceil(exact - 1e-9)

function sumOf(servers: readonly ServerObservation[], metric: MetricName): number {
  return servers.reduce((sum, server) => sum + (metricOf(server, metric) ?? 0), 0)
}

/**
 * Kubernetes' Horizontal Pod Autoscaler (autoscaling/v2): ceil(servers × average / target) over the ready servers.
 * Servers that are not ready count as 0 when it would scale out; servers whose metric is missing count as 0 when it would
 * scale out and as the target when it would scale in. If that turns the direction round, or is within the tolerance,
 * nothing changes. Then `behavior`: stabilization windows (out 0 s, in 300 s) and limits per period.
 *
 * Sources: Kubernetes documentation, "Horizontal Pod Autoscaling", sections *Algorithm details* and *Configurable scaling
 * behavior*; the defaults are those of API version autoscaling/v2.
 */
export function hpaPolicy(options: HpaOptions = {}): Policy {
  const metric = options.metric ?? 'users'
  const target = requireNumber('target', options.target ?? 30, { above: 0 })
  const tolerance = requireNumber('tolerance', options.tolerance ?? 0.1, { min: 0 })
  const behavior = new Behavior(
    { ...DEFAULT_SCALE_UP, ...options.scaleUp },
    { ...DEFAULT_SCALE_DOWN, ...options.scaleDown },
  )

  const recommend = ({ servers, size }: Observation): Wanted => {
    const counted = servers.filter((server) => server.state !== 'draining')
    const unready = counted.filter((server) => server.state === 'starting')
    const ready = counted.filter((server) => server.state === 'ready')
    const missing = ready.filter((server) => metricOf(server, metric) === undefined)
    const known = ready.length - missing.length
    const keep = (ratio: number, why: string): Wanted => ({ servers: size, ratio, why })
    if (known === 0) return keep(Number.NaN, `no ready server tells its ${metric}`)
    const sum = sumOf(ready, metric)
    const ratio = sum / known / target
    const what = `${(sum / known).toFixed(2)} ${metric} a server are ${ratio.toFixed(2)} of the target ${target}`
    const close = (value: number) => Math.abs(value - 1) <= tolerance
    const assumed = (ratio > 1 && unready.length > 0) || missing.length > 0
    if (ratio === 1) return keep(ratio, what)
    if (!assumed) {
      if (close(ratio)) return keep(ratio, `${what}, within the tolerance of ${tolerance}`)
      return { servers: wholeServers(ratio * known), ratio, why: what }
    }
    const total = known + missing.length + (ratio > 1 ? unready.length : 0)
    const corrected = (sum + (ratio < 1 ? missing.length * target : 0)) / total / target
    const told = `${what} (${corrected.toFixed(2)} with ${unready.length} not ready and ${missing.length} missing)`
    if (close(corrected) || ratio > 1 !== corrected > 1)
      return keep(corrected, `${told}, too uncertain to change`)
    const wanted = wholeServers(corrected * total)
    if (corrected < 1 ? wanted > size : wanted < size) return keep(corrected, told)
    return { servers: wanted, ratio: corrected, why: told }
  }

  return {
    name: 'hpa',
    ...(metric === 'users' && { usersPerServer: target }),
    limits: { cooldown: 0 },
    evaluate(observation) {
      const { servers, ratio, why } = recommend(observation)
      const allowed = behavior.apply(observation.time, servers, observation.size)
      const held = allowed === servers ? '' : `; it wants ${servers} servers, its behavior allows ${allowed}`
      return { servers: allowed, reason: why + held, numbers: { ratio, target, wantedByRatio: servers } }
    },
  }
}

const directionSchema = z.strictObject({
  stabilizationWindow: atLeastZero.optional(),
  limits: z
    .array(
      z.strictObject({ type: z.enum(['pods', 'percent']), value: z.number().positive(), period: seconds }),
    )
    .min(1)
    .optional(),
  select: z.enum(['max', 'min']).optional(),
})

const direction = (usual: DirectionBehavior) =>
  directionSchema.optional().meta({ description: 'behavior of this direction', examples: [usual] })

export const hpaKind = specKind(
  'hpa',
  {
    metric: option(z.enum(METRICS), 'what is averaged over the servers', 'users'),
    target: option(z.number().positive(), 'the average it aims for', 30),
    tolerance: option(atLeastZero, 'how far from 1 the ratio may be without a change', 0.1),
    scaleUp: direction(DEFAULT_SCALE_UP),
    scaleDown: direction(DEFAULT_SCALE_DOWN),
  },
  hpaPolicy,
)
