import type { Durability } from '../../protocol/messages.ts'
import type { Append } from '../log/room-log.ts'

/**
 * What a chat server and the hub say to each other, a line each. A line that begins with `{` is told to a room's members
 * as it stands (a message, presence, typing); one that begins with `[` is one of these.
 */
export type ToHub =
  | ['append', request: number, message: Append]
  | ['read', request: number, room: string, after: number, limit: number]
  | ['readBefore', request: number, room: string, before: number, limit: number]
  | ['subscribe', request: number, room: string]
  | ['unsubscribe', room: string]
  | ['here', room: string, user: string]
  | ['gone', room: string, user: string]
  | ['typing', room: string, user: string]

export type FromHub =
  | ['hello', epoch: string, durability: Durability]
  | ['appended', request: number, seq: number, duplicate: boolean]
  | ['refused', request: number, message: string, retryMs?: number]
  | [
      'page',
      request: number,
      first: number,
      head: number,
      entries: [seq: number, prevSeq: number, payload: string][],
    ]
  | ['subscribed', request: number, first: number, head: number, roster: Roster]

/** Who is in a room; names only where there are few. */
export interface Roster {
  readonly members: number
  readonly users?: readonly string[]
}

/** Rooms with more members than this tell only how many there are. */
export const NAMED_MEMBERS = 100
