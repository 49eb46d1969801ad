import type { Observation, Policy, Recommendation } from './types.ts'

/** A policy that can be replaced and paused while it runs: people steer by it. */
export class OverridablePolicy implements Policy {
  /** What decides while nobody steers. */
  current: Policy
  /** While true, the fleet stays as it is. */
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

  evaluate(observation: Observation): Recommendation {
    // It looks on while paused, so that it knows the past when it goes on.
    const wanted = this.current.evaluate(observation)
    if (!this.paused) return wanted
    return {
      ...wanted,
      servers: observation.desiredCount,
      reason: `paused; ${this.name} would have it: ${wanted.reason}`,
    }
  }
}
