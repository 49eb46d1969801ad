import type { MessageData, RoomMessage } from '../../protocol/messages.ts'
import type { Appended, LogEntry, RoomLog } from '../log/room-log.ts'
import { appendOnce, ChangeRejected, IdTaken } from './append-once.ts'
import { changesRoom, type RoomChange, type RoomChanges } from './room-changes.ts'

interface MessageChange {
  readonly room: string
  /** The place of the message. */
  readonly seq: number
  /** Who changes it; the same `id` again is the same change. */
  readonly user: string
  readonly id: string
  /** What it is replaced by; without it the message is deleted. */
  readonly edit?: { readonly body: string; readonly data?: MessageData | undefined } | undefined
  /** Only a message of this user may be changed. */
  readonly author?: string | undefined
}

/** Ids that are given have at most 64 characters: a deletion can have one that nothing else has. */
export const deletionId = (seq: number) => `delete-${seq}`.padEnd(65, '-')

/** What is at a place. A log that has not heard of it yet asks for the end of the room when it is read from behind it. */
async function entryAt(log: RoomLog, room: string, seq: number): Promise<LogEntry | undefined> {
  const read = async () => (await log.read(room, seq - 1, 1)).entries.find((entry) => entry.seq === seq)
  const known = await read()
  if (known) return known
  const { head } = await log.read(room, seq, 1)
  return head >= seq ? read() : undefined
}

function record(log: RoomLog, room: string, user: string, id: string, change: RoomChange): Promise<Appended> {
  return appendOnce(log, { room: changesRoom(room), user, id, body: JSON.stringify(change) })
}

/**
 * Edits or deletes a message. Both the log beside the room and the room itself get an entry; a deletion holds for every
 * reader before members learn of it. Safe to repeat with the same id.
 * @throws {ChangeRejected}, also where the id of an edit names something else already.
 */
export async function changeMessage(
  log: RoomLog,
  changes: RoomChanges,
  { room, seq, user, id, edit, author }: MessageChange,
): Promise<Appended> {
  await changes.refresh(log)
  const entry = await entryAt(log, room, seq)
  if (!entry || seq <= changes.purgedTo)
    throw new ChangeRejected('not-found', 'there is no message at this place')
  const target = JSON.parse(entry.payload.toString()) as RoomMessage
  if (target.edits !== undefined || target.deletes !== undefined)
    throw new ChangeRejected('not-found', 'what is at this place is a change of another message')
  if (author !== undefined && target.user !== author)
    throw new ChangeRejected('forbidden', 'the message is of another user')
  if (edit) {
    if (changes.isDeleted(seq)) throw new ChangeRejected('not-found', 'the message was deleted')
    const { body, data } = edit
    const extras = { ...(data && { data }), edits: seq }
    const appended = await appendOnce(log, { room, user, id, body, extras }, ['edits'])
    await record(log, room, user, id, { seq, editedAt: appended.seq })
    return appended
  }
  await record(log, room, user, id, { seq, deleted: true })
  const deletion = { room, user, body: '', extras: { deletes: seq } }
  try {
    return await appendOnce(log, { ...deletion, id })
  } catch (error) {
    if (!(error instanceof IdTaken)) throw error
    // It holds by now, so members have to learn of it.
    return await appendOnce(log, { ...deletion, id: deletionId(seq) })
  }
}

/** Deletes everything that a room has now; what comes later is shown. */
export async function purgeRoom(log: RoomLog, room: string, user: string, id: string): Promise<void> {
  const { head } = await log.readBefore(room, Number.MAX_SAFE_INTEGER, 0)
  await record(log, room, user, id, { purgedTo: head })
}
