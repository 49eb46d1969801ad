import type { ServerId } from '../fleet/provider.ts'
import type { Forecast } from '../pipeline/items.ts'
import type { LimitOptions } from './limit-options.ts'

/** One server as a policy may see it. A figure that was not measured is absent, never 0. */
export interface ServerObservation {
  readonly id: ServerId
  readonly state: 'starting' | 'ready' | 'draining'
  /** Users connected to it. */
  readonly users: number
  /** When it was launched, and when it became ready; seconds on the run's clock. */
  readonly launchedAt?: number
  readonly readyAt?: number
  /** Messages it handled per second, since the last observation. */
  readonly messagesPerSecond?: number
  /** Share of its concurrency in use, 0–1, since the last observation. */
  readonly utilization?: number
  /** Messages that wait on it. */
  readonly queued?: number
  /** CPU use in cores. */
  readonly cpu?: number
  /** Resident memory, bytes. */
  readonly memoryBytes?: number
  /** Share of time its event loop was busy, 0–1. */
  readonly eventLoopUtilization?: number
  /** 99th percentile of its latency, milliseconds. */
  readonly latencyP99Ms?: number
}

/** What the fleet looked like at one instant: all that a policy may see. */
export interface Observation {
  /** Seconds since the run began. */
  readonly time: number
  /** Concurrent users; absent when the measurement is missing, and then nothing is scaled in. */
  readonly load?: number
  /** Servers that are desired: starting + ready. */
  readonly desiredCount: number
  /** Every server that is not gone: starting, ready and draining. */
  readonly servers: readonly ServerObservation[]
  /** Age of the figures in seconds; 0 when they were measured just now. */
  readonly age?: number
  /** The time of day, seconds since 1970; present only on a fleet that serves, whose clock is the world's. */
  readonly wallTime?: number
  /** Why this is not the whole fleet: servers that do not report, users who lost their connection. Nothing is scaled in then. */
  readonly incomplete?: string
}

/** What a policy desires, and why. */
export interface Recommendation {
  /** Servers it desires, before the autoscaler's limits. */
  readonly servers: number
  /** A sentence with the numbers in it. */
  readonly reason: string
  /** The same numbers for programs: thresholds, averages, forecasts. */
  readonly numbers?: Readonly<Record<string, number>>
  /** What it expects of the load, where it looks ahead. */
  readonly forecast?: Forecast
  /** What it looks at is missing: `servers` is the current size, and other policies may decide instead. */
  readonly insufficientData?: true
}

/** Observation → how many servers it desires, and why. May remember; must not read a clock or draw randomness. */
export interface Policy {
  readonly name: string
  /** Limits that go with this policy unless others are asked for. */
  readonly limits?: LimitOptions | undefined
  /** Users that it lets one server hold, where it reckons in users: what people measure head-room by. */
  readonly usersPerServer?: number | undefined
  /**
   * Set where the recommendation depends on nothing but the observation: a fleet that serves then asks at once when the load passes
   * `usersPerServer`, and not at the next interval only.
   */
  readonly instant?: boolean | undefined
  evaluate(observation: Observation): Recommendation
  /** What it has learned, as plain JSON, so that it survives a restart; `undefined` when there is nothing yet. */
  snapshot?(): unknown
  /**
   * Continues with what another instance of the same policy had learned.
   * @param state what `snapshot` returned, from a file: it may be of an older version, and throwing means starting afresh
   * @param shift seconds to add to every time in it, so that it is a time of this run's clock; those are usually below 0 then
   */
  restore?(state: unknown, shift: number): void
}
