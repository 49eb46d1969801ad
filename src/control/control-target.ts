import type { StrategyName } from '../balancing/strategy-names.ts'
import type { ServerState } from '../fleet/server.ts'
import type { Decision, Forecast } from '../pipeline/items.ts'
import type { PolicySpec } from '../scaling/policies.ts'
import type { Alert } from './alerts.ts'

/** One server as people see it. */
export interface ServerSnapshot {
  readonly id: number
  readonly state: ServerState
  readonly users: number
  readonly messagesPerSecond: number
  /** Shares of a core, bytes, shares of time; absent when they were not measured. */
  readonly cpu?: number
  readonly memoryBytes?: number
  readonly eventLoopUtilization?: number
  readonly latencyP99Ms?: number
}

/** A fleet at one moment. */
export interface FleetSnapshot {
  /** Seconds since the run began. */
  readonly time: number
  /** Of time 0, milliseconds since 1970, on a fleet whose clock is the world's. */
  readonly startMs?: number
  /** Whether it is a chat, whose rooms and users can be administrated; else absent. */
  readonly hasChat?: true
  /** Rooms with members, where they are known. */
  readonly rooms?: number
  /** Messages that were rejected so far, where they are counted. */
  readonly rejected?: number
  /** Seconds between two decisions, and the median from launch to ready of the servers that were started. */
  readonly interval: number
  readonly provisioningDelay?: number
  readonly load: number
  readonly requestedLoad: number
  /** Desired servers, and ready ones. */
  readonly size: number
  readonly ready: number
  readonly servers: readonly ServerSnapshot[]
  readonly messagesPerSecond: number
  readonly deliveriesPerSecond: number
  readonly latency: { readonly p50Ms: number; readonly p95Ms: number; readonly p99Ms: number }
  readonly policy: string
  /** What the policy was made from; absent when it was made in code. */
  readonly policySpec?: PolicySpec
  /** Users that the policy lets one server hold, where it reckons in users. */
  readonly usersPerServer?: number
  /** What was decided last, and why: also when nothing was to be done. */
  readonly decision?: Pick<Decision, 'desired' | 'reason' | 'limitedBy'>
  /** What the policy expected of the load when it decided last, where it looks ahead. */
  readonly forecast?: Forecast
  /** What is wrong now, by the rules for Prometheus. */
  readonly alerts: readonly Alert[]
  /** The policy that decides beside and never acts, and the servers that there would be by it. */
  readonly shadow?: { readonly policy: string; readonly servers: number }
  readonly paused: boolean
  readonly strategy: StrategyName
  readonly limits: { readonly minServers: number; readonly maxServers: number }
  /** Whether the load can be set: only that of virtual users can. */
  readonly loadCanBeSet: boolean
  /** The load that was set by hand. */
  readonly setLoad?: number
}

/** Something that happened, for people: a decision, or a manual action. */
export interface FleetEvent {
  /** Counts from 1. */
  readonly number: number
  readonly time: number
  readonly kind: 'scale' | 'hand' | 'failure'
  readonly text: string
  readonly decision?: Decision
}

/**
 * A fleet that people watch and control. Each action is checked, takes effect at once and becomes an event.
 * All throw {ConcertinaError} INVALID_INPUT when they cannot be done.
 */
export interface ControlTarget {
  snapshot(): FleetSnapshot
  /** Events after that number, oldest first; the last thousand are kept. */
  events(after: number): readonly FleetEvent[]
  /** The last decision at or before a time, and the first after it; seconds since the run began. */
  decisionAt(time: number): { decision?: Decision; next?: Decision }
  /** Passes every event from now on to `listener`. Returns the function that unsubscribes it. */
  onEvent(listener: (event: FleetEvent) => void): () => void
  /** A number of users, or `null` for what the load pattern says. */
  setLoad(users: number | null): void
  setPolicy(spec: PolicySpec): void
  /** Begins a policy that decides beside and never acts; `null` ends it. */
  setShadow(spec: PolicySpec | null): void
  setStrategy(name: StrategyName): void
  pause(paused: boolean): void
  /** Scales to `servers` within the limits, and pauses the autoscaler. */
  setSize(servers: number): void
  drain(id: number): void
  kill(id: number): void
}
