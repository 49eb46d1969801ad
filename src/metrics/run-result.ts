import type { StrategyName } from '../balancing/strategy-names.ts'
import type { Decision } from '../pipeline/items.ts'
import type { PolicySpec } from '../scaling/policies.ts'
import type { RecordedClock } from '../traffic/load-pattern.ts'
import type { CheckReport } from '../verify/checker.ts'
import type { UnchangedStretch } from './scaling-events-sink.ts'

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
  /** Users that the load pattern requested, and users that were connected. */
  readonly requestedLoad: number
  readonly load: number
  /** Servers desired (starting + ready), and those that were ready. */
  readonly servers: number
  readonly readyServers: number
  /** Messages sent since the run began. */
  readonly messages: number
  /** Time that servers existed since the run began, seconds. */
  readonly serverSeconds: number
  /** Busy share of the concurrency of ready servers since the sample before, 0–1. */
  readonly utilization?: number
  /** Messages rejected, and users moved to another server, since the run began. */
  readonly rejected?: number
  readonly moved?: number
  /** Of the messages since the sample before; absent when there were none. */
  readonly latency?: Pick<LatencySummary, 'p50Ms' | 'p95Ms' | 'p99Ms'>
}

/** How a run was set up, as far as its report needs it. */
export interface RunSetup {
  /** What the load was. */
  readonly load: string
  /** The policy in charge at the end, and what it was made from; the latter is absent when it was made in code. */
  readonly policy: string
  readonly policySpec?: PolicySpec
  /** Users that the policy lets one server hold, where it reckons in users. */
  readonly usersPerServer?: number
  /** Seconds between two decisions. */
  readonly interval: number
  readonly minServers: number
  readonly maxServers: number
  readonly strategy: StrategyName
  readonly routing: 'sticky' | 'message'
  /** The clock of the recording, or of the world: absent where a run has only seconds since its start. */
  readonly clock?: RecordedClock
}

/** What a run amounted to; the same for a simulated and a live one. */
export interface RunResult {
  /** Seconds that were run; less than requested when the run was stopped. */
  readonly duration: number
  readonly seed: number | string
  /** Whether the run was stopped before its end. */
  readonly interrupted: boolean
  /** Messages, of these the processed ones, and those that a full or absent server rejected. */
  readonly totalMessages: number
  readonly processedMessages: number
  readonly rejectedMessages: number
  /** Processed messages per second. */
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
  /** The decisions between them that changed nothing, joined to stretches; the first 5,000. */
  readonly unchanged: readonly UnchangedStretch[]
  /** Why nothing was scaled, when nothing was. */
  readonly nothingScaledBecause?: string
  readonly samples: readonly Sample[]
  readonly setup: RunSetup
  /** Median time from launch to ready of the servers that were launched, seconds; absent when none was. */
  readonly provisioningDelay?: number
  /** Only of a live run. */
  readonly live?: LiveReport
}
