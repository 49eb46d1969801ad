import type { Forecast } from './policy.ts'

/** What kept the fleet from the size the policy wanted. */
export type Limit = 'min' | 'max' | 'cooldown' | 'stabilization' | 'step' | 'missing-metrics'

/** What the autoscaler decided at one instant, and why. */
export interface Decision {
  /** Seconds since the run began. */
  readonly time: number
  readonly action: 'scale_up' | 'scale_down' | 'none'
  /** Servers before and after (starting + ready). */
  readonly from: number
  readonly to: number
  /** Servers that took users when it was decided. */
  readonly ready?: number
  /** What the policy wanted before the limits. */
  readonly wanted: number
  /** Concurrent users it saw; absent when the measurement was missing. */
  readonly load?: number
  readonly policy: string
  /** A sentence with the numbers in it. */
  readonly reason: string
  readonly limitedBy?: Limit
  readonly numbers?: Readonly<Record<string, number>>
  /** Set where a second policy decided beside, on a fleet of its own that is only counted. */
  readonly shadow?: true
  /** What the policy expects of the load, where it looks ahead. */
  readonly forecast?: Forecast
}

/** The reason, and what kept the fleet from what the policy wanted. */
export function wholeReason({
  reason,
  wanted,
  limitedBy,
}: Pick<Decision, 'reason' | 'wanted' | 'limitedBy'>): string {
  return limitedBy ? `${reason} (it wants ${wanted}, held by ${limitedBy})` : reason
}
