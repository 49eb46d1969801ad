import type { Decision } from '../pipeline/items.ts'
import { decide } from './decide.ts'
import { DelayMeter } from './delay-meter.ts'
import { FluidFleet, FluidObservation } from './fluid-fleet.ts'
import type { LimitOptions } from './limit-options.ts'
import { limitsOf, type ScalingLimits } from './limits.ts'
import { METRICS, type MetricName, measure } from './metric.ts'
import type { Observation, Policy, ServerObservation } from './types.ts'

/** Figures that a server has as they are, however many there are; all others are shared out. */
const UNSHARED: readonly MetricName[] = ['memoryBytes', 'latencyP99Ms']
/** Those that are shares of what a server can do. */
const AT_MOST_ONE: readonly MetricName[] = ['utilization', 'eventLoopUtilization']

/**
 * A second policy that decides on the same load and never acts. It sees a fleet that is only counted: the size that its own
 * decisions would have led to since it began, with the users, messages and CPU of the real servers shared out among that many. So
 * its decisions are what would have happened on its own fleet, not opinions on another's.
 */
export class ShadowPolicy {
  readonly policy: Policy
  readonly #limits: ScalingLimits
  readonly #delay = new DelayMeter()
  #fleet: FluidFleet | undefined

  /** @param limits those of the fleet; what they leave open the policy may bring */
  constructor(policy: Policy, limits: LimitOptions = {}) {
    this.policy = policy
    this.#limits = limitsOf(policy, limits)
  }

  /** Servers there would be, starting and ready; `undefined` before the first decision. */
  get size(): number | undefined {
    return this.#fleet?.size
  }

  /** What it would do, in its own fleet, about what is observed of the real one. */
  decide(observation: Observation): Decision {
    const { time, desiredCount } = observation
    this.#delay.see(observation)
    this.#fleet ??= new FluidFleet((launchedAt) => launchedAt + this.#delay.seconds, desiredCount)
    const fleet = this.#fleet
    fleet.advance(time)
    const seen = new FluidObservation(observation, fleet.size, () => this.#observe(observation))
    const decision = decide(this.policy, this.#limits, seen)
    fleet.scaleTo(decision.to, time)
    return { ...decision, ready: fleet.ready, shadow: true }
  }

  /** What its servers would show. */
  #observe({ load, servers }: Observation): ServerObservation[] {
    const fleet = this.#fleet!
    const figures = METRICS.flatMap((metric): [MetricName, number][] => {
      const { sum, known, missing } = measure(servers, metric)
      if (known === 0) return []
      const mean = sum / known
      if (UNSHARED.includes(metric)) return [[metric, mean]]
      const shared = (mean * (known + missing)) / fleet.ready
      return [[metric, AT_MOST_ONE.includes(metric) ? Math.min(1, shared) : shared]]
    })
    const each = {
      users: Number.NaN,
      ...Object.fromEntries(figures),
      ...(load !== undefined && { users: load / fleet.ready }),
    }
    return fleet.observe((server) => ({ ...server, ...each, state: 'ready' }))
  }
}
