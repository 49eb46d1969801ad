import { hash } from '../../../base/rng.ts'
import type { Durability } from '../../../protocol/messages.ts'
import {
  type Append,
  type Appended,
  LogOverloaded,
  type LogPage,
  LogUnavailable,
  type RoomListener,
  type RoomLog,
  type RoomRange,
} from '../room-log.ts'
import type { Nats } from './connection.ts'
import { KnownIds } from './known-ids.ts'
import { rangeOf, readPage, readPageBefore } from './pages.ts'
import { Publisher } from './publisher.ts'
import { type RoomRecord, roomToken } from './record.ts'
import { NatsRoom, type RoomContext } from './room.ts'
import { liveSubject, openStreams, type StreamOptions, storedSubject, streamName } from './stream.ts'

export interface NatsRoomLogOptions extends Partial<StreamOptions> {
  /**
   * Seconds within which a message that is sent again through another process is recognized; 120. (The last 256 records of a
   * room always are; what this process stored or saw itself is for the last 500,000 messages.)
   */
  windowSeconds?: number
  /** Seconds without an answer of the broker after which it is asked what it stored; 1.5. */
  answerSeconds?: number
  /** Seconds after which an append that could not be stored rejects; 8. */
  giveUpSeconds?: number
}

/** Appends that may wait in one process. */
const MAX_WAITING = 100_000
/** Seconds in which each subscribed room is checked once for a last record that was missed, and rooms checked per second at most. */
const CHECK_SECONDS = 30
const MAX_CHECKS = 500

/**
 * Rooms in NATS JetStream: one subject a room, each record the messages of one publish. No process owns a room. Live delivery
 * comes from the stream's own republishing of what it has stored; a gap in it is filled from the stream.
 */
export class NatsRoomLog implements RoomLog {
  readonly epoch: string
  readonly durability: Durability
  readonly publisher: Publisher
  readonly #nats: Nats
  readonly #context: RoomContext
  readonly #name: string
  readonly #streams: number
  readonly #rooms = new Map<string, NatsRoom>()
  readonly #sweep: NodeJS.Timeout
  /** Rooms to be looked at soon. */
  #due: NatsRoom[] = []
  #waiting = 0
  #closed = false

  /** Opens the streams, which it creates where they are missing. The connection stays the caller's. */
  static async open(nats: Nats, options: NatsRoomLogOptions = {}): Promise<NatsRoomLog> {
    const { name = 'concertina', replicas = 3, streams = 1 } = options
    const opened = await openStreams(nats, { ...options, name, replicas, streams })
    return new NatsRoomLog(nats, opened, { ...options, name, streams })
  }

  private constructor(
    nats: Nats,
    { epoch, durability }: { epoch: string; durability: Durability },
    options: NatsRoomLogOptions & { name: string; streams: number },
  ) {
    const { name, streams, windowSeconds = 120, answerSeconds = 1.5, giveUpSeconds = 8 } = options
    this.epoch = epoch
    this.durability = durability
    this.#nats = nats
    this.#name = name
    this.#streams = streams
    this.publisher = new Publisher(nats, answerSeconds * 1000)
    this.#context = { nats, publisher: this.publisher, ids: new KnownIds(), windowSeconds, giveUpSeconds }
    this.#sweep = setInterval(() => this.#everySecond(), 1000)
    void this.#watchConnection()
    for (let index = 0; index < streams; index++) {
      // What the old leader stored and did not publish again is missing here.
      const advisory = `$JS.EVENT.ADVISORY.STREAM.LEADER_ELECTED.${streamName(name, index)}`
      nats.connection.subscribe(advisory, {
        callback: () => {
          this.publisher.forget()
          this.#checkAll()
        },
      })
    }
  }

  #room(name: string): NatsRoom {
    let room = this.#rooms.get(name)
    if (!room) {
      const index = hash(name) % this.#streams
      room = new NatsRoom(
        name,
        storedSubject(this.#name, index, roomToken(name)),
        streamName(this.#name, index),
        this.#context,
      )
      this.#rooms.set(name, room)
    }
    return room
  }

  async append(message: Append): Promise<Appended> {
    if (this.#closed) throw new LogUnavailable('the room log is closed')
    if (this.#waiting >= MAX_WAITING) throw new LogOverloaded('too many messages wait for the broker', 1000)
    this.#waiting++
    try {
      return await this.#room(message.room).append(message)
    } finally {
      this.#waiting--
    }
  }

  read(name: string, after: number, limit: number): Promise<LogPage> {
    return readPage(this.#nats, this.#room(name), after, limit)
  }

  readBefore(name: string, before: number, limit: number): Promise<LogPage> {
    return readPageBefore(this.#nats, this.#room(name), before, limit)
  }

  async subscribe(name: string, listener: RoomListener): Promise<RoomRange> {
    const room = this.#room(name)
    room.unsubscribe?.()
    const index = hash(name) % this.#streams
    const live = this.#nats.connection.subscribe(liveSubject(this.#name, index, roomToken(name)), {
      callback: (error, message) => {
        if (error) return
        room.onLive(
          {
            sequence: Number(message.headers?.get('Nats-Sequence')),
            record: message.json<RoomRecord>(),
          },
          Number(message.headers?.get('Nats-Last-Sequence') ?? 0),
        )
      },
    })
    room.unsubscribe = () => live.unsubscribe()
    try {
      await this.#nats.connection.flush()
      await room.catchUp()
      room.feed.begin(listener)
      const range = await rangeOf(this.#nats, room)
      this.#due.push(room)
      return { first: range.first, head: room.place }
    } catch (error) {
      this.unsubscribe(name)
      throw error instanceof LogUnavailable ? error : new LogUnavailable((error as Error).message)
    }
  }

  unsubscribe(name: string): void {
    const room = this.#rooms.get(name)
    room?.unsubscribe?.()
    if (!room) return
    room.feed.end()
    room.unsubscribe = undefined
  }

  /** Deletes all messages of a room; places continue after the last one. */
  async deleteRoom(name: string): Promise<void> {
    const { stream, subject } = this.#room(name)
    await this.#nats.api(`STREAM.PURGE.${stream}`, { filter: subject })
  }

  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#sweep)
    this.publisher.close()
    for (const room of this.#rooms.values()) {
      room.fail(new LogUnavailable('the room log is closed'))
      room.unsubscribe?.()
      room.feed.end()
    }
    this.#rooms.clear()
  }

  async #watchConnection(): Promise<void> {
    for await (const { type } of this.#nats.connection.status()) if (type === 'reconnect') this.#checkAll()
  }

  #checkAll(): void {
    this.#due = [...this.#rooms.values()].filter((room) => room.feed.open)
  }

  #everySecond(): void {
    const subscribed: NatsRoom[] = []
    const idleSince = performance.now() - this.#context.windowSeconds * 1000
    for (const [name, room] of this.#rooms) {
      if (room.feed.open) subscribed.push(room)
      else if (room.idle && room.usedAt < idleSince) this.#rooms.delete(name)
    }
    const share = Math.ceil(subscribed.length / CHECK_SECONDS)
    const start = this.#turn % Math.max(1, subscribed.length)
    this.#turn += share
    const now = [...this.#due.splice(0, MAX_CHECKS), ...subscribed.slice(start, start + share)]
    for (const room of new Set(now)) room.feed.check().catch(() => this.#due.push(room))
  }

  #turn = 0
}
