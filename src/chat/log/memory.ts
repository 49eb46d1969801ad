import { randomInt, randomUUID } from 'node:crypto'
import { requireNumber } from '../../base/errors.ts'
import { requireKnown } from '../../base/known-keys.ts'
import type { RoomMessage } from '../../protocol/messages.ts'
import { isSameId, RecentIds } from './recent-ids.ts'
import {
  type Append,
  type Appended,
  encodeMessage,
  type LogEntry,
  type LogPage,
  PAGE_BYTES,
  type RoomListener,
  type RoomLog,
  type RoomRange,
} from './room-log.ts'

/** Rooms in this process's memory, the last `keep` messages of each (default 10,000). */
export class MemoryRoomLog implements RoomLog {
  readonly epoch = randomUUID()
  readonly durability = 'memory'
  readonly #keep: number
  readonly #rooms = new Map<string, { first: number; entries: LogEntry[] }>()
  readonly #ids = new RecentIds({ high: randomInt(2 ** 31), low: randomInt(2 ** 31) })
  readonly #listeners = new Map<string, RoomListener>()

  constructor(options: { keep?: number } = {}) {
    requireKnown('', options, { keep: true })
    this.#keep = requireNumber('keep', options.keep ?? 10_000, { min: 1, integer: true })
  }

  #room(name: string) {
    let room = this.#rooms.get(name)
    if (!room) {
      room = { first: 1, entries: [] }
      this.#rooms.set(name, room)
    }
    return room
  }

  #range(name: string): RoomRange {
    const room = this.#rooms.get(name)
    return room ? { first: room.first, head: room.first + room.entries.length - 1 } : { first: 1, head: 0 }
  }

  async append(message: Append): Promise<Appended> {
    const hash = this.#ids.hash(message)
    const known = this.#ids.get(hash)
    if (known !== undefined && this.#isSame(message, known)) return { seq: known, duplicate: true }
    const room = this.#room(message.room)
    const seq = room.first + room.entries.length
    const entry = { seq, prevSeq: seq - 1, payload: encodeMessage(message, seq, Date.now()) }
    room.entries.push(entry)
    this.#ids.set(hash, seq)
    if (room.entries.length >= 2 * this.#keep) {
      room.first += room.entries.length - this.#keep
      room.entries = room.entries.slice(-this.#keep)
    }
    this.#listeners.get(message.room)?.(message.room, entry)
    return { seq, duplicate: false }
  }

  /** Whether the message at `seq` is this one; one that is no longer kept counts as the same. */
  #isSame(message: Append, seq: number): boolean {
    const room = this.#rooms.get(message.room)
    if (!room || seq >= room.first + room.entries.length) return false
    const entry = room.entries[seq - room.first]
    return !entry || isSameId(JSON.parse(entry.payload.toString()) as RoomMessage, message)
  }

  async read(name: string, after: number, limit: number): Promise<LogPage> {
    const { first, head } = this.#range(name)
    const entries: LogEntry[] = []
    let bytes = 0
    for (
      let seq = Math.max(after + 1, first);
      seq <= head && entries.length < limit && bytes < PAGE_BYTES;
      seq++
    ) {
      const entry = this.#room(name).entries[seq - first]!
      entries.push(entry)
      bytes += entry.payload.length
    }
    return { first, head, entries }
  }

  async readBefore(name: string, before: number, limit: number): Promise<LogPage> {
    const { first, head } = this.#range(name)
    const entries: LogEntry[] = []
    let bytes = 0
    for (
      let seq = Math.min(before - 1, head);
      seq >= first && entries.length < limit && bytes < PAGE_BYTES;
      seq--
    ) {
      const entry = this.#room(name).entries[seq - first]!
      entries.push(entry)
      bytes += entry.payload.length
    }
    return { first, head, entries: entries.reverse() }
  }

  async subscribe(room: string, listener: RoomListener): Promise<RoomRange> {
    this.#listeners.set(room, listener)
    return this.#range(room)
  }

  unsubscribe(room: string): void {
    this.#listeners.delete(room)
  }

  async close(): Promise<void> {
    this.#listeners.clear()
  }
}
