import {
  close,
  closeSync,
  fdatasync,
  fsyncSync,
  ftruncate,
  openSync,
  read,
  unlinkSync,
  writev,
} from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { decodeRecord, MAX_PAYLOAD, RECORD_HEAD } from './record.ts'

const readAt = promisify(read)
const writeAll = promisify(writev)
const sync = promisify(fdatasync)
const truncate = promisify(ftruncate)

/** Bytes read at once: a few messages of one room among those of others. */
const WINDOW = 16 * 1024

export const SEGMENT_NAME = /^(\d{10})\.log$/

/** Makes the names in a folder durable. */
export function syncFolder(folder: string): void {
  const descriptor = openSync(folder, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** One file of the log. Records are written at its end and read anywhere. */
export class Segment {
  readonly id: number
  /** Bytes that are safe on disk. */
  size: number
  readonly #file: string
  readonly #descriptor: number
  #users = 1

  constructor(folder: string, id: number, size = 0) {
    this.id = id
    this.size = size
    this.#file = join(folder, `${String(id).padStart(10, '0')}.log`)
    this.#descriptor = openSync(this.#file, size > 0 ? 'r+' : 'w+', 0o600)
    if (size === 0) syncFolder(folder)
  }

  /** Writes records behind the others and makes them durable. When that fails, the segment is as it was before. */
  async append(records: readonly Buffer[]): Promise<void> {
    let left = records
    let at = this.size
    try {
      while (left.length > 0) {
        const { bytesWritten } = await writeAll(this.#descriptor, left as Buffer[], at)
        if (bytesWritten === 0) throw Object.assign(new Error('nothing was written'), { code: 'EIO' })
        at += bytesWritten
        left = after(left, bytesWritten)
      }
      await sync(this.#descriptor)
    } catch (error) {
      await truncate(this.#descriptor, this.size)
      throw error
    }
    this.size = at
  }

  /** A reader that keeps the segment open until `release`. */
  retain(): void {
    this.#users++
  }

  release(): void {
    if (--this.#users === 0) close(this.#descriptor, () => {})
  }

  /** Takes the file away; readers under way still read it. */
  remove(): void {
    unlinkSync(this.#file)
    this.release()
  }

  /** Bytes from `offset`, at least `wanted` of them when there are as many. */
  async window(offset: number, wanted = WINDOW): Promise<Buffer> {
    const length = Math.min(Math.max(wanted, WINDOW), this.size - offset)
    const buffer = Buffer.allocUnsafeSlow(Math.max(0, length))
    const { bytesRead } = await readAt(this.#descriptor, buffer, 0, buffer.length, offset)
    return buffer.subarray(0, bytesRead)
  }
}

/** What is left of `buffers` after their first `bytes`. */
function after(buffers: readonly Buffer[], bytes: number): Buffer[] {
  let n = 0
  let rest = bytes
  while (n < buffers.length && rest >= buffers[n]!.length) rest -= buffers[n++]!.length
  if (n === buffers.length) return []
  return [buffers[n]!.subarray(rest), ...buffers.slice(n + 1)]
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
