import { type LogEntry, type LogPage, messageStart, PAGE_BYTES } from '../room-log.ts'
import { RECORD_HEAD } from './record.ts'
import type { Damage } from './recovery.ts'
import type { Placed, RoomIndex } from './room-index.ts'
import { RecordReader, segmentFile } from './segment.ts'
import type { LogStore } from './store.ts'

/** Records of a room that are read together, backwards. */
const CHUNK = 32
/** Entries of one page at most. */
const PAGE_ENTRIES = 4096
const MAX_REPORTED = 1000

/** Reads messages from the segments, by the index. */
export class LogReader {
  readonly #folder: string
  readonly #store: LogStore
  readonly #index: RoomIndex
  readonly #onDamage: (damage: Damage) => void
  readonly #reported = new Set<string>()

  /** @param onDamage receives each damaged message that was to be read, once, up to a bound */
  constructor(folder: string, store: LogStore, onDamage: (damage: Damage) => void) {
    this.#folder = folder
    this.#store = store
    this.#index = store.recovered.index
    this.#onDamage = onDamage
  }

  /** The messages after a place. */
  async after(room: string, place: number, limit: number): Promise<LogPage> {
    const entries = await this.entries(room, upTo(limit, this.#index.after(room, place)))
    return { ...this.#index.range(room), entries }
  }

  /** The newest messages before a place. */
  async before(room: string, place: number, limit: number): Promise<LogPage> {
    const places = upTo(limit, this.#index.before(room, place))
    let entries: LogEntry[] = []
    let bytes = 0
    for (let i = 0; i < places.length && bytes < PAGE_BYTES; i += CHUNK) {
      const older = await this.entries(room, places.slice(i, i + CHUNK).reverse(), Infinity)
      bytes = older.reduce((sum, { payload }) => sum + payload.length, bytes)
      entries = [...older, ...entries]
    }
    return { ...this.#index.range(room), entries }
  }

  /** The messages of a room at these locations, without those that are damaged or other ones. */
  async entries(room: string, places: readonly Placed[], maxBytes = PAGE_BYTES): Promise<LogEntry[]> {
    const entries: LogEntry[] = []
    const reader = new RecordReader()
    let bytes = 0
    try {
      for (const { segment: id, offset, seq, prevSeq } of places) {
        if (bytes >= maxBytes) break
        const segment = this.#store.segment(id)
        if (!segment) continue // trimmed meanwhile
        const payload = await reader.read(segment, offset)
        if (payload && beginsWith(payload, messageStart(room, seq))) {
          entries.push({ seq, prevSeq, payload: Buffer.from(payload) })
          bytes += payload.length
        } else {
          this.#reportDamaged(id, offset)
        }
      }
    } finally {
      reader.close()
    }
    return entries
  }

  #reportDamaged(segment: number, offset: number): void {
    const key = `${segment} ${offset}`
    if (this.#reported.has(key) || this.#reported.size >= MAX_REPORTED) return
    this.#reported.add(key)
    this.#onDamage({
      file: segmentFile(this.#folder, segment),
      kind: 'garbled',
      from: offset,
      to: offset + RECORD_HEAD,
    })
  }
}

const beginsWith = (payload: Buffer, text: string) =>
  payload.toString('utf8', 0, Buffer.byteLength(text)) === text

/** The first of `places`, as they are now: while they are read, the index changes. */
function upTo(limit: number, places: Iterable<Placed>): Placed[] {
  const taken: Placed[] = []
  for (const placed of places) {
    if (taken.length >= Math.min(limit, PAGE_ENTRIES)) break
    taken.push(placed)
  }
  return taken
}
