import { mkdirSync } from 'node:fs'
import { readdir, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { ConcertinaError } from '../../../base/errors.ts'
import type { IdHash } from '../recent-ids.ts'
import { DataLock } from './data-lock.ts'
import { encodeMeta, type LogMeta, META, readMeta } from './meta.ts'
import { type Recovered, recover } from './recovery.ts'
import { SEGMENT_NAME, Segment, segmentFile, writeDurably } from './segment.ts'
import { SegmentIndex } from './segment-index.ts'

/** A disk that does not let the log be written now; it is read all the same, and written when it does again. */
const NOT_NOW = new Set(['EROFS', 'ENOSPC', 'EDQUOT', 'EACCES', 'EPERM'])

const MISSING = JSON.stringify('missing')
/** Milliseconds between two attempts to begin writing. */
const RETRY_MS = 1000

export interface StoreLimits {
  readonly segmentBytes: number
  readonly retainBytes: number
  readonly retainRooms: number
}

/** A message of a batch, for the segment's index. */
interface WrittenMessage {
  readonly message: { readonly room: string }
  readonly seq: number
  readonly prevSeq: number
  readonly hash: IdHash
  /** Of its record in what is written. */
  readonly offset: number
}

/** The folder is no longer this process's: nothing that it writes there counts. */
export class FolderLost extends Error {
  override readonly name = 'FolderLost'
}

/**
 * The files of the log. A process writes to segments of its own only: those it finds are sealed before its first write, at
 * the size it has read, so that nothing another process adds to them later is ever read.
 */
export class LogStore {
  readonly recovered: Recovered
  readonly #folder: string
  readonly #limits: StoreLimits
  readonly #segments: Segment[]
  #meta: LogMeta
  /** What `meta.json` was when the log was read. */
  readonly #found: string
  #lock: DataLock | undefined
  /** The segment that is written to, and its index; none before the first write. */
  #active: { segment: Segment; index: SegmentIndex } | undefined
  #lost: FolderLost | undefined
  #failed: { error: unknown; until: number } | undefined
  readonly #background = new Set<Promise<void>>()

  private constructor(folder: string, limits: StoreLimits, lock: DataLock | undefined) {
    this.#folder = folder
    this.#limits = limits
    this.#lock = lock
    this.#found = JSON.stringify(readMeta(folder))
    this.recovered = recover(folder)
    this.#meta = this.recovered.meta
    this.#segments = [...this.recovered.segments]
  }

  /** @throws {ConcertinaError} DATA_IN_USE or FILE_ACCESS */
  static open(folder: string, limits: StoreLimits): LogStore {
    let lock: DataLock | undefined
    const inaccessible = (error: unknown) => {
      const { path = folder, code, message } = error as NodeJS.ErrnoException
      return new ConcertinaError('FILE_ACCESS', `${path}: cannot be used (${code ?? message})`, {
        hint: path === folder ? 'a folder that can be written to' : `what concertina wrote to ${folder}`,
      })
    }
    let failure: unknown
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      lock = DataLock.acquire(folder)
    } catch (error) {
      if (error instanceof ConcertinaError) throw error
      if (!NOT_NOW.has((error as NodeJS.ErrnoException).code ?? '')) throw inaccessible(error)
      failure = error
    }
    try {
      const store = new LogStore(folder, limits, lock)
      if (failure !== undefined && store.#segments.length === 0) throw failure
      return store
    } catch (error) {
      lock?.release()
      throw error instanceof ConcertinaError ? error : inaccessible(error)
    }
  }

  get epoch(): string {
    return this.#meta.epoch
  }

  get term(): number {
    return this.#meta.term
  }

  /** Whether the operating system keeps the folder's lock; unknown while it cannot be written to. */
  get isSystemLock(): boolean | undefined {
    return this.#lock?.isSystemLock
  }

  /** Bytes on disk. */
  get bytes(): number {
    return this.#segments.reduce((sum, { size }) => sum + size, 0)
  }

  segment(id: number): Segment | undefined {
    return this.#segments.find((segment) => segment.id === id)
  }

  /**
   * Makes records durable; where they are.
   * @throws {FolderLost} for good; other errors leave everything as it was
   */
  async write(
    data: Buffer,
    messages: readonly WrittenMessage[],
  ): Promise<{ segment: number; offset: number }> {
    if (this.#lost) throw this.#lost
    if (!this.#active) await this.#tryToBegin()
    else if (this.#active.segment.size >= this.#limits.segmentBytes) await this.#roll(this.#active)
    const { segment, index } = this.#active!
    const offset = segment.size
    await segment.append(data)
    this.#requireOwnership()
    for (const { message, seq, prevSeq, hash, offset: within } of messages)
      index.add(message.room, seq, prevSeq, offset + within, hash)
    return { segment: segment.id, offset }
  }

  /** Asked between writing and acknowledging: a folder that was removed or taken over keeps nothing of it. */
  #requireOwnership(): void {
    const isHeld = this.#lock?.isHeld() ?? true
    if (isHeld && (this.#active?.segment.isLinked() ?? true)) return
    this.#lost = new FolderLost(
      isHeld
        ? 'a file of the data folder was removed'
        : 'the data folder was removed or taken by another process',
    )
    throw this.#lost
  }

  /** Tried again at most every second. */
  async #tryToBegin(): Promise<void> {
    const now = performance.now()
    if (this.#failed && now < this.#failed.until) throw this.#failed.error
    try {
      await this.#begin()
    } catch (error) {
      this.#failed = { error, until: now + RETRY_MS }
      throw error
    }
  }

  /** Before the first write: what was found is sealed, and the term is on disk before a place of it is given. */
  async #begin(): Promise<void> {
    if (!this.#lock) {
      const lock = DataLock.acquire(this.#folder)
      if (JSON.stringify(readMeta(this.#folder)) !== this.#found) {
        lock.release()
        this.#lost = new FolderLost('another process has written to the data folder')
        throw this.#lost
      }
      this.#lock = lock
    }
    this.#requireOwnership()
    for (const { id, size, index } of this.recovered.unsealed) await this.#writeIndex(id, size, index)
    if (this.recovered.damage.some(({ kind }) => kind === 'meta'))
      await rename(join(this.#folder, META), join(this.#folder, `${META}.damaged`)).catch(() => {})
    await this.#removeLeftovers()
    if (this.#found === MISSING) await this.#writeMeta(this.#meta)
    await this.#nextSegment()
    this.recovered.unsealed.length = 0
  }

  async #roll({ segment, index }: { segment: Segment; index: SegmentIndex }): Promise<void> {
    await this.#nextSegment()
    await segment.seal()
    const sealing = this.#writeIndex(segment.id, segment.size, index).catch(() => {}) // a later start reads it instead
    this.#background.add(sealing)
    void sealing.then(() => this.#background.delete(sealing))
    await this.#trim()
  }

  async #writeIndex(id: number, size: number, index: SegmentIndex): Promise<void> {
    const name = `${String(id).padStart(10, '0')}.idx`
    await writeDurably(this.#folder, name, index.encode(id, size, this.#meta.seed))
  }

  async #nextSegment(): Promise<void> {
    const ids = await this.#idsOnDisk()
    const segment = await Segment.create(this.#folder, Math.max(this.#meta.last, ...ids) + 1)
    try {
      await this.#writeMeta({ ...this.#meta, last: segment.id, clean: undefined })
    } catch (error) {
      segment.release()
      await unlink(segmentFile(this.#folder, segment.id)).catch(() => {})
      throw error
    }
    this.#segments.push(segment)
    this.#active = { segment, index: new SegmentIndex() }
  }

  async #writeMeta(meta: LogMeta): Promise<void> {
    await writeDurably(this.#folder, META, encodeMeta(meta))
    this.#meta = meta
  }

  async #idsOnDisk(): Promise<number[]> {
    const names = await readdir(this.#folder)
    return names.flatMap((name) => SEGMENT_NAME.exec(name)?.[1] ?? []).map(Number)
  }

  /** Segments that were trimmed, when a crash came before their files went. */
  async #removeLeftovers(): Promise<void> {
    const kept = new Set(this.#segments.map(({ id }) => id))
    for (const id of await this.#idsOnDisk()) if (!kept.has(id)) await this.#removeFiles(id)
  }

  async #removeFiles(id: number): Promise<void> {
    await unlink(segmentFile(this.#folder, id)).catch(() => {})
    await unlink(segmentFile(this.#folder, id, 'idx')).catch(() => {})
  }

  /** Lets the oldest segments go; no place of theirs is given again, which one number remembers for all rooms. */
  async #trim(): Promise<void> {
    const { retainBytes, retainRooms } = this.#limits
    const { index } = this.recovered
    let rest = this.bytes
    let gone = 0
    while (gone < this.#segments.length - 1 && rest > retainBytes) rest -= this.#segments[gone++]!.size
    if (gone === 0 && index.size > retainRooms && this.#segments.length > 1) gone = 1
    if (gone === 0) return
    const first = this.#segments[gone]!.id
    index.trim(first, this.keepRoom)
    const missing = this.#meta.missing?.filter((id) => id >= first)
    await this.#writeMeta({ ...this.#meta, first, floor: index.floor, missing })
    for (const segment of this.#segments.splice(0, gone)) {
      segment.release()
      await this.#removeFiles(segment.id)
    }
  }

  /** Rooms whose head is kept though nothing of them is left. */
  keepRoom: (room: string) => boolean = () => false

  /** After the last write. */
  async close(): Promise<void> {
    await Promise.all(this.#background)
    if (this.#active && !this.#lost) {
      try {
        this.#requireOwnership()
        await this.#writeMeta({ ...this.#meta, clean: { size: this.#active.segment.size } })
      } catch {
        // The next start takes it for a crash, and is careful.
      }
    }
    for (const segment of this.#segments) segment.release()
    this.#segments.length = 0
    this.#lock?.release()
  }
}
