import type { Decision } from '../scaling/types.ts'
import type { CheckReport } from '../verify/checker.ts'

/** Latency of the processed messages, in milliseconds. Quantiles are within 1 % of the exact ones. */
export interface LatencySummary {
  readonly meanMs: number
  readonly p50Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  /** Mean time spent waiting for a slot. */
  readonly meanWaitMs: number
}

/** What the users of a live run saw. */
export interface LiveReport {
  readonly checks: CheckReport
  /** Users moved to another server without a break, and connections that broke and came again. */
  readonly moved: number
  readonly reconnected: number
  /** Time without a connection, of those that broke. */
  readonly outage: LatencySummary
  readonly failedServers: number
}

/** One control interval. */
export interface Sample {
  /** Seconds since the run began. */
  readonly time: number
  /** Users the load pattern asked for, and users there were. */
  readonly requestedLoad: number
  readonly load: number
  /** Servers wanted (starting + ready), and those that were ready. */
  readonly servers: number
  readonly readyServers: number
  /** Messages sent since the run began. */
  readonly messages: number
}

/** What a run amounted to; the same for a simulated and a live one. */
export interface RunResult {
  /** Seconds that were run; less than asked for when the run was stopped. */
  readonly duration: number
  readonly seed: number | string
  /** Whether the run was stopped before its end. */
  readonly interrupted: boolean
  /** Messages, of these the processed ones, and those that a full or absent server rejected. */
  readonly totalMessages: number
  readonly processedMessages: number
  readonly rejectedMessages: number
  /** Processed messages a second. */
  readonly throughput: number
  readonly requestedPeakLoad: number
  readonly requestedAverageLoad: number
  readonly peakLoad: number
  readonly averageLoad: number
  readonly peakServers: number
  readonly averageServers: number
  /** Time that servers existed (starting, ready or draining), in hours. */
  readonly serverHours: number
  /** Busy share of the concurrency of ready servers, 0–1. */
  readonly utilization: number
  readonly latency: LatencySummary
  readonly scalingEvents: readonly Decision[]
  /** Why nothing was scaled, when nothing was. */
  readonly nothingScaledBecause?: string
  readonly samples: readonly Sample[]
  /** Only of a live run. */
  readonly live?: LiveReport
}
