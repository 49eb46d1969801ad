import { readFileSync } from 'node:fs'
import type { IdHash } from '../recent-ids.ts'
import { crc32 } from './record.ts'

const MAGIC = 0x434c4931 // "CLI1"
const HEAD = 16
/** Of a message: room u32, offset u32, hash 2 × i32, place f64, place before it f64. */
const ENTRY = 32

/**
 * What a sealed segment holds, as a file beside it, so that a start need not read the messages themselves:
 * `magic | CRC-32 of what follows | length of the head | number of messages | head, JSON | messages`. The names in it are
 * those of this segment's rooms only.
 */
export class SegmentIndex {
  readonly #rooms = new Map<string, number>()
  #data = Buffer.alloc(64 * ENTRY)
  count = 0

  add(room: string, seq: number, prevSeq: number, offset: number, hash: IdHash): void {
    let number = this.#rooms.get(room)
    if (number === undefined) {
      number = this.#rooms.size
      this.#rooms.set(room, number)
    }
    let at = this.count * ENTRY
    if (at === this.#data.length) {
      const larger = Buffer.alloc(2 * at)
      this.#data.copy(larger)
      this.#data = larger
    }
    at = this.#data.writeUInt32LE(number, at)
    at = this.#data.writeUInt32LE(offset, at)
    at = this.#data.writeInt32LE(hash.high, at)
    at = this.#data.writeInt32LE(hash.low, at)
    at = this.#data.writeDoubleLE(seq, at)
    this.#data.writeDoubleLE(prevSeq, at)
    this.count++
  }

  /**
   * @param id of the segment: the index of another says nothing of it
   * @param size bytes of the segment that it covers; what is behind them is not part of the log
   */
  encode(id: number, size: number, seed: IdHash): Buffer {
    const head = Buffer.from(JSON.stringify({ id, size, seed, rooms: [...this.#rooms.keys()] }))
    const start = Buffer.alloc(HEAD)
    const data = Buffer.concat([start, head, this.#data.subarray(0, this.count * ENTRY)])
    data.writeUInt32BE(MAGIC, 0)
    data.writeUInt32BE(head.length, 8)
    data.writeUInt32BE(this.count, 12)
    data.writeUInt32BE(crc32(data.subarray(8)), 4)
    return data
  }
}

export interface LoadedIndex {
  readonly size: number
  readonly rooms: readonly string[]
  readonly count: number
  /** The message's room by number, and what else there is of it. */
  message(i: number): { room: number; offset: number; seq: number; prevSeq: number }
  hash(i: number): IdHash
}

/** The index of a segment in `file`; nothing when it is missing, damaged, of another segment, or has other hashes. */
export function loadSegmentIndex(file: string, id: number, seed: IdHash): LoadedIndex | undefined {
  let data: Buffer
  try {
    data = readFileSync(file)
  } catch {
    return undefined
  }
  if (data.length < HEAD || data.readUInt32BE(0) !== MAGIC) return undefined
  if (crc32(data.subarray(8)) !== data.readUInt32BE(4)) return undefined
  const from = HEAD + data.readUInt32BE(8)
  const count = data.readUInt32BE(12)
  const head = JSON.parse(data.toString('utf8', HEAD, from)) as {
    id?: number
    size: number
    seed: IdHash
    rooms: string[]
  }
  if ((head.id ?? id) !== id) return undefined
  if (head.seed.high !== seed.high || head.seed.low !== seed.low) return undefined
  return {
    size: head.size,
    rooms: head.rooms,
    count,
    message(i) {
      const at = from + i * ENTRY
      return {
        room: data.readUInt32LE(at),
        offset: data.readUInt32LE(at + 4),
        seq: data.readDoubleLE(at + 16),
        prevSeq: data.readDoubleLE(at + 24),
      }
    },
    hash(i) {
      const at = from + i * ENTRY + 8
      return { high: data.readInt32LE(at), low: data.readInt32LE(at + 4) }
    },
  }
}
