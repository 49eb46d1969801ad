import { ExpectedError } from '../base/errors.ts'
import type { Roster } from './hub/hub-protocol.ts'
import type { RoomListener, RoomLog, RoomRange } from './log/room-log.ts'

/** Receives what is sent to a room's members beside its messages: presence and typing, as JSON. */
export type RoomEvent = (room: string, kind: 'presence' | 'typing', line: Buffer) => void

/** The user sent more than the fleet allows, over all its servers; the same append may be tried again after `retryMs`. */
export class RateLimited extends ExpectedError {
  override readonly name = 'RateLimited'
  readonly retryMs: number

  constructor(retryMs: number) {
    super('too many messages')
    this.retryMs = retryMs
  }
}

/**
 * What a chat server shares with the other servers of its fleet: the room log, and beside it presence and typing, which may be
 * lost. On one machine it is the line to the hub, which may reject an append with `RateLimited`; on many it is a broker.
 */
export interface ChatLink extends RoomLog {
  subscribe(room: string, listener: RoomListener): Promise<RoomRange & { roster: Roster }>
  /** The first connection of `user` in `room` on this server came, or the last one left. */
  present(room: string, user: string, here: boolean): void
  typing(room: string, user: string): void
  /**
   * Takes a place in a room of at most `maxMembers` users for a user who is about to join, unless the user has one; returns whether
   * there was one. `present` with `false` gives it back. Where the servers share no such count, each goes by what it knows.
   */
  takePlace?(room: string, user: string, maxMembers: number): Promise<boolean>
  /**
   * Milliseconds after which to try again when an append would be rejected as overloaded now: asked first, because rejecting
   * has to cost far less than accepting.
   */
  overload?(): number | undefined
  /** Appends that are not answered yet. */
  readonly pending: number
}
