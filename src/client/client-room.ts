import type { ClientMessage, Cursor, RoomMessage } from '../protocol/messages.ts'
import type { SendQueue } from './send-queue.ts'
import type { ServerConnection } from './server-connection.ts'

export interface JoinOptions {
  /** Where an earlier client was; what came since is delivered first. */
  cursor?: Cursor
  /** Without a cursor: how many of the last messages are delivered first; 0. */
  history?: number
}

export interface JoinedRoom {
  readonly room: string
  readonly members: number
  /** Absent in large rooms. */
  readonly users?: readonly string[]
}

/** Milliseconds after which a server that repeats the same gap is asked again. */
const REPAIR_AGAIN_MS = 1000

/** A room as its client follows it: how far it is, and what waits there. */
export class ClientRoom {
  /** The place up to which everything was taken. */
  cursor: Cursor | undefined
  readonly outgoing: SendQueue
  /** Who waits for the room to be joined. */
  readonly #waiting: { resolve(joined: JoinedRoom): void; reject(error: Error): void }[] = []
  readonly #history: number
  /** Links that were asked to join again because of a gap: what they say before that is not taken. */
  readonly #repairing = new Set<ServerConnection>()
  /** Repairs since the last message was taken. */
  #repairs = 0

  constructor(outgoing: SendQueue, { cursor, history = 0 }: JoinOptions) {
    this.outgoing = outgoing
    this.cursor = cursor
    this.#history = history
  }

  /** What asks a server for the room, from where it is. */
  request(room: string): ClientMessage {
    const { cursor } = this
    return cursor ? { type: 'join', room, cursor } : { type: 'join', room, history: this.#history }
  }

  /** Resolves when the room is joined the next time. */
  whenJoined(): Promise<JoinedRoom> {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  /** A server confirmed it on this link, from `cursor` on; gives the place that counts. */
  joined(link: ServerConnection, cursor: Cursor): Cursor {
    this.#repairing.delete(link)
    // Of another epoch our own place means nothing; of the same one, ours is as far or further.
    if (this.cursor?.epoch !== cursor.epoch) this.cursor = cursor
    return this.cursor
  }

  /** Tells everybody who waits for it. */
  tellJoined(joined: JoinedRoom): void {
    for (const { resolve } of this.#waiting.splice(0)) resolve(joined)
  }

  /**
   * Whether the message is the next one: then it is taken.
   * @param repair joins again on the link after so many milliseconds, since something is missing before the message
   */
  take(link: ServerConnection, message: RoomMessage, repair: (afterMs: number) => void): boolean {
    const { cursor } = this
    if (!cursor || !link.joined.has(message.room) || this.#repairing.has(link)) return false
    if (message.seq <= cursor.seq) return false
    if (message.prevSeq > cursor.seq) {
      this.#repairing.add(link)
      repair(this.#repairs++ === 0 ? 0 : REPAIR_AGAIN_MS)
      return false
    }
    this.#repairs = 0
    this.cursor = { epoch: cursor.epoch, seq: message.seq }
    return true
  }

  /** The messages up to `to` will never come; gives the first of them that was still awaited. */
  skip(from: number, to: number): number | undefined {
    const { cursor } = this
    if (!cursor || to <= cursor.seq) return undefined
    this.cursor = { epoch: cursor.epoch, seq: to }
    return Math.max(from, cursor.seq + 1)
  }

  /** A link is gone. */
  lost(link: ServerConnection): void {
    this.#repairing.delete(link)
  }

  /** Everything that waits rejects. */
  fail(error: Error): void {
    this.outgoing.fail(error)
    for (const { reject } of this.#waiting) reject(error)
  }
}
