import type { Msg } from '@nats-io/transport-node'
import { JetStreamError, type Nats } from './connection.ts'
import type { RoomRecord, StoredRecord } from './record.ts'

const NO_MESSAGE = 10037
const READ_TIMEOUT_MS = 2000
const LEADER_TIMEOUT_MS = 1000
/** Records that are asked for at once. */
export const READ_BATCH = 256

/** Which record: a subject's last one, or the first of a subject at or after a sequence. */
type Which = { last_by_subj: string } | { seq: number; next_by_subj: string }

/** A record as the stream's leader has it: what decides the next place. */
export async function readFromLeader(
  nats: Nats,
  stream: string,
  which: Which,
): Promise<StoredRecord | undefined> {
  try {
    const { message } = await nats.api<{ message: { seq: number; data?: string } }>(
      `STREAM.MSG.GET.${stream}`,
      which,
      LEADER_TIMEOUT_MS,
    )
    const data = Buffer.from(message.data ?? '', 'base64')
    return { sequence: message.seq, record: JSON.parse(data.toString()) as RoomRecord }
  } catch (error) {
    if (error instanceof JetStreamError && error.code === NO_MESSAGE) return undefined
    throw error
  }
}

const stored = (message: Msg): StoredRecord => ({
  sequence: Number(message.headers?.get('Nats-Sequence')),
  record: message.json<RoomRecord>(),
})

/** A record from any replica: right for what is old, a moment late for what is new. Works without a leader. */
export async function readDirect(
  nats: Nats,
  stream: string,
  which: Which,
): Promise<StoredRecord | undefined> {
  const reply = await nats.connection.request(`$JS.API.DIRECT.GET.${stream}`, JSON.stringify(which), {
    timeout: READ_TIMEOUT_MS,
  })
  const code = reply.headers?.code ?? 0
  if (code === 404) return undefined
  if (code >= 400) throw new Error(reply.headers?.description ?? `status ${code}`)
  return stored(reply)
}

export interface BatchQuery {
  readonly subject: string
  /** Where to begin: at a sequence, or at a time. */
  readonly from: { readonly sequence: number } | { readonly time: number }
  readonly count: number
  readonly maxBytes?: number
}

/** Consecutive records of a room from any replica. */
export function readBatch(nats: Nats, stream: string, query: BatchQuery): Promise<StoredRecord[]> {
  const { subject, from, count, maxBytes } = query
  return new Promise((resolve, reject) => {
    const records: StoredRecord[] = []
    const inbox = nats.inbox()
    const end = (error?: Error) => {
      clearTimeout(timer)
      subscription.unsubscribe()
      if (error) reject(error)
      else resolve(records)
    }
    const timer = setTimeout(() => end(new Error('the broker did not answer')), READ_TIMEOUT_MS)
    const subscription = nats.connection.subscribe(inbox, {
      callback: (error, message) => {
        const code = message?.headers?.code ?? 0
        if (error) end(error)
        else if (code === 204 || code === 404) end()
        else if (code >= 400) end(new Error(message.headers?.description ?? `status ${code}`))
        else {
          records.push(stored(message))
          timer.refresh()
        }
      },
    })
    const request = {
      batch: count,
      next_by_subj: subject,
      ...(maxBytes !== undefined && { max_bytes: maxBytes }),
      ...('sequence' in from
        ? { seq: from.sequence }
        : { start_time: new Date(Math.max(0, from.time)).toISOString() }),
    }
    try {
      nats.connection.publish(`$JS.API.DIRECT.GET.${stream}`, JSON.stringify(request), { reply: inbox })
    } catch (error) {
      end(error as Error)
    }
  })
}

/** Passes each record after a sequence up to `last` to `receive`, in order; where a replica lags, the leader is asked. */
export async function readUntil(
  nats: Nats,
  { stream, subject }: { readonly stream: string; readonly subject: string },
  { after, last }: { readonly after: number; readonly last: StoredRecord },
  receive: (stored: StoredRecord) => void,
): Promise<void> {
  for (let at = after; at < last.sequence; ) {
    let records = await readBatch(nats, stream, { subject, from: { sequence: at + 1 }, count: READ_BATCH })
    if (records.length === 0)
      records = [(await readFromLeader(nats, stream, { seq: at + 1, next_by_subj: subject })) ?? last]
    for (const stored of records) {
      if (stored.sequence > last.sequence) break
      receive(stored)
    }
    at = records.at(-1)!.sequence
  }
}

/** Batches that are read for their ids when a room is loaded, whatever their age. */
const STEPS_BACK = 4

/**
 * A room's records before the last one, oldest first: as many as a few steps back go over, or back to what is known. What a replica
 * lacks comes later.
 */
export async function readBefore(
  nats: Nats,
  room: { readonly stream: string; readonly subject: string; readonly sequence: number },
  last: StoredRecord,
): Promise<StoredRecord[]> {
  let records: StoredRecord[] = []
  for (let step = 0; step < STEPS_BACK; step++) {
    const oldest = records[0] ?? last
    const earlier = await readBatch(nats, room.stream, {
      subject: room.subject,
      from: { sequence: Math.max(1, oldest.record.b) },
      count: READ_BATCH,
    })
    const more = earlier.filter(({ sequence }) => sequence < oldest.sequence)
    records = [...more, ...records]
    if (more.length === 0 || oldest.record.b === 0 || more[0]!.sequence <= room.sequence) break
  }
  return records
}
