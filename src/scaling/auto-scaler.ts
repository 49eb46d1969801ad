import { invalidInput } from '../base/errors.ts'
import { madeInCode, type OptionsOf, option, optionSet, seconds } from '../base/options.ts'
import type { Fleet } from '../fleet/fleet.ts'
import { MapFunction, type OperatorContext } from '../pipeline/functions.ts'
import type { Decision, ScaledItem, ScaledTick, Tick, TrafficItem } from '../pipeline/items.ts'
import { decide } from './decide.ts'
import { limitsShape } from './limit-options.ts'
import { limitsOf, type ScalingLimits } from './limits.ts'
import { observe, type WorkMemory } from './observe.ts'
import { OverridablePolicy } from './overridable-policy.ts'
import { thresholdShape } from './policies/threshold.ts'
import { createPolicy } from './policies.ts'
import { reasons } from './reasons.ts'
import { ShadowPolicy } from './shadow.ts'
import type { Observation, Policy } from './types.ts'

/** What a config file may say of the autoscaler, beside its policies. */
export const scalingShape = {
  ...thresholdShape,
  ...limitsShape,
  interval: option(seconds, 'seconds between two decisions', 1),
}

/** Calls `onDecision` with every decision, also those that change nothing, and those of the shadow. */
type DecisionListener = (decision: Decision, scaler: AutoScaler) => void

/** All that the library may say of the autoscaler. */
export const autoScalerOptions = optionSet({
  ...scalingShape,
  policy: option(
    madeInCode<Policy>('a policy', 'evaluate'),
    'decides how many servers are desired; default threshold, with the thresholds given here',
  ),
  shadow: option(
    madeInCode<Policy>('a policy', 'evaluate'),
    'a second policy that decides on the same load and never acts',
  ),
  onDecision: option(madeInCode<DecisionListener>('a function'), 'is called with every decision'),
})

/** Options of the autoscaler. */
export type AutoScalerOptions = OptionsOf<typeof autoScalerOptions.shape>

/** Policy, then limits: decides at every tick how many servers are desired, gives the reason, and scales the fleet. */
export class AutoScaler extends MapFunction<TrafficItem, ScaledItem> {
  /** What decides; it can be replaced and paused while it runs. */
  readonly policy: OverridablePolicy
  readonly interval: number
  #options: AutoScalerOptions
  #limits: ScalingLimits
  #shadow: ShadowPolicy | undefined
  readonly #onDecision: DecisionListener
  #fleet: Fleet | undefined
  #context: OperatorContext | undefined
  #due = 0
  readonly #memory: WorkMemory = new Map()

  /** @throws {ConcertinaError} INVALID_INPUT, naming the option. */
  constructor(options: AutoScalerOptions = {}) {
    super()
    const { interval } = autoScalerOptions.parse(options)
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
    this.interval = interval
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

  /**
   * Other limits apply from now on, and with `policy` another policy decides; without it the one that decides now continues, with what it
   * learned. The interval and the shadow stay.
   * @throws {ConcertinaError} INVALID_INPUT; nothing has changed then
   */
  configure(options: AutoScalerOptions, { policy }: { policy: boolean }): void {
    const next = new AutoScaler(options)
    this.#options = options
    this.setPolicy(policy ? next.policy.current : this.policy.current)
  }

  /** Starts a new shadow within the same limits, or ends it. */
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
    if (item.time < this.#due - 1e-9)
      return this.#scaled(item, this.#unchanged(item, reasons.say('nextDue', { time: this.#due })))
    this.#due = item.time + this.interval
    const observation = observe(this.#fleet!, item, this.#memory)
    const decision = this.#act(item, observation)
    const { shadow } = this
    const beside = shadow && this.#guarded('the shadow policy', () => shadow.decide(observation))
    if (beside) this.#report(beside)
    return this.#scaled(item, decision)
  }

  /** Whether a policy that need not wait for the next decision would let more servers serve this load. */
  isCrossedBy(load: number): boolean {
    const { instant, usersPerServer = Infinity } = this.policy
    const { desiredCount } = this.#fleet!
    return instant && load > usersPerServer * desiredCount && desiredCount < this.limits.maxServers
  }

  /** Decides before the next decision is due, which comes as it would have. */
  decideEarly(tick: Tick): ScaledTick {
    return this.#scaled(tick, this.#act(tick, observe(this.#fleet!, tick, new Map(this.#memory))))
  }

  /** Decides, reports it, and scales the fleet. */
  #act(tick: Tick, observation: Observation): Decision {
    const fleet = this.#fleet!
    const decided = this.#guarded('the policy', () => this.decide(observation))
    const decision = {
      ...(decided ?? this.#unchanged(tick, reasons.say('threw'))),
      ready: fleet.ready.length,
    }
    this.#report(decision)
    if (decision.to !== decision.from) {
      this.#log(decision)
      fleet.scaleTo(decision.to)
    } else {
      this.#context?.logger.debug(`   ${decision.reason}`)
    }
    return decision
  }

  #scaled(tick: Tick, decision: Decision): ScaledTick {
    const { desiredCount, ready } = this.#fleet!
    return { ...tick, decision, servers: desiredCount, readyServers: ready.length }
  }

  #unchanged({ time, load }: Tick, reason: string): Decision {
    const { desiredCount } = this.#fleet!
    return {
      time,
      action: 'none',
      from: desiredCount,
      to: desiredCount,
      desired: desiredCount,
      load,
      policy: this.policy.name,
      reason,
    }
  }

  #report(decision: Decision): void {
    this.#guarded('onDecision', () => this.#onDecision(decision, this))
  }

  /** Runs code of others. Where the run must survive it, an error is reported and the result is `undefined`. */
  #guarded<T>(where: string, run: () => T): T | undefined {
    const onFault = this.#context?.onFault
    if (!onFault) return run()
    try {
      const result = run()
      if (result instanceof Promise) result.catch((error: unknown) => onFault(where, error))
      return result
    } catch (error) {
      onFault(where, error)
      return undefined
    }
  }

  /** One line for each scaling event; its fields have all of it for programs. */
  #log({ action, load, from, to, reason, policy }: Decision): void {
    const logger = this.#context!.logger
    const fields = { action, from, to, load, policy, reason }
    const up = action === 'scale_up'
    const line =
      up && policy === 'threshold'
        ? `⚠️ Scaling Threshold Reached! Load: ${load}, Scaling up to ${to} servers from ${from}`
        : `Scaling ${up ? 'up' : 'down'} from ${from} to ${to} servers`
    logger.info(`${line}: ${reason}`, fields)
  }
}
