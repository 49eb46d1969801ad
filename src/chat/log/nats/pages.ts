import { type LogEntry, type LogPage, LogUnavailable, PAGE_BYTES, type RoomRange } from '../room-log.ts'
import type { Nats } from './connection.ts'
import { readBatch, readDirect, readFromLeader } from './reads.ts'
import { entriesOf, lastPlace, type StoredRecord } from './record.ts'
import type { NatsRoom } from './room.ts'

const BATCH = 100
const MAX_STEPS = 64

interface End {
  readonly sequence: number
  readonly place: number
}

/** Where a room begins and ends: its last place from what is known here, from the leader, or from any replica while there is no leader. */
export async function rangeOf(nats: Nats, room: NatsRoom): Promise<RoomRange & { last: End }> {
  const { stream, subject } = room
  try {
    const [oldest, end] = await Promise.all([
      readDirect(nats, stream, { seq: 1, next_by_subj: subject }),
      endOf(nats, room),
    ])
    const head = Math.max(end.place, oldest ? lastPlace(oldest.record) : 0)
    return { first: oldest?.record.n ?? head + 1, head, last: end }
  } catch (error) {
    throw new LogUnavailable((error as Error).message)
  }
}

async function endOf(nats: Nats, room: NatsRoom): Promise<End> {
  if (room.current) return { sequence: room.sequence, place: room.place }
  const which = { last_by_subj: room.subject }
  const last = await readFromLeader(nats, room.stream, which).catch(() =>
    readDirect(nats, room.stream, which),
  )
  if (!last || last.sequence < room.sequence) return { sequence: room.sequence, place: room.place }
  return { sequence: last.sequence, place: lastPlace(last.record) }
}

/** The sequence of the record that has the place, or of the first one after it. */
async function locate(nats: Nats, room: NatsRoom, place: number, { last }: { last: End }): Promise<number> {
  const { recent, stream, subject } = room
  const near = recent.findLastIndex(([, n]) => n <= place)
  if (near >= 0) return recent[near]![0]
  const get = (seq: number) => readDirect(nats, stream, { seq, next_by_subj: subject })
  const oldest = await get(1)
  if (!oldest || oldest.record.n + oldest.record.m.length > place) return 1
  let low = { sequence: oldest.sequence, place: oldest.record.n }
  let high = { sequence: recent[0]?.[0] ?? last.sequence + 1, place: recent[0]?.[1] ?? last.place + 1 }
  for (let step = 0; step < MAX_STEPS && low.sequence + 1 < high.sequence; step++) {
    const share = step % 2 === 0 ? (place - low.place) / Math.max(1, high.place - low.place) : 0.5
    const span = high.sequence - low.sequence
    const guess = low.sequence + Math.min(span - 1, Math.max(1, Math.floor(span * share)))
    const found = await get(guess)
    if (!found || found.record.n > place) {
      high = { sequence: guess, place: found?.record.n ?? high.place }
    } else {
      low = { sequence: found.sequence, place: found.record.n }
      if (lastPlace(found.record) >= place) break
    }
  }
  return low.sequence
}

/** Each entry of the places `from`–`to` in order, until `take` has enough. */
async function eachEntry(
  nats: Nats,
  room: NatsRoom,
  { from, to, last }: { from: number; to: number; last: End },
  take: (entry: LogEntry) => boolean,
): Promise<void> {
  try {
    for (let sequence = await locate(nats, room, from, { last }); ; ) {
      let records: StoredRecord[] = await readBatch(nats, room.stream, {
        subject: room.subject,
        from: { sequence },
        count: Math.min(BATCH, to - from + 2),
        maxBytes: 2 * PAGE_BYTES,
      })
      if (records.length === 0) {
        // The replica that answered lags: what was acknowledged is not missing.
        const next = { seq: sequence, next_by_subj: room.subject }
        const record = await readFromLeader(nats, room.stream, next)
        if (record) records = [record]
      }
      for (const { record } of records)
        for (const entry of entriesOf(room.name, record))
          if (entry.seq >= from && entry.seq <= to && !take(entry)) return
      const end = records.at(-1)
      if (!end || lastPlace(end.record) >= to) return
      sequence = end.sequence + 1
    }
  } catch (error) {
    throw new LogUnavailable((error as Error).message)
  }
}

/** Up to `limit` entries after a place. */
export async function readPage(nats: Nats, room: NatsRoom, after: number, limit: number): Promise<LogPage> {
  let range = await rangeOf(nats, room)
  if (after > range.head) {
    // Another process knows more of the room than this one: its notice may be late, and a leader without its majority, too.
    await room.confirmEnd()
    range = await rangeOf(nats, room)
  }
  const { last, first, head } = range
  const entries: LogEntry[] = []
  if (limit <= 0 || after >= head) return { first, head, entries }
  const from = Math.max(after + 1, first)
  let bytes = 0
  // Places are without a hole within what is kept.
  await eachEntry(nats, room, { from, to: Math.min(head, from + limit - 1), last }, (entry) => {
    entries.push(entry)
    bytes += entry.payload.length
    return bytes < PAGE_BYTES
  })
  return { first, head, entries }
}

/** The newest entries before a place, up to `limit`. */
export async function readPageBefore(
  nats: Nats,
  room: NatsRoom,
  before: number,
  limit: number,
): Promise<LogPage> {
  const { last, first, head } = await rangeOf(nats, room)
  const entries: LogEntry[] = []
  const to = Math.min(before - 1, head)
  if (limit <= 0 || to < first) return { first, head, entries }
  let bytes = 0
  await eachEntry(nats, room, { from: Math.max(first, to - limit + 1), to, last }, (entry) => {
    entries.push(entry)
    bytes += entry.payload.length
    while (entries.length > 1 && bytes - entries[0]!.payload.length >= PAGE_BYTES)
      bytes -= entries.shift()!.payload.length
    return true
  })
  return { first, head, entries }
}
