import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { Buckets } from '../../../base/buckets.ts'
import { count, type OptionsOf, option, optionSet } from '../../../base/options.ts'
import { Signal } from '../../../base/signal.ts'
import type { RoomMessage } from '../../../protocol/messages.ts'
import { BatchIds, isSameId, type RecentIds } from '../recent-ids.ts'
import {
  type Append,
  type Appended,
  LogOverloaded,
  type LogPage,
  LogUnavailable,
  messageJson,
  type RoomListener,
  type RoomLog,
  type RoomRange,
} from '../room-log.ts'
import { AppendQueue, QueuedAppend } from './append-queue.ts'
import { LogReader } from './log-reader.ts'
import { TERM_PLACES } from './meta.ts'
import { encodeRecords, MAX_PAYLOAD, RECORD_HEAD } from './record.ts'
import type { Damage } from './recovery.ts'
import type { RoomIndex } from './room-index.ts'
import { FolderLost, LogStore } from './store.ts'

const bytes = z.number().int().min(4096)

const embeddedLogOptions = optionSet({
  segmentBytes: option(bytes.max(2 ** 31), 'at which a segment is full', 64 * 2 ** 20),
  retainBytes: option(bytes.max(2 ** 50), 'of all segments together, above which the oldest go', 2 ** 30),
  retainRooms: option(
    count,
    'rooms, each of which costs memory, above which the oldest segment goes',
    1_000_000,
  ),
  queueLimit: option(count, 'appends that may wait for the disk', 50_000),
  maxWaitMs: option(
    z.number().positive(),
    'an append is rejected when the oldest in flight has waited longer, milliseconds',
    500,
  ),
})

/** Options of `EmbeddedRoomLog`. */
export type EmbeddedLogOptions = OptionsOf<typeof embeddedLogOptions.shape>

/** An append of what was appended already, or is earlier in the batch: `of`. */
interface Repeat {
  readonly pending: QueuedAppend
  readonly seq: number
  readonly of: QueuedAppend | undefined
}

/** Bytes of a body as JSON that a record can hold, and characters below which it need not be looked at. */
const MAX_BODY = MAX_PAYLOAD - 8192
const LARGE_BODY = 2 ** 16
/** Upper bounds for the time that the disk takes for a batch, seconds. */
const COMMIT_BOUNDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5]

/**
 * Rooms in segments on this machine's disk. One sequencer gives the places; while one batch is written and synced, the next
 * one gathers (group commit), so that all who wait share the cost of a sync.
 */
export class EmbeddedRoomLog implements RoomLog {
  readonly epoch: string
  readonly durability = 'disk'
  /** What could not be read at the start. */
  readonly damage: readonly Damage[]
  /** Seconds that the disk took to write and sync a batch. */
  readonly commits = new Buckets(COMMIT_BOUNDS)
  readonly #store: LogStore
  readonly #index: RoomIndex
  readonly #reader: LogReader
  readonly #ids: RecentIds
  readonly #listeners = new Map<string, RoomListener>()
  readonly #queue: AppendQueue
  #writing: Promise<void> | undefined
  #closed = false
  #trouble: string | undefined
  /** Why the disk rejects, when it begins to; nothing when it accepts messages again. */
  readonly troubles = new Signal<string | undefined>()
  /** A message that turns out to be damaged as it is read; once for each, up to a bound. */
  readonly damageFound = new Signal<Damage>()

  private constructor(folder: string, store: LogStore, queue: AppendQueue) {
    this.#store = store
    this.#reader = new LogReader(folder, store, (damage) => this.damageFound.emit(damage))
    const { index, ids, damage } = store.recovered
    this.epoch = store.epoch
    this.damage = damage
    this.#index = index
    this.#ids = ids
    this.#queue = queue
    store.keepRoom = (room) => this.#listeners.has(room)
  }

  /**
   * Opens the log in `folder`, which is made when missing. On a disk that is full or read-only it opens for reading, and
   * appends are rejected until they can be written.
   * @throws {ConcertinaError} DATA_IN_USE, FILE_ACCESS or INVALID_INPUT.
   */
  static open(folder: string, options: EmbeddedLogOptions = {}): EmbeddedRoomLog {
    const { queueLimit, maxWaitMs, ...bounds } = embeddedLogOptions.parse(options)
    return new EmbeddedRoomLog(folder, LogStore.open(folder, bounds), new AppendQueue(queueLimit, maxWaitMs))
  }

  /** Bytes on disk. */
  get bytes(): number {
    return this.#store.bytes
  }

  /** `false` where neither the system nor the file system can lock the folder; see `docs/fleet.md`. */
  get isSystemLock(): boolean | undefined {
    return this.#store.isSystemLock
  }

  append(message: Append): Promise<Appended> {
    if (this.#closed) return Promise.reject(new LogUnavailable('the room log is closed'))
    if (message.body.length > LARGE_BODY && Buffer.byteLength(JSON.stringify(message.body)) > MAX_BODY)
      return Promise.reject(new LogUnavailable('the message is too large for the room log'))
    const now = performance.now()
    const retryMs = this.#queue.overload(now)
    if (retryMs !== undefined)
      return Promise.reject(new LogOverloaded('the disk is too slow for this many messages', retryMs))
    return new Promise((resolve, reject) => {
      this.#queue.push(new QueuedAppend(message, this.#ids.hash(message), now, resolve, reject))
      this.#writing ??= this.#writeAll()
    })
  }

  async #writeAll(): Promise<void> {
    await undefined // whatever comes in this turn goes into the first batch
    while (this.#queue.length > 0) {
      const waitMs = this.#closed ? 0 : this.#queue.gatherMs()
      if (waitMs > 0) await sleep(waitMs)
      await this.#writeBatch(this.#queue.nextBatch())
      this.#queue.answered()
    }
    this.#writing = undefined
  }

