import { invalidInput, requireNumber } from '../base/errors.ts'
import type { Fleet } from '../fleet/fleet.ts'
import { MapFunction, type OperatorContext } from '../pipeline/functions.ts'
import type { ScaledItem, TrafficItem } from '../pipeline/items.ts'
import { decide } from './decide.ts'
import { limitsOf, type ScalingLimits } from './limits.ts'
import { observe, type WorkMemory } from './observe.ts'
import { OverridablePolicy } from './overridable-policy.ts'
import type { ThresholdOptions } from './policies/threshold.ts'
import { createPolicy } from './policies.ts'
import { ShadowPolicy } from './shadow.ts'
import type { Decision, LimitOptions, Observation, Policy } from './types.ts'

export interface AutoScalerOptions extends ThresholdOptions, LimitOptions {
  /** What decides how many servers are wanted; `threshold` with the thresholds given here unless told. */
  policy?: Policy
  /** Seconds between two decisions; 1. */
  interval?: number
  /** A second policy that decides on the same load and never acts. */
  shadow?: Policy
  /** Takes every decision, also those that change nothing, and those of the shadow. */
  onDecision?: (decision: Decision, scaler: AutoScaler) => void
}

/** Policy, then limits: decides at every tick how many servers there shall be, says why, and tells the fleet. */
export class AutoScaler extends MapFunction<TrafficItem, ScaledItem> {
  /** What decides; it can be replaced and paused while it runs. */
  readonly policy: OverridablePolicy
  readonly interval: number
  readonly #options: AutoScalerOptions
  #limits: ScalingLimits
  #shadow: ShadowPolicy | undefined
  readonly #onDecision: NonNullable<AutoScalerOptions['onDecision']>
  #fleet: Fleet | undefined
  #context: OperatorContext | undefined
  #due = 0
  readonly #memory: WorkMemory = new Map()

  /** @throws {ConcertinaError} INVALID_INPUT, naming the option. */
  constructor(options: AutoScalerOptions = {}) {
    super()
    const { scaleUpThreshold, scaleDownThreshold } = options
    this.policy = new OverridablePolicy(
      options.policy ?? createPolicy({ kind: 'threshold', scaleUpThreshold, scaleDownThreshold }),
    )
    for (const where of ['scaleUpThreshold', 'scaleDownThreshold'] as const) {
      if (options.policy && options[where] !== undefined) {
        throw invalidInput(
          where,
          `the policy ${options.policy.name} is given`,
          'one of them, thresholds or a policy',
        )
      }
    }
    this.#options = options
    this.#limits = limitsOf(this.policy, options)
    this.interval = requireNumber('interval', options.interval ?? 1, { above: 0 })
    this.#onDecision = options.onDecision ?? (() => {})
    this.setShadow(options.shadow)
  }

  get limits(): ScalingLimits {
    return this.#limits
  }

  /** Decides beside and never acts. */
  get shadow(): ShadowPolicy | undefined {
    return this.#shadow
  }

  /** Lets another policy decide from now on, with the limits that it brings where none were asked for. */
  setPolicy(policy: Policy): void {
    const limits = limitsOf(policy, this.#options)
    limits.follow(this.#limits)
    this.policy.current = policy
    this.#limits = limits
  }

  /** Begins a shadow anew, within the same limits; or ends it. */
  setShadow(policy: Policy | undefined): void {
    this.#shadow = policy && new ShadowPolicy(policy, this.#options)
  }

  override open(context: OperatorContext): void {
    this.#context = context
    this.#fleet = context.fleet
    context.fleet.begin(this.limits.minServers)
  }

  /** What to do about an observation. Acts on nothing. */
  decide(observation: Observation): Decision {
    return decide(this.policy, this.limits, observation)
  }

  execute(item: TrafficItem): ScaledItem {
    if (item.kind !== 'tick') return item
    const fleet = this.#fleet!
    const { time, load } = item
    let decision: Decision | undefined
    if (time >= this.#due - 1e-9) {
      this.#due = time + this.interval
      const observation = observe(fleet, time, load, this.#memory)
      decision = { ...this.decide(observation), ready: fleet.ready.length }
      this.#onDecision(decision, this)
      if (this.shadow) this.#onDecision(this.shadow.decide(observation), this)
      if (decision.to !== decision.from) {
        this.#say(decision)
        fleet.scaleTo(decision.to)
      }
    }
    decision ??= {
      time,
      action: 'none',
      from: fleet.desiredCount,
      to: fleet.desiredCount,
      desired: fleet.desiredCount,
      load,
      policy: this.policy.name,
      reason: `the next decision is due at ${this.#due} s`,
    }
    return { ...item, decision, servers: fleet.desiredCount, readyServers: fleet.ready.length }
  }

  #say({ action, load, to, reason }: Decision): void {
    const logger = this.#context!.logger
    if (action === 'scale_up') {
      logger.warn(`⚠️ Scaling Threshold Reached! Load: ${load}, Scaling up to ${to} servers`)
    } else {
      logger.info(`Scaling down to ${to} servers (load: ${load})`)
    }
    logger.debug(`   ${reason}`)
  }
}
