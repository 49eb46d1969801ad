import { setTimeout as sleep } from 'node:timers/promises'
import type { RoomListener } from '../room-log.ts'
import type { Nats } from './connection.ts'
import { readDirect, readUntil } from './reads.ts'
import { entriesOf, type StoredRecord } from './record.ts'

/** What the feed needs of its room. */
interface FedRoom {
  readonly name: string
  readonly stream: string
  readonly subject: string
  /** Sequence of the last record that the room knows; of use once its end was `loaded`. */
  readonly sequence: number
  readonly loaded: boolean
  /** Remembers a record that follows the last known one. */
  learn(stored: StoredRecord): void
}

const FILL_RETRY_MS = 200

/** Passes what a room stores to its listener, in order, none left out: a gap in the live records is filled from the stream. */
export class RoomFeed {
  readonly #room: FedRoom
  readonly #nats: Nats
  #listener: RoomListener | undefined
  /** Sequence up to which the listener was notified. */
  #delivered = 0
  #live: { stored: StoredRecord; before: number }[] = []
  #filling = false

  constructor(room: FedRoom, nats: Nats) {
    this.#room = room
    this.#nats = nats
  }

  get open(): boolean {
    return this.#listener !== undefined
  }

  /** Whether the listener was notified of all that is known. */
  get complete(): boolean {
    return this.open && !this.#filling
  }

  /** Begins to notify the listener: of everything after what the room knows now. */
  begin(listener: RoomListener): void {
    this.#listener = listener
    this.#delivered = this.#room.sequence
    this.#deliver()
  }

  end(): void {
    this.#listener = undefined
  }

  /** A record that was stored just now; `before` is the room's record before it. */
  onLive(stored: StoredRecord, before: number): void {
    if (!this.#listener) return
    this.#live.push({ stored, before })
    if (!this.#filling && this.#room.loaded) this.#deliver()
  }

  /** Looks whether the listener missed a record that nothing followed. */
  async check(): Promise<void> {
    const { stream, subject, loaded } = this.#room
    if (!this.complete || !loaded) return
    const last = await readDirect(this.#nats, stream, { last_by_subj: subject })
    if (last && last.sequence > this.#delivered && !this.#filling) void this.#fill(last)
  }

  #deliver(): void {
    for (let next = this.#live[0]; next; next = this.#live[0]) {
      if (next.before > this.#delivered && next.stored.sequence > this.#delivered) {
        void this.#fill(next.stored)
        return
      }
      this.#live.shift()
      this.#notify(next.stored)
    }
  }

  #notify(stored: StoredRecord): void {
    if (stored.sequence <= this.#delivered) return
    this.#delivered = stored.sequence
    for (const entry of entriesOf(this.#room.name, stored.record)) this.#listener?.(this.#room.name, entry)
  }

  /** Passes the listener what it missed, up to a record. */
  async #fill(last: StoredRecord): Promise<void> {
    const room = this.#room
    this.#filling = true
    while (this.#listener && this.#delivered < last.sequence) {
      try {
        await readUntil(this.#nats, room, { after: this.#delivered, last }, (stored) => {
          if (room.loaded && room.sequence === this.#delivered) room.learn(stored)
          this.#notify(stored)
        })
        this.#notify(last)
      } catch {
        await sleep(FILL_RETRY_MS)
      }
    }
    this.#filling = false
    if (this.#listener) this.#deliver()
    else this.#live = []
  }
}
