import { randomUUID } from 'node:crypto'
import type { RoomMessage, UnreadRoom } from '../../protocol/messages.ts'
import { SYSTEM_PREFIX } from '../access/moderation-log.ts'
import type { RoomLog } from '../log/room-log.ts'
import { RecentChanges } from './recent-changes.ts'

/** Up to here a user has read a room; or all such places of the user, as they were at the place `upTo` of the log. */
type Entry =
  | { readonly room: string; readonly seq: number }
  | { readonly all: readonly (readonly [room: string, seq: number])[]; readonly upTo: number }

const PAGE = 200
/** Markers that are read one by one before they are written again as a whole. */
const MAX_SINGLE = 100
/** Rooms of a user whose markers are kept; the ones marked last. */
const MAX_ROOMS = 500
/** Messages that are counted as unread; more are not looked for. */
const MAX_COUNTED = 100

const markersRoom = (user: string): string => `${SYSTEM_PREFIX}read/${user}`

/** How far each user has read each room: a log per user, which any server can read. */
export class ReadMarkers {
  readonly #log: RoomLog
  readonly #changes = new RecentChanges()

  constructor(log: RoomLog) {
    this.#log = log
  }

  /** The user has read the room up to the place `seq`; of several marks the highest counts. */
  mark(user: string, room: string, seq: number): Promise<unknown> {
    return this.#append(user, { room, seq })
  }

  #append(user: string, entry: Entry): Promise<unknown> {
    return this.#log.append({
      room: markersRoom(user),
      user,
      id: randomUUID(),
      body: JSON.stringify(entry),
    })
  }

  /** The places up to which a user has read rooms, the one marked last first. */
  async of(user: string): Promise<ReadonlyMap<string, number>> {
    const places = new Map<string, number>()
    const raise = (room: string, seq: number) => places.set(room, Math.max(seq, places.get(room) ?? 0))
    let newest = 0
    let single = 0
    /** What was written up to here is in a later entry. */
    let done = 0
    for (let before = Number.MAX_SAFE_INTEGER; ; ) {
      const { entries } = await this.#log.readBefore(markersRoom(user), before, PAGE)
      for (const { seq, payload } of [...entries].reverse()) {
        newest = Math.max(newest, seq)
        if (seq <= done) continue
        const { body } = JSON.parse(payload.toString()) as RoomMessage
        const entry = JSON.parse(body) as Entry
        if ('all' in entry) {
          for (const [room, place] of entry.all) raise(room, place)
          done = Math.max(done, entry.upTo)
        } else {
          raise(entry.room, entry.seq)
          single++
        }
      }
      const oldest = entries[0]?.seq
      if (oldest === undefined || oldest <= done + 1) break
      before = oldest
    }
    if (single > MAX_SINGLE) await this.#append(user, { all: [...places].slice(0, MAX_ROOMS), upTo: newest })
    return places
  }

  /** What a user has not read yet of a room: the messages of others, without edits, deleted ones and reactions. */
  async unread(user: string, room: string, read: number): Promise<UnreadRoom> {
    const changes = this.#changes.of(room)
    const [{ entries, head }] = await Promise.all([
      this.#log.read(room, read, MAX_COUNTED),
      changes.refresh(this.#log),
    ])
    const messages = entries
      .filter(({ seq }) => !changes.isDeleted(seq))
      .map(({ payload }) => JSON.parse(payload.toString()) as RoomMessage)
      .filter((each) => each.user !== user && each.edits === undefined && each.deletes === undefined)
      .filter(({ data }) => data?.reaction === undefined)
    const mentions = messages.filter(({ data }) => (data?.mentions as string[] | undefined)?.includes(user))
    return { room, read, head, unread: messages.length, mentions: mentions.length }
  }
}
