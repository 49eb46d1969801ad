import type { Durability } from '../../protocol/messages.ts'
import type { Authenticator } from '../auth/authenticator.ts'
import type { Append, Appended, RoomLog } from '../log/room-log.ts'
import type { ChatLimits } from '../options.ts'
import type { Room } from '../rooms/room.ts'
import type { WriteBatcher } from './outbox.ts'
import type { RateLimiter } from './rate-limit.ts'
import type { Session } from './session.ts'
import type { WorkSlots } from './work-slots.ts'

/** What a connection needs of its server. */
export interface ServerContext {
  readonly server: number
  readonly epoch: string
  readonly durability: Durability
  readonly limits: Required<ChatLimits>
  readonly auth: Authenticator
  readonly rates: RateLimiter
  readonly slots: WorkSlots | undefined
  readonly turn: WriteBatcher
  readonly log: RoomLog
  /** The window in which clients shall come again after a lost connection, milliseconds. */
  retryMs(): [number, number]
  append(message: Append): Promise<Appended>
  /** The room, once this server hears of it; to be paired with `left`. */
  enter(name: string): Promise<Room>
  left(room: Room): void
  /** A connection of `user` came into the room or went. */
  present(room: string, user: string, here: boolean): void
  typing(room: string, user: string): void
  closed(connection: Session): void
  /** A message was acknowledged, so many seconds after it came. */
  acked(seconds: number): void
  count(what: 'refused' | 'behind' | 'slowClosed' | 'resumed'): void
}
