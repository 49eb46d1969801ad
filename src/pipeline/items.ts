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
}

/** A user came or went. Numbers of users are used again after they left. */
export interface MembershipItem {
  readonly kind: 'join' | 'leave'
  readonly time: number
  readonly user: number
  readonly room: number
}

/** A user said something: the "request" of the pipeline. */
export interface UserMessage {
  readonly kind: 'message'
  readonly time: number
  readonly user: number
  readonly room: number
}

/** What `UserTrafficSource` produces, in order of time. Each item is valid until the next one. */
export type TrafficItem = Tick | MembershipItem | UserMessage
