import { askPolicy } from './ask-policy.ts'
import { reasons } from './reasons.ts'
import type { Observation, Policy, Recommendation } from './types.ts'

/** A policy that can be replaced and paused while it runs. */
export class OverridablePolicy implements Policy {
  /** What decides while it is not paused. */
  current: Policy
  /** While true, the fleet keeps its size. */
  paused = false
  readonly limits: Policy['limits']

  constructor(policy: Policy) {
    this.current = policy
    this.limits = policy.limits
  }

  get name(): string {
    return this.current.name
  }

  get usersPerServer(): number | undefined {
    return this.current.usersPerServer
  }

  get instant(): boolean {
    return !this.paused && this.current.instant === true
  }

  snapshot(): unknown {
    return this.current.snapshot?.()
  }

  restore(state: unknown, shift: number): void {
    this.current.restore?.(state, shift)
  }

  evaluate(observation: Observation): Recommendation {
    // It observes while paused, so that it knows the past when it resumes.
    const recommendation = askPolicy(this.current, observation)
    if (!this.paused) return recommendation
    return {
      ...recommendation,
      servers: observation.desiredCount,
      reason: `${reasons.say('paused')}; ${reasons.say('says', { policy: this.name, what: recommendation.reason })}`,
    }
  }
}
