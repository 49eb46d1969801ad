import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerMessage } from '../../protocol/messages.ts'
import type { RoomLog } from '../log/room-log.ts'
import type { Member } from '../rooms/room.ts'
import { textFrame } from './frame.ts'

const PAGE = 256
/** Milliseconds until a log that lacks what this server was already notified of is read again. */
const READ_AGAIN_MS = 50

export const jsonFrame = (message: ServerMessage): Buffer => textFrame(JSON.stringify(message))

/**
 * Brings a member from its place to the room's head, at the pace at which it reads, and makes it live in the very turn in
 * which it has arrived, so that nothing falls between reading the log and being pushed. What the log no longer has is announced
 * as a gap. Gives up silently when a later attempt began or the member is gone; rejects when the log cannot be read.
 */
export async function catchUp(member: Member, log: RoomLog, isGone: () => boolean): Promise<void> {
  const { room, outbox } = member
  member.live = false
  const attempt = ++member.attempt
  const stale = () => member.attempt !== attempt || outbox.closed || isGone()
  const gapTo = (seq: number) => {
    if (seq <= member.seq) return
    outbox.push(jsonFrame({ type: 'gap', room: room.name, from: member.seq + 1, to: seq }))
    member.seq = seq
  }
  for (;;) {
    if (outbox.full) await outbox.drained()
    if (stale()) return
    if (member.seq >= room.head) {
      member.live = true
      return
    }
    if (room.pushRecent(member)) continue
    await room.changes.refresh(log)
    // What was purged is gone for every reader.
    gapTo(Math.min(room.changes.purgedTo, room.head))
    const page = await log.read(room.name, member.seq, PAGE)
    if (stale()) return
    const from = member.seq
    for (const entry of page.entries) {
      const { seq, prevSeq } = entry
      if (seq <= member.seq) continue
      gapTo(prevSeq)
      outbox.push(textFrame(room.changes.visible(entry).payload))
      member.seq = seq
      room.deliveries++
    }
    if (page.entries.length === 0) gapTo(page.head)
    if (member.seq === from) await sleep(READ_AGAIN_MS)
  }
}
