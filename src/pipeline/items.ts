import type { Server } from '../fleet/server.ts'
import type { Decision } from '../scaling/types.ts'

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
