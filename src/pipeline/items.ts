import type { Server } from '../fleet/server.ts'

/** A control interval has passed. */
export interface Tick {
  readonly kind: 'tick'
  /** Seconds since the run began. */
  readonly time: number
  /** Concurrent users the load pattern asks for, and those there are. */
  readonly requestedLoad: number
  readonly load: number
  /** Messages sent since the run began. */
  readonly messages: number
  /** The time of day, seconds since 1970, on a fleet that serves. */
  readonly wallTime?: number
  /** Why `load` is not all of it: servers that do not report, users who lost their connection. */
  readonly incomplete?: string
}

/** A user came or went. A user's number is used again after it left. */
export interface MembershipItem {
  readonly kind: 'join' | 'leave'
  readonly time: number
  readonly user: number
  readonly room: number
}

/** A user sent something: the "request" of the pipeline. */
export interface UserMessage {
  readonly kind: 'message'
  readonly time: number
  readonly user: number
  readonly room: number
}

/** What `UserTrafficSource` produces, in order of time. Each item is valid until the next one. */
export type TrafficItem = Tick | MembershipItem | UserMessage

/** What load a policy expects. */
export interface Forecast {
  /** When, seconds since the run began. */
  readonly time: number
  /** Users. */
  readonly expected: number
  /** The bounds between which the load is with probability `confidence`. */
  readonly low: number
  readonly high: number
  /** 0–1 */
  readonly confidence: number
}

/** What kept the fleet from the size that the policy desired. */
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
  /** What the policy desired, before the limits. */
  readonly desired: number
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

/** A tick with what was decided at it. */
export interface ScaledTick extends Tick {
  readonly decision: Decision
  /** Desired servers (starting + ready), and ready ones, after the decision. */
  readonly servers: number
  readonly readyServers: number
}

/** What leaves the autoscaler. */
export type ScaledItem = ScaledTick | MembershipItem | UserMessage

/** A message and the server that handles it; undefined when none was ready. */
export interface RoutedMessage extends UserMessage {
  readonly server: Server | undefined
}

/** What leaves the load balancer. */
export type RoutedItem = ScaledTick | MembershipItem | RoutedMessage

/** A message with its outcome. */
export interface ProcessedMessage extends RoutedMessage {
  /** No server was ready, or its queue was full. */
  readonly rejected: boolean
  /** Seconds it waits for a slot, and seconds of work; 0 when rejected. */
  readonly wait: number
  readonly service: number
}

/** What leaves the request processor. */
export type ProcessedItem = ScaledTick | MembershipItem | ProcessedMessage
