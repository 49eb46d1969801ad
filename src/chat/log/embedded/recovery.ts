import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { requireFile } from '../../../base/plain-file.ts'
import type { RoomMessage } from '../../../protocol/messages.ts'
import { RecentIds } from '../recent-ids.ts'
import { LOG_FILE, type LogMeta, META, newMeta, readMeta, TERM_PLACES } from './meta.ts'
import { RECORD_HEAD, scanRecords } from './record.ts'
import { RoomIndex } from './room-index.ts'
import { SEGMENT_NAME, Segment, segmentFile } from './segment.ts'
import { loadSegmentIndex, SegmentIndex } from './segment-index.ts'

/** Something of the log that can no longer be read. */
export interface Damage {
  readonly file: string
  readonly kind: 'garbled' | 'misplaced' | 'torn-tail' | 'missing' | 'lost-tail' | 'meta'
  /** Bytes. */
  readonly from: number
  readonly to: number
}

/** What to write into the log of the service about it: nothing acknowledged is lost by a torn tail alone. */
export function describeDamage({ file, kind, from, to }: Damage): string {
  const bytes = `${file}, bytes ${from} to ${to}`
  switch (kind) {
    case 'torn-tail':
      return `an unfinished or damaged write is left out (${bytes})`
    case 'garbled':
      return `DAMAGED at ${bytes}: messages that were there are lost`
    case 'misplaced':
      return `${bytes}: messages that others come after are left out; what was there before is LOST`
    case 'missing':
      return `${file} is MISSING: messages that were in it are lost`
    case 'lost-tail':
      return `${file} has ${from} sound bytes and had ${to}: messages at its end are LOST`
    case 'meta':
      return `${file} cannot be read: rooms continue under a new epoch`
  }
}

export interface Recovered {
  /** As it is to be written before the first message is. */
  readonly meta: LogMeta
  readonly segments: readonly Segment[]
  /** The index of the last segment when it was not sealed yet. */
  readonly unsealed: { readonly id: number; readonly size: number; readonly index: SegmentIndex }[]
  readonly index: RoomIndex
  readonly ids: RecentIds
  readonly damage: readonly Damage[]
}

type Stored = RoomMessage | { type: 'heads'; heads: [room: string, head: number][] }

/** Every message of the log in `folder`, oldest first, with what could not be read. Changes nothing. */
export function* scanLog(
  folder: string,
): Iterable<{ file: string; damage: Damage[]; messages: RoomMessage[] }> {
  const ids = segmentIds(folder)
  for (const id of ids) {
    const messages: RoomMessage[] = []
    const { damage } = scanSegment(folder, id, knownSize(folder, id), (message) => {
      if (message.type === 'message') messages.push(message)
    })
    yield { file: segmentFile(folder, id), damage, messages }
  }
}

function segmentIds(folder: string): number[] {
  return readdirSync(folder)
    .flatMap((name) => SEGMENT_NAME.exec(name)?.[1] ?? [])
    .map(Number)
    .sort((a, b) => a - b)
}

/** Bytes of the segment that are part of the log, where it is sealed or the log was closed in order. */
function knownSize(folder: string, id: number): number | undefined {
  const meta = readMeta(folder)
  if (typeof meta === 'string') return undefined
  return loadSegmentIndex(segmentFile(folder, id, 'idx'), id, meta.seed)?.size ?? closedSize(folder, id, meta)
}

/** Bytes that the last segment had when the log was closed in order. Bytes beyond that are not known to be ours. */
function closedSize(folder: string, id: number, { last, clean }: LogMeta): number | undefined {
  if (!clean || id !== last) return undefined
  return statSync(segmentFile(folder, id)).size <= clean.size ? clean.size : undefined
}

function scanSegment(
  folder: string,
  id: number,
  size: number | undefined,
  onMessage: (message: Stored, from: number, to: number) => void,
): { damage: Damage[]; end: number } {
  const file = segmentFile(folder, id)
  const whole = readFileSync(file)
  const data = size === undefined ? whole : whole.subarray(0, size)
  const { damaged, end } = scanRecords(data, (payload, offset) => {
    onMessage(JSON.parse(payload.toString()) as Stored, offset, offset + RECORD_HEAD + payload.length)
  })
  const damage = damaged.map(({ from, to }): Damage => ({ file, kind: 'garbled', from, to }))
  if (size !== undefined && data.length < size) damage.push({ file, kind: 'lost-tail', from: end, to: size })
  else if (end < data.length)
    damage.push({ file, kind: size === undefined ? 'torn-tail' : 'garbled', from: end, to: data.length })
  return { damage, end }
}

