import type { MessageExtras } from '../../../protocol/messages.ts'
import type { LogEntry } from '../room-log.ts'
import { encodeMessage } from '../room-log.ts'

/** Messages of one record at most. Places rely on it for good: the place of a message is at most this many times its sequence. */
export const RECORD_MESSAGES = 64

/** A message of a record: sender, the sender's id, body, and what it has beside that. */
type RecordedMessage = readonly [user: string, id: string, body: string, extras?: MessageExtras]

/** What one publish stores: messages of one room, in order. */
export interface RoomRecord {
  /** The place of the first message. */
  readonly n: number
  /** When it was published, milliseconds since 1970. */
  readonly t: number
  /** Sequence in the stream of the room's record some 64 records earlier; 0 when there are fewer. */
  readonly b: number
  readonly m: readonly RecordedMessage[]
}

/** A record with its place in the stream. */
export interface StoredRecord {
  readonly sequence: number
  readonly record: RoomRecord
}

export const lastPlace = ({ n, m }: RoomRecord): number => n + m.length - 1

/** The messages of a record as members get them. */
export function entriesOf(room: string, { n, t, m }: RoomRecord): LogEntry[] {
  return m.map(([user, id, body, extras], i) => ({
    seq: n + i,
    prevSeq: n + i - 1,
    payload: encodeMessage({ room, user, id, body, extras }, n + i, t),
  }))
}

const SAFE = /^[A-Za-z0-9_-]$/

/** A room's name as one token of a subject: letters and digits as they are, all else in hexadecimal. */
export function roomToken(room: string): string {
  if (/^[A-Za-z0-9_-]+$/.test(room)) return room
  let token = ''
  for (const character of room) {
    token += SAFE.test(character)
      ? character
      : [...Buffer.from(character)].map((byte) => `=${byte.toString(16).padStart(2, '0')}`).join('')
  }
  return token
}
