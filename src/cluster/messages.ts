import type { ServerReport } from '../live/messages.ts'
import type { FollowRooms } from '../live/rebalance.ts'

/** What each chat server reports of itself on the bus, every second and at each change of its state. */
export interface ServerStatus {
  /** Names the process: the provider's name of it (a pod's), or generated. */
  readonly ref: string
  /** Its number in `welcome`, and in the query of clients who are asked to move to it. */
  readonly number: number
  readonly state: 'ready' | 'draining' | 'stopped'
  readonly host: string
  readonly pid: number
  /** Where it listens. */
  readonly url: string
  /** Whether clients can reach it there by itself, past any load balancer. */
  readonly direct: boolean
  /** Newcomers it has handed on to other servers so far, since it was above its target. */
  readonly handedOn: number
  /** How many more connections it may have; a server of an older version does not say. */
  readonly free?: number
  /** Why its machine will probably be gone soon, where that is known: it is to be replaced. */
  readonly ending?: string | undefined
  readonly report: ServerReport
}

/** What a controller asks of one server. */
export type ServerCommand =
  /** Move the users elsewhere, and end. */
  | { type: 'drain'; seconds: number }
  /** Move the users elsewhere and accept no others, until the platform ends the process. */
  | { type: 'empty'; seconds: number }
  /** The platform does not end it: accept users again. */
  | { type: 'serve' }
  /** `url` where the receiving server can be reached directly. */
  | { type: 'rebalance'; count: number; to: number; url?: string; seconds: number }

/** What the leading controller publishes every second. */
export interface Targets {
  /** Servers that reject users who were asked to move to another one, as they have their share, or every room has its server. */
  readonly above: readonly string[]
  /** For each of its servers, when users are to follow their rooms. */
  readonly follow?: FollowRooms | undefined
}

export const STATUS_TOPIC = 'status'
export const TARGETS_TOPIC = 'targets'
export const commandTopic = (ref: string): string => `command.${Buffer.from(ref).toString('hex')}`
