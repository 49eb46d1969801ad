import type { StrategyName } from '../balancing/strategies.ts'
import type { AutoScaler, AutoScalerOptions } from '../scaling/auto-scaler.ts'
import type { Distribution } from '../traffic/distribution.ts'
import type { LoadPattern } from '../traffic/load-pattern.ts'

/** How users come, talk and go. */
export interface TrafficOptions {
  /**
   * `exact` (default): the number of users follows the load pattern, and one who leaves is replaced. `poisson`:
   * sessions arrive as a non-homogeneous Poisson process whose mean number of users is the load pattern.
   */
  arrivals?: 'exact' | 'poisson'
  /** Time between two messages of a user; exponential with mean 5 s. */
  thinkTime?: Distribution
  /** How long a user stays; exponential with mean 300 s. */
  session?: Distribution
  /** Rooms that users are spread over evenly; 100. */
  rooms?: number
}

/** A server in virtual time. */
export interface ServerOptions {
  /** Messages it works on at once; 4. */
  concurrency?: number
  /** Messages that may wait; one more is rejected; 1000. */
  queueLimit?: number
  /** Work of a message; exponential with mean 0.05 s. */
  serviceTime?: Distribution
  /** From launch to ready, seconds; 1. */
  startupDelay?: number
}

export interface BalancerOptions {
  /** `round-robin` unless told. */
  strategy?: StrategyName
  /** `sticky` (default): a user stays on its server. `message`: every message is routed by itself. */
  routing?: 'sticky' | 'message'
}

/** Everything a simulated run depends on: the same options give the same result. */
export interface SimulationOptions {
  pattern: LoadPattern
  /** Seconds; the pattern's own duration unless told. */
  duration?: number
  /** 42 unless told. */
  seed?: number | string
  traffic?: TrafficOptions
  autoScaler?: AutoScalerOptions | AutoScaler
  balancer?: BalancerOptions
  server?: ServerOptions
}
