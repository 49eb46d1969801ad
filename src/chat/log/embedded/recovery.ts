import { randomUUID } from 'node:crypto'
import {
  closeSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { ConcertinaError } from '../../../base/errors.ts'
import type { RoomMessage } from '../../../protocol/messages.ts'
import { RecentIds } from '../recent-ids.ts'
import { scanRecords } from './record.ts'
import { RoomIndex } from './room-index.ts'
import { SEGMENT_NAME, Segment, syncFolder } from './segment.ts'

/** A record that says how far rooms had come, at the beginning of a segment: older segments may go. */
export interface HeadsRecord {
  readonly type: 'heads'
  readonly heads: readonly (readonly [room: string, head: number])[]
}

/** Something of the log that cannot be read any more. */
export interface Damage {
  readonly file: string
  /** Bytes. */
  readonly from: number
  readonly to: number
  /** The end of the last segment, as a crash in the middle of a write leaves it: nothing of it was acknowledged. */
  readonly tornTail: boolean
}

export interface Recovered {
  readonly epoch: string
  readonly segments: readonly Segment[]
  readonly index: RoomIndex
  readonly ids: RecentIds
  readonly damage: readonly Damage[]
}

/** Reads the log's name, or gives it one. */
function epochOf(folder: string): string {
  const file = join(folder, 'meta.json')
  try {
    const { epoch } = JSON.parse(readFileSync(file, 'utf8')) as { epoch?: unknown }
    if (typeof epoch === 'string') return epoch
    throw new ConcertinaError('DATA_DAMAGED', `${file}: there is no epoch in it`, {
      hint: 'restore it from a backup, or name another folder with --data',
    })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const epoch = randomUUID()
  const descriptor = openSync(`${file}.partial`, 'w', 0o600)
  writeSync(descriptor, `${JSON.stringify({ version: 1, epoch })}\n`)
  fsyncSync(descriptor)
  closeSync(descriptor)
  renameSync(`${file}.partial`, file)
  syncFolder(folder)
  return epoch
}

function cut(file: string, size: number): void {
  const descriptor = openSync(file, 'r+')
  try {
    ftruncateSync(descriptor, size)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/** Every record of the log in `folder`, oldest first, with what could not be read. Changes nothing. */
export function* scanLog(folder: string): Iterable<
  { id: number; file: string; last: boolean; damage: Damage[]; end: number } & {
    records: readonly { offset: number; payload: RoomMessage | HeadsRecord }[]
  }
> {
  const names = readdirSync(folder)
    .filter((name) => SEGMENT_NAME.test(name))
    .sort()
  for (const [i, name] of names.entries()) {
    const file = join(folder, name)
    const data = readFileSync(file)
    const { records, damaged, end } = scanRecords(data)
    const last = i === names.length - 1
    const damage = damaged.map(({ from, to }) => ({ file, from, to, tornTail: false }))
    if (end < data.length) damage.push({ file, from: end, to: data.length, tornTail: last })
    yield {
      id: Number(SEGMENT_NAME.exec(name)![1]),
      file,
      last,
      damage,
      end,
      records: records.map(({ offset, payload }) => ({ offset, payload: JSON.parse(payload.toString()) })),
    }
  }
}

/** Reads the whole log in `folder`: cuts a torn tail, reports what is damaged, and knows every sound message. */
export function recover(folder: string): Recovered {
  const epoch = epochOf(folder)
  const index = new RoomIndex()
  const ids = new RecentIds()
  const segments: Segment[] = []
  const damage: Damage[] = []
  for (const { id, file, last, records, end, damage: found } of scanLog(folder)) {
    damage.push(...found)
    for (const { offset, payload } of records) {
      if (payload.type === 'heads') {
        for (const [room, head] of payload.heads) index.raise(room, head)
      } else {
        index.add(payload.room, payload.seq, id, offset)
        ids.set(RecentIds.key(payload), payload.seq)
      }
    }
    if (last && found.some(({ tornTail }) => tornTail)) cut(file, end)
    segments.push(new Segment(folder, id, end))
  }
  return { epoch, segments, index, ids, damage }
}
