import { decide } from './decide.ts'
import type { Decision } from './decision.ts'
import { DelayMeter } from './delay-meter.ts'
import { FluidFleet, FluidObservation } from './fluid-fleet.ts'
import { type LimitOptions, limitsOf, type ScalingLimits } from './limits.ts'
import { averageOf, type MetricName } from './metric.ts'
import type { Observation, Policy, ServerObservation } from './policy.ts'

/** Figures that are shared out among the servers: half as many servers, twice as much on each. */
const SHARED = [
  'messagesPerSecond',
  'utilization',
  'queued',
  'cpu',
  'eventLoopUtilization',
] as const satisfies readonly MetricName[]
/** Those of them that are shares of what a server can do. */
const AT_MOST_ONE: readonly MetricName[] = ['utilization', 'eventLoopUtilization']
/** Figures that a server has as they are, however many there are. */
const UNSHARED = ['memoryBytes', 'latencyP99Ms'] as const satisfies readonly MetricName[]

/**
 * A second policy that decides on the same load and never acts. It sees a fleet that is only counted: the size that its own
 * decisions would have led to since it began, with the users, messages and CPU of the real servers shared out among so many. So
 * what it says is what would have been, and not what it thinks of somebody else's fleet.
 */
export class Shadow {
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
    const { time, size } = observation
    this.#delay.see(observation)
    this.#fleet ??= new FluidFleet(0, size)
    const fleet = this.#fleet
    fleet.provisioningDelay = this.#delay.seconds
    fleet.advance(time)
    const seen = new FluidObservation(observation, fleet.size, () => fleet.observe(this.#each(observation)))
    const decision = decide(this.policy, this.#limits, seen)
    fleet.scaleTo(decision.to, time)
    return { ...decision, ready: fleet.ready, shadow: true }
  }

  /** What each ready server would show. */
  #each(observation: Observation): Omit<ServerObservation, 'id' | 'state'> {
    const ready = this.#fleet!.ready
    const factor = observation.servers.filter(({ state }) => state === 'ready').length / ready
    const users =
      observation.load === undefined
        ? (averageOf(observation, 'users') ?? Number.NaN) * factor
        : observation.load / ready
    const figures: [MetricName, number | undefined][] = [
      ...SHARED.map((metric): [MetricName, number | undefined] => {
        const average = averageOf(observation, metric)
        if (average === undefined) return [metric, undefined]
        const value = average * factor
        return [metric, AT_MOST_ONE.includes(metric) ? Math.min(1, value) : value]
      }),
      ...UNSHARED.map((metric): [MetricName, number | undefined] => [metric, averageOf(observation, metric)]),
    ]
    return { users, ...Object.fromEntries(figures.filter(([, value]) => value !== undefined)) }
  }
}
