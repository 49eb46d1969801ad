import { constants, fstatSync, write } from 'node:fs'
import { type FileHandle, open, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { decodeRecord, MAX_PAYLOAD, RECORD_HEAD } from './record.ts'

/** Bytes read at once: a few messages of one room among those of others. */
const WINDOW = 16 * 1024

export const SEGMENT_NAME = /^(\d{10})\.log$/

export const segmentFile = (folder: string, id: number, kind: 'log' | 'idx' = 'log') =>
  join(folder, `${String(id).padStart(10, '0')}.${kind}`)

/** Makes the names in a folder durable. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return // a folder cannot be opened there; NTFS journals names
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/**
 * On Linux a write is durable when it returns, which saves a second way through the thread pool; elsewhere only `datasync`
 * also empties the cache of the disk.
 */
const IS_SYNC_WRITE = process.platform === 'linux'

const writeAt = (fd: number, data: Buffer, from: number, position: number): Promise<number> =>
  new Promise((resolve, reject) => {
    write(fd, data, from, data.length - from, position, (error, bytes) => {
      if (error) reject(error)
      else resolve(bytes)
    })
  })

/** One file of the log. Only the process that made it writes to it, at its end; it is read anywhere. */
export class Segment {
  readonly id: number
  /** Bytes that are safe on disk. */
  size: number
  readonly #folder: string
  #writer: FileHandle | undefined
  #reader: Promise<FileHandle> | undefined
  #users = 1

  constructor(folder: string, id: number, size: number, writer?: FileHandle) {
    this.#folder = folder
    this.id = id
    this.size = size
    this.#writer = writer
  }

  /** A new segment, its name durable. Fails when there is one of that number. */
  static async create(folder: string, id: number): Promise<Segment> {
    const { O_RDWR, O_CREAT, O_EXCL, O_DSYNC } = constants
    const flags = O_RDWR | O_CREAT | O_EXCL | (IS_SYNC_WRITE ? O_DSYNC : 0)
    const handle = await open(segmentFile(folder, id), flags, 0o600)
    try {
      await syncFolder(folder)
    } catch (error) {
      await handle.close()
      await unlink(segmentFile(folder, id)).catch(() => {})
      throw error
    }
    return new Segment(folder, id, 0, handle)
  }

  /** Writes behind what there is and makes it durable. When that fails, the segment is as it was before. */
  async append(data: Buffer): Promise<void> {
    const writer = this.#writer!
    try {
      for (let done = 0; done < data.length; ) {
        const bytes = await writeAt(writer.fd, data, done, this.size + done)
        if (bytes === 0) throw Object.assign(new Error('nothing was written'), { code: 'EIO' })
        done += bytes
      }
      if (!IS_SYNC_WRITE) await writer.datasync()
    } catch (error) {
      await writer.truncate(this.size).catch(() => {}) // the next write covers what is left
      throw error
    }
    this.size += data.length
  }

  /** Whether the file still has its name: a removed folder takes acknowledged messages with it. */
  isLinked(): boolean {
    return !this.#writer || fstatSync(this.#writer.fd).nlink > 0
  }

  /** Nothing more is written to it. */
  async seal(): Promise<void> {
    const writer = this.#writer
    if (!writer) return
    this.#reader ??= Promise.resolve(writer)
    this.#writer = undefined
    if ((await this.#reader) !== writer) await writer.close()
  }

  /** Keeps the segment open until `release`. */
  retain(): void {
    this.#users++
  }

  release(): void {
    if (--this.#users > 0) return
    const writer = this.#writer
    const reader = this.#reader
    this.#writer = undefined
    this.#reader = undefined
    writer?.close().catch(() => {})
    reader?.then(
      async (handle) => {
        if (handle !== writer) await handle.close()
      },
      () => {},
    )
  }

  /** Bytes from `offset`, at least `atLeast` of them when there are as many. */
  async window(offset: number, atLeast = WINDOW): Promise<Buffer> {
    const length = Math.min(Math.max(atLeast, WINDOW), this.size - offset)
    const buffer = Buffer.allocUnsafe(Math.max(0, length))
    this.#reader ??= this.#writer
      ? Promise.resolve(this.#writer)
      : open(segmentFile(this.#folder, this.id), 'r')
    try {
      const { bytesRead } = await (await this.#reader).read(buffer, 0, buffer.length, offset)
      return buffer.subarray(0, bytesRead)
    } catch (error) {
      if (!this.#writer) this.#reader = undefined
      throw error
    }
  }
}

/** Reads records one after another, keeping the last window for the next ones. */
export class RecordReader {
  #segment: Segment | undefined
  #from = 0
  #window: Buffer = Buffer.alloc(0)

  /** The payload of the record there; nothing when it is damaged. */
  async read(segment: Segment, offset: number): Promise<Buffer | undefined> {
    if (segment !== this.#segment) {
      this.close()
      segment.retain()
      this.#segment = segment
      this.#window = Buffer.alloc(0)
    }
    let at = offset - this.#from
    const length = () => RECORD_HEAD + Math.min(MAX_PAYLOAD, this.#window.readUInt32BE(at + 4))
    const whole = () => at + RECORD_HEAD <= this.#window.length && at + length() <= this.#window.length
    if (at < 0 || !whole()) {
      this.#window = await segment.window(offset)
      this.#from = offset
      at = 0
      if (this.#window.length >= RECORD_HEAD && !whole())
        this.#window = await segment.window(offset, length())
    }
    return decodeRecord(this.#window, at)
  }

  close(): void {
    this.#segment?.release()
    this.#segment = undefined
  }
}

/** Writes a whole small file and makes it durable, so that there is the old one or the new one after a crash. */
export async function writeDurably(folder: string, name: string, data: Buffer | string): Promise<void> {
  const file = join(folder, name)
  const handle = await open(`${file}.partial`, 'w', 0o600)
  try {
    await handle.writeFile(data)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(`${file}.partial`, file)
  await syncFolder(folder)
}