  async #writeBatch(batch: readonly QueuedAppend[]): Promise<void> {
    let fresh: QueuedAppend[]
    let repeats: Repeat[]
    try {
      ;({ fresh, repeats } = await this.#sequence(batch))
    } catch (error) {
      const unread = new LogUnavailable(`the disk cannot be read (${(error as Error).message})`)
      for (const { reject } of batch) reject(unread)
      return
    }
    let failed: LogUnavailable | undefined
    if (fresh.length > 0) failed = await this.#commit(fresh)
    for (const { pending, seq, of } of repeats) {
      if (of && failed) pending.reject(failed)
      else pending.resolve({ seq, duplicate: true })
    }
  }

  /** Writes messages, answers each, and passes them on; why not, when they could not be kept. */
  async #commit(fresh: readonly QueuedAppend[]): Promise<LogUnavailable | undefined> {
    const time = Date.now()
    const texts: string[] = []
    for (const { message, seq, prevSeq } of fresh) texts.push(messageJson(message, seq, time, prevSeq))
    const { data, payloads } = encodeRecords(texts)
    let offset = 0
    for (let i = 0; i < fresh.length; i++) {
      fresh[i]!.offset = offset
      offset += RECORD_HEAD + payloads[i]!.length
    }
    const began = performance.now()
    let written: { segment: number; offset: number }
    try {
      written = await this.#store.write(data, fresh)
    } catch (error) {
      const { code, message, path } = error as NodeJS.ErrnoException
      const why =
        error instanceof FolderLost
          ? message
          : code === 'ENOSPC'
            ? 'the disk is full'
            : `the disk failed (${code ?? message})`
      this.#queue.answered()
      this.#setTrouble(path === undefined ? why : `${why}: ${path}`)
      const unavailable = new LogUnavailable(why)
      for (const { reject } of fresh) reject(unavailable)
      return unavailable
    }
    this.commits.record((performance.now() - began) / 1000)
    this.#setTrouble(undefined)
    this.#queue.answered()
    for (let i = 0; i < fresh.length; i++) {
      const { message, seq, prevSeq, hash, offset, resolve } = fresh[i]!
      const { room } = message
      this.#index.room(room).add(seq, prevSeq, written.segment, written.offset + offset)
      this.#ids.set(hash, seq)
      resolve({ seq, duplicate: false })
      this.#listeners.get(room)?.(room, { seq, prevSeq, payload: payloads[i]! })
    }
    return undefined
  }

  /** Gives each append its place; one that was appended already, or is earlier in the batch, keeps that one. */
  async #sequence(batch: readonly QueuedAppend[]) {
    const base = this.#store.term * TERM_PLACES
    const heads = new Map<string, number>()
    const here = batch.length > 1 ? new BatchIds(batch.length) : undefined
    const fresh: QueuedAppend[] = []
    const repeats: Repeat[] = []
    for (const pending of batch) {
      const { message, hash } = pending
      const known = this.#ids.get(hash)
      if (known !== undefined && (await this.#isSame(message, known))) {
        repeats.push({ pending, seq: known, of: undefined })
        continue
      }
      const earlier = here?.find(hash, fresh.length) ?? -1
      const twin = earlier < 0 ? undefined : fresh[earlier]
      if (twin && isSameId(twin.message, message)) {
        repeats.push({ pending, seq: twin.seq, of: twin })
        continue
      }
      pending.prevSeq = heads.get(message.room) ?? this.#index.head(message.room)
      pending.seq = Math.max(pending.prevSeq, base) + 1
      heads.set(message.room, pending.seq)
      fresh.push(pending)
    }
    return { fresh, repeats }
  }

  /** Whether the message at `seq` is this one; one that was trimmed is taken for it, one that is damaged is not. */
  async #isSame(message: Append, seq: number): Promise<boolean> {
    const placed = this.#index.find(message.room, seq)
    if (!placed) return seq < this.#index.range(message.room).first
    const [entry] = await this.#reader.entries(message.room, [placed])
    return entry !== undefined && isSameId(JSON.parse(entry.payload.toString()) as RoomMessage, message)
  }

  #setTrouble(why: string | undefined): void {
    if (why === this.#trouble) return
    this.#trouble = why
    this.troubles.emit(why)
  }

  read(room: string, after: number, limit: number): Promise<LogPage> {
    return this.#reader.after(room, after, limit)
  }

  readBefore(room: string, before: number, limit: number): Promise<LogPage> {
    return this.#reader.before(room, before, limit)
  }

  async subscribe(room: string, listener: RoomListener): Promise<RoomRange> {
    this.#listeners.set(room, listener)
    return this.#index.range(room)
  }

  unsubscribe(room: string): void {
    this.#listeners.delete(room)
  }

  /** Writes what waits, then releases the folder. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#writing
    await this.#store.close()
  }
}
