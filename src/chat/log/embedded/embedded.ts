import { mkdirSync } from 'node:fs'
import { Buckets } from '../../../base/buckets.ts'
import { ConcertinaError, requireNumber } from '../../../base/errors.ts'
import { RecentIds } from '../recent-ids.ts'
import {
  type Append,
  type Appended,
  encodeMessage,
  type LogEntry,
  type LogPage,
  LogUnavailable,
  PAGE_BYTES,
  type RoomListener,
  type RoomLog,
  type RoomRange,
} from '../room-log.ts'
import { lockData } from './data-lock.ts'
import { encodeRecord } from './record.ts'
import { type Damage, recover } from './recovery.ts'
import type { RoomIndex } from './room-index.ts'
import { RecordReader, Segment } from './segment.ts'

export interface EmbeddedLogOptions {
  /** A segment is full at this many bytes; 64 MiB. */
  segmentBytes?: number
  /** The oldest segments go when all together are larger; 1 GiB. */
  retainBytes?: number
  /** Appends that may wait for the disk; one more is refused; 50,000. */
  queueLimit?: number
}

interface Waiting {
  readonly message: Append
  resolve(appended: Appended): void
  reject(error: Error): void
}

/** An append that has its place in the batch being written. */
interface Sequenced extends Waiting {
  readonly seq: number
  readonly key: string
  readonly payload?: Buffer
}

const BATCH = 4096
const HEADS_A_RECORD = 1000
/** Upper bounds for the time that the disk takes for a batch, seconds. */
const COMMIT_BOUNDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5]

/**
 * Rooms in segments on this machine's disk. One sequencer gives the places; while one batch is written and synced, the next
 * one gathers (group commit), so that the cost of a sync is shared by all who wait.
 */
export class EmbeddedRoomLog implements RoomLog {
  readonly epoch: string
  readonly durability = 'disk'
  /** What could not be read at the start. */
  readonly damage: readonly Damage[]
  /** Seconds that the disk took to write and sync a batch. */
  readonly commits = new Buckets(COMMIT_BOUNDS)
  readonly #folder: string
  readonly #unlock: () => void
  readonly #index: RoomIndex
  readonly #ids: RecentIds
  readonly #segments: Segment[]
  readonly #segmentBytes: number
  readonly #retainBytes: number
  readonly #queueLimit: number
  readonly #listeners = new Map<string, RoomListener>()
  #queue: Waiting[] = []
  #writing: Promise<void> | undefined
  #closed = false
  #trouble: string | undefined
  /** Called when the disk begins to refuse, with why, and with nothing when it takes messages again. */
  onTrouble: (why: string | undefined) => void = () => {}

