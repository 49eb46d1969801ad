import { createHash, randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { inTime } from '../../../base/in-time.ts'
import type { Durability } from '../../../protocol/messages.ts'
import { roomToken } from '../nats/record.ts'
import {
  type Append,
  type Appended,
  type LogEntry,
  LogOverloaded,
  type LogPage,
  LogUnavailable,
  PAGE_BYTES,
  type RoomListener,
  type RoomLog,
  type RoomRange,
} from '../room-log.ts'
import type { RedisConnection } from './connection.ts'
import { APPEND } from './scripts.ts'
import { RoomSubscription } from './subscription.ts'

export interface RedisRoomLogOptions {
  /** Prefix of all keys and channels: two services may share a server; default concertina. */
  name?: string | undefined
  /** Seconds for which a message that is sent again is recognized; default 3600. */
  windowSeconds?: number | undefined
  /** Messages that a room keeps, or a few more; default 10,000. 0 keeps all. */
  maxMessages?: number | undefined
  /** Seconds after which messages may be dropped; never by default. */
  maxAgeSeconds?: number | undefined
  /** Replicas that must have a message before it is acknowledged (`WAIT`); default 0. */
  replicas?: number | undefined
  /** Seconds after which an append that could not be stored rejects; default 8. */
  giveUpSeconds?: number | undefined
}

/** Appends that may wait in one process. */
const MAX_WAITING = 100_000
const RETRY_MS = 100
const WAIT_MS = 1000
const READ_SECONDS = 3
/** Entries that are read at once. */
const BATCH = 200
/** Each subscribed room is checked once in this many seconds for a last entry that was missed. */
const CHECK_SECONDS = 30
const SHA = createHash('sha1').update(APPEND).digest('hex')

type StreamEntry = [id: string, fields: string[]]

/**
 * Rooms in Redis: one stream per room, appended to by one script that drops repetitions, gives the place, stores and publishes.
 * Redis has no quorum: a fail-over may lose messages that were acknowledged.
 */
export class RedisRoomLog implements RoomLog {
  readonly epoch: string
  readonly durability: Durability
  readonly #redis: RedisConnection
  readonly #options: Required<Omit<RedisRoomLogOptions, 'name'>>
  readonly #name: string
  readonly #rooms = new Map<string, RoomSubscription>()
  readonly #sweep: NodeJS.Timeout
  #turn = 0
  #waiting = 0
  #closed = false

  /** The connection is still the caller's. */
  static async open(redis: RedisConnection, options: RedisRoomLogOptions = {}): Promise<RedisRoomLog> {
    const { name = 'concertina', replicas = 0 } = options
    const key = `${name}:epoch`
    await redis.commands.set(key, randomUUID(), 'NX')
    const epoch = (await redis.commands.get(key))!
    return new RedisRoomLog(redis, epoch, await durabilityOf(redis, replicas), options)
  }

  private constructor(
    redis: RedisConnection,
    epoch: string,
    durability: Durability,
    options: RedisRoomLogOptions,
  ) {
    const { name = 'concertina', windowSeconds = 3600, maxMessages = 10_000, maxAgeSeconds = 0 } = options
    const { replicas = 0, giveUpSeconds = 8 } = options
    this.epoch = epoch
    this.durability = durability
    this.#redis = redis
    this.#name = name
    this.#options = { windowSeconds, maxMessages, maxAgeSeconds, replicas, giveUpSeconds }
    redis.onResubscribed(() => {
      for (const room of this.#rooms.values()) void room.check()
    })
    this.#sweep = setInterval(() => this.#everySecond(), 1000)
  }

  /** What belongs to a room is on one node of a cluster: its name is the hash tag. */
  #key(room: string, kind: string): string {
    return `${this.#name}:{${roomToken(room)}}:${kind}`
  }

  async append(message: Append): Promise<Appended> {
    if (this.#waiting >= MAX_WAITING) throw new LogOverloaded('too many messages wait for the broker', 1000)
    this.#waiting++
    try {
      return await this.#append(message)
    } finally {
      this.#waiting--
    }
  }

  async #append({ room, user, id, body, extras }: Append): Promise<Appended> {
    const { windowSeconds, maxMessages, maxAgeSeconds, giveUpSeconds } = this.#options
    const more = extras === undefined ? '' : JSON.stringify(extras).slice(1, -1)
    const keys = [
      this.#key(room, `id:${user}\u0000${id}`),
      this.#key(room, 'last'),
      this.#key(room, 'log'),
    ] as const
    const args = [
      this.#key(room, 'live'),
      windowSeconds,
      maxMessages,
      maxAgeSeconds,
      `{"type":"message","room":${JSON.stringify(room)},"seq":`,
      `,"user":${JSON.stringify(user)},"id":${JSON.stringify(id)},"body":${JSON.stringify(body)},"time":`,
      more === '' ? '}' : `,${more}}`,
      this.#redis.publishing,
    ] as const
    const until = performance.now() + giveUpSeconds * 1000
    // Every attempt but the first may find what an earlier one has stored, whose answer was lost.
    for (let again = false; ; again = true) {
      try {
        if (this.#closed) throw new Error('the room log is closed')
        const [seq, known] = (await this.#redis.commands
          .evalsha(SHA, keys.length, ...keys, ...args)
          .catch((error: Error) => {
            if (!error.message.startsWith('NOSCRIPT')) throw error
            return this.#redis.commands.eval(APPEND, keys.length, ...keys, ...args)
          })) as [string, number]
        await this.#replicated(keys[0])
        return { seq: Number(seq), duplicate: known === 1 && !again }
      } catch (error) {
        if (this.#closed || performance.now() > until) throw new LogUnavailable((error as Error).message)
        await sleep(RETRY_MS)
      }
    }
  }

  /**
   * Waits for the replicas of the master that has a message, on the connection that wrote there last. The write finds out whether the
   * message is still there, after a fail-over.
   */
  async #replicated(idKey: string): Promise<void> {
    const { replicas, windowSeconds } = this.#options
    if (replicas === 0) return
    const answers = await this.#redis.commands
      .pipeline([
        ['expire', idKey, windowSeconds],
        ['wait', replicas, WAIT_MS],
      ])
      .exec()
    const [[failed, kept], [, reached]] = answers as [[Error | null, number], [unknown, number]]
    if (failed) throw failed
    if (kept !== 1) throw new Error('the message went with the master that had it')
    if (!(reached >= replicas)) throw new Error(`only ${reached} of ${replicas} replicas have the message`)
  }

  read(room: string, after: number, limit: number): Promise<LogPage> {
    return this.#reading(async () => {
      const range = await this.range(room)
      if (after >= range.head) return { ...range, entries: [] }
      const entries = await this.#page(limit, after, (at, count) =>
        this.#redis.commands.xrange(this.#key(room, 'log'), `(${at}-0`, '+', 'COUNT', count),
      )
      return { ...range, head: Math.max(range.head, entries.at(-1)?.seq ?? 0), entries }
    })
  }

  readBefore(room: string, before: number, limit: number): Promise<LogPage> {
    return this.#reading(async () => {
      const range = await this.range(room)
      const entries = await this.#page(limit, Math.min(before, range.head + 1), (at, count) =>
        this.#redis.commands.xrevrange(this.#key(room, 'log'), `(${at}-0`, '-', 'COUNT', count),
      )
      return { ...range, entries: entries.reverse() }
    })
  }

  /** Entries from `from` on as `next` gives them, up to the bounds of a page. */
  async #page(
    limit: number,
    from: number,
    next: (at: number, count: number) => Promise<StreamEntry[]>,
  ): Promise<LogEntry[]> {
    const entries: LogEntry[] = []
    let bytes = 0
    while (entries.length < limit && bytes < PAGE_BYTES) {
      const batch = await next(entries.at(-1)?.seq ?? from, Math.min(BATCH, limit - entries.length))
      if (batch.length === 0) break
      for (const entry of batch.map(entryOf)) {
        if (bytes >= PAGE_BYTES) break
        entries.push(entry)
        bytes += entry.payload.length
      }
    }
    return entries
  }

  /** Reads, over a connection that is lost for a moment, too. */
  async #reading<T>(read: () => Promise<T>): Promise<T> {
    for (const until = performance.now() + READ_SECONDS * 1000; ; await sleep(RETRY_MS)) {
      try {
        return await read()
      } catch (error) {
        if (this.#closed || performance.now() > until) throw new LogUnavailable((error as Error).message)
      }
    }
  }

  /** Where the readable part of a room begins and ends. */
  async range(room: string): Promise<RoomRange> {
    const [last, oldest] = await Promise.all([
      this.#redis.commands.get(this.#key(room, 'last')),
      this.#redis.commands.xrange(this.#key(room, 'log'), '-', '+', 'COUNT', 1),
    ])
    const head = Number(last ?? 0)
    return { first: oldest[0] ? entryOf(oldest[0]).prevSeq + 1 : head + 1, head }
  }

  async subscribe(room: string, listener: RoomListener): Promise<RoomRange> {
    this.#rooms.get(room)?.close()
    const subscription = new RoomSubscription(room, listener, this)
    this.#rooms.set(room, subscription)
    const { inForce, stop } = this.#redis.subscribe(this.#key(room, 'live'), (text) =>
      subscription.onLive(text),
    )
    subscription.stop = stop
    try {
      await inTime(inForce, READ_SECONDS * 1000)
      const range = await this.#reading(() => this.range(room))
      subscription.begin(range.head)
      return range
    } catch (error) {
      if (this.#rooms.get(room) === subscription) this.unsubscribe(room)
      throw error instanceof LogUnavailable ? error : new LogUnavailable((error as Error).message)
    }
  }

  unsubscribe(room: string): void {
    this.#rooms.get(room)?.close()
    this.#rooms.delete(room)
  }

  /** Deletes all messages of a room; the places of later ones are higher. */
  async deleteRoom(room: string): Promise<void> {
    await this.#redis.commands.del(this.#key(room, 'log'))
  }

  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#sweep)
    for (const room of this.#rooms.values()) room.close()
    this.#rooms.clear()
  }

  #everySecond(): void {
    const all = [...this.#rooms.values()]
    const share = Math.ceil(all.length / CHECK_SECONDS)
    const start = this.#turn % Math.max(1, all.length)
    this.#turn = start + share
    for (const room of all.slice(start, start + share)) void room.check()
  }
}

function entryOf([id, [, prevSeq, , json]]: StreamEntry): LogEntry {
  return { seq: Number.parseInt(id, 10), prevSeq: Number(prevSeq), payload: Buffer.from(json!) }
}

/** What an acknowledgement is worth: what all servers that take writes are configured to, as far as they say so. */
async function durabilityOf(redis: RedisConnection, replicas: number): Promise<Durability> {
  if (replicas > 0) return 'replicated'
  try {
    const configs = await Promise.all(
      redis.masters().map((master) => master.call('CONFIG', 'GET', 'append*') as Promise<string[]>),
    )
    const onDisk = configs.every((config) => {
      const value = (name: string) => config[config.indexOf(name) + 1]
      return value('appendonly') === 'yes' && value('appendfsync') === 'always'
    })
    return onDisk ? 'disk' : 'memory'
  } catch {
    return 'memory'
  }
}