/**
 * Knows every sound message of the log in `folder`, and changes nothing there. Unless the log can be proved whole, the next
 * places are in a new term; when something is missing, all places before them count as given, so that every reader with an
 * older cursor sees a gap.
 */
export function recover(folder: string): Recovered {
  const found = readMeta(folder)
  const present = segmentIds(folder)
  const damage: Damage[] = []
  let meta = typeof found === 'string' ? newMeta() : found
  if (found === 'damaged' || (found === 'missing' && present.length > 0))
    damage.push({ file: join(folder, META), kind: 'meta', from: 0, to: 0 })
  const hadMeta = typeof found !== 'string'
  // What trimming left behind is not part of the log any more.
  const kept = hadMeta && meta.last > 0 ? present.filter((id) => id >= meta.first) : present
  if (hadMeta) {
    const known = new Set([...kept, ...(meta.missing ?? [])])
    const missing: number[] = []
    for (let id = meta.first; id <= meta.last; id++) if (!known.has(id)) missing.push(id)
    for (const id of missing) damage.push({ file: segmentFile(folder, id), kind: 'missing', from: 0, to: 0 })
    if (missing.length > 0) meta = { ...meta, missing: [...(meta.missing ?? []), ...missing] }
  }
  const index = new RoomIndex()
  index.floor = meta.floor
  const ids = new RecentIds(meta.seed)
  const segments: Segment[] = []
  const unsealed: Recovered['unsealed'] = []
  for (const id of kept) {
    requireFile(segmentFile(folder, id), LOG_FILE)
    requireFile(segmentFile(folder, id, 'idx'), 'nothing of that name: it is made again')
    const size = loadSealed(folder, id, meta, index, ids, damage)
    if (size !== undefined) {
      segments.push(new Segment(folder, id, size))
      continue
    }
    const built = new SegmentIndex()
    // Of another segment, copied or renamed, or older than what is before it.
    let misplaced: { from: number; to: number } | undefined
    const known = closedSize(folder, id, meta)
    const { damage: more, end } = scanSegment(folder, id, known, (message, offset, end) => {
      if (message.type === 'heads') {
        for (const [room, head] of message.heads) {
          index.floor = Math.max(index.floor, head)
          index.room(room).head = Math.max(index.range(room).head, head)
        }
        return
      }
      const { room, seq, prevSeq } = message
      if (!index.room(room).add(seq, prevSeq, id, offset)) {
        misplaced = { from: misplaced?.from ?? offset, to: end }
        return
      }
      const hash = ids.hash(message)
      ids.set(hash, seq)
      built.add(room, seq, prevSeq, offset, hash)
    })
    damage.push(...more)
    if (misplaced) damage.push({ file: segmentFile(folder, id), kind: 'misplaced', ...misplaced })
    unsealed.push({ id, size: end, index: built })
    segments.push(new Segment(folder, id, end))
  }
  if (meta.last === 0 && kept.length > 0) meta = { ...meta, first: kept[0]!, last: kept.at(-1)! }
  const whole = damage.length === 0 && (meta.clean !== undefined || kept.length === 0)
  if (!whole && hadMeta) {
    const reached = Math.floor(index.highest() / TERM_PLACES)
    meta = { ...meta, term: Math.max(meta.term, reached) + 1 }
    if (damage.length > 0) index.raise(meta.term * TERM_PLACES)
  }
  return { meta: { ...meta, floor: index.floor, clean: undefined }, segments, unsealed, index, ids, damage }
}

/** Takes a sealed segment from its index; its size, or nothing when it has to be read. */
function loadSealed(
  folder: string,
  id: number,
  { seed }: LogMeta,
  index: RoomIndex,
  ids: RecentIds,
  damage: Damage[],
): number | undefined {
  const file = segmentFile(folder, id)
  const idx = segmentFile(folder, id, 'idx')
  if (!existsSync(idx)) return undefined
  const loaded = loadSegmentIndex(idx, id, seed)
  if (!loaded) return undefined
  const { size } = statSync(file)
  if (size < loaded.size) {
    damage.push({ file, kind: 'lost-tail', from: size, to: loaded.size })
    return undefined // what is left of it is read, and sealed again
  }
  const rooms = loaded.rooms.map((name) => index.room(name))
  for (let i = 0; i < loaded.count; i++) {
    const { room, offset, seq, prevSeq } = loaded.message(i)
    rooms[room]!.add(seq, prevSeq, id, offset)
    ids.set(loaded.hash(i), seq)
  }
  return loaded.size
}