  /**
   * Opens the log in `folder`, which is made when missing.
   * @throws {ConcertinaError} DATA_IN_USE, DATA_DAMAGED or FILE_ACCESS.
   */
  constructor(folder: string, options: EmbeddedLogOptions = {}) {
    const bytes = { min: 4096, max: 2 ** 31, integer: true }
    this.#segmentBytes = requireNumber('segmentBytes', options.segmentBytes ?? 64 * 2 ** 20, bytes)
    this.#retainBytes = requireNumber('retainBytes', options.retainBytes ?? 2 ** 30, {
      ...bytes,
      max: 2 ** 50,
    })
    this.#queueLimit = requireNumber('queueLimit', options.queueLimit ?? 50_000, { min: 1, integer: true })
    this.#folder = folder
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      this.#unlock = lockData(folder)
    } catch (error) {
      if (error instanceof ConcertinaError) throw error
      throw new ConcertinaError(
        'FILE_ACCESS',
        `${folder}: cannot be used (${(error as NodeJS.ErrnoException).code})`,
        {
          hint: 'a folder that can be written to',
        },
      )
    }
    try {
      const { epoch, segments, index, ids, damage } = recover(folder)
      this.epoch = epoch
      this.damage = damage
      this.#index = index
      this.#ids = ids
      this.#segments = [...segments]
      if (this.#segments.length === 0) this.#segments.push(new Segment(folder, 1))
    } catch (error) {
      this.#unlock()
      throw error
    }
  }

  /** Bytes on disk. */
  get bytes(): number {
    return this.#segments.reduce((sum, { size }) => sum + size, 0)
  }

  append(message: Append): Promise<Appended> {
    if (this.#closed) return Promise.reject(new LogUnavailable('the room log is closed'))
    if (this.#queue.length >= this.#queueLimit)
      return Promise.reject(new LogUnavailable('the disk is too slow'))
    return new Promise((resolve, reject) => {
      this.#queue.push({ message, resolve, reject })
      this.#writing ??= this.#writeAll()
    })
  }

  async #writeAll(): Promise<void> {
    await undefined // whatever comes in this turn goes into the first batch
    while (this.#queue.length > 0) {
      const batch = this.#queue.splice(0, BATCH)
      await this.#writeBatch(batch)
    }
    this.#writing = undefined
  }

  async #writeBatch(batch: readonly Waiting[]): Promise<void> {
    const sequenced = this.#sequence(batch)
    const records = sequenced.flatMap(({ payload }) => (payload ? [encodeRecord(payload)] : []))
    let offset = 0
    let segment = this.#segments.at(-1)!
    if (records.length > 0) {
      try {
        if (segment.size >= this.#segmentBytes) segment = await this.#nextSegment()
        offset = segment.size
        const began = performance.now()
        await segment.append(records)
        this.commits.record((performance.now() - began) / 1000)
        this.#tellTrouble(undefined)
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException
        const why =
          code === 'ENOSPC' ? 'the disk is full' : `the disk failed (${code ?? (error as Error).message})`
        this.#tellTrouble(why)
        this.#refuse(sequenced, new LogUnavailable(why))
        return
      }
    }
    let n = 0
    for (const { message, seq, key, payload, resolve } of sequenced) {
      if (payload) {
        this.#index.add(message.room, seq, segment.id, offset)
        this.#ids.set(key, seq)
        offset += records[n++]!.length
      }
      resolve({ seq, duplicate: !payload })
      if (payload) this.#listeners.get(message.room)?.(message.room, { seq, prevSeq: seq - 1, payload })
    }
  }

  /** Gives each append its place; one that stands already, or earlier in the batch, keeps that one. */
  #sequence(batch: readonly Waiting[]): Sequenced[] {
    const heads = new Map<string, number>()
    const here = new Map<string, number>()
    const time = Date.now()
    return batch.map(({ message, resolve, reject }) => {
      const key = RecentIds.key(message)
      const known = this.#ids.get(key) ?? here.get(key)
      if (known !== undefined) return { message, seq: known, key, resolve, reject }
      const seq = (heads.get(message.room) ?? this.#index.range(message.room).head) + 1
      heads.set(message.room, seq)
      here.set(key, seq)
      return { message, seq, key, payload: encodeMessage(message, seq, time), resolve, reject }
    })
  }

  #tellTrouble(why: string | undefined): void {
    if (why === this.#trouble) return
    this.#trouble = why
    this.onTrouble(why)
  }

  /** Refuses what was not written; a repeat of what stands already is still acknowledged. */
  #refuse(sequenced: readonly Sequenced[], error: LogUnavailable): void {
    for (const { key, seq, resolve, reject } of sequenced) {
      if (this.#ids.get(key) === undefined) reject(error)
      else resolve({ seq, duplicate: true })
    }
  }

  async #nextSegment(): Promise<Segment> {
    const segment = new Segment(this.#folder, this.#segments.at(-1)!.id + 1)
    const heads = [...this.#index.heads()]
    const records: Buffer[] = []
    for (let i = 0; i < heads.length; i += HEADS_A_RECORD) {
      const part = heads.slice(i, i + HEADS_A_RECORD)
      records.push(encodeRecord(Buffer.from(JSON.stringify({ type: 'heads', heads: part }))))
    }
    try {
      await segment.append(records)
    } catch (error) {
      segment.remove()
      throw error
    }
    this.#segments.push(segment)
    while (this.#segments.length > 1 && this.bytes > this.#retainBytes) this.#segments.shift()!.remove()
    this.#index.trim(this.#segments[0]!.id)
    return segment
  }

  async readBefore(room: string, before: number, limit: number): Promise<LogPage> {
    const end = Math.min(before, this.#index.range(room).head + 1)
    for (let count = limit; ; count = Math.ceil(count / 2)) {
      const page = await this.read(room, Math.max(0, end - 1 - count), count)
      const entries = page.entries.filter(({ seq }) => seq < end)
      if (count <= 1 || entries.at(-1)?.seq === end - 1) return { ...page, entries }
    }
  }

  async read(room: string, after: number, limit: number): Promise<LogPage> {
    const { first, head } = this.#index.range(room)
    const entries: LogEntry[] = []
    const reader = new RecordReader()
    let bytes = 0
    try {
      for (
        let seq = Math.max(after + 1, first);
        seq <= head && entries.length < limit && bytes < PAGE_BYTES;
        seq++
      ) {
        const place = this.#index.place(room, seq)
        const segment = place && this.#segments.find(({ id }) => id === place.segment)
        const payload = segment && (await reader.read(segment, place.offset))
        if (!payload) continue
        entries.push({ seq, prevSeq: seq - 1, payload: Buffer.from(payload) })
        bytes += payload.length
      }
    } finally {
      reader.close()
    }
    return { ...this.#index.range(room), entries }
  }

  async subscribe(room: string, listener: RoomListener): Promise<RoomRange> {
    this.#listeners.set(room, listener)
    return this.#index.range(room)
  }

  unsubscribe(room: string): void {
    this.#listeners.delete(room)
  }

  /** Writes what waits, then lets the folder go. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#writing
    for (const segment of this.#segments) segment.release()
    this.#segments.length = 0
    this.#unlock()
  }
}
