import type { Roster } from '../hub/hub-protocol.ts'
import type { LogEntry, RoomRange } from '../log/room-log.ts'
import { textFrame } from '../session/frame.ts'
import type { Outbox } from '../session/outbox.ts'
import type { WriteBatcher } from '../session/write-batcher.ts'
import type { DeliverySpans } from './delivery-spans.ts'
import { RoomChanges } from './room-changes.ts'

/** Messages that a room keeps for members who come a little late, and bytes of them: rooms are many, and each keeps some. */
export const RECENT = 64
const RECENT_BYTES = 16 * 1024

/** One connection's place in one room. */
export interface Member {
  readonly outbox: Outbox
  readonly room: Room
  /** Everything up to here was pushed, or announced as a gap. */
  seq: number
  /** Whether new messages are pushed as they come; otherwise the member catches up from the log first. */
  live: boolean
  /** Counts how often the member began to catch up; an older attempt gives up. */
  attempt: number
  /** The outbox is full: the member is no longer live. */
  onLagging(): void
  /** Something is missing between its place and what came: it is no longer live, and has to catch up. */
  onMissed(): void
}

interface Framed {
  readonly seq: number
  readonly prevSeq: number
  readonly frame: Buffer
}

const framed = ({ seq, prevSeq, payload }: LogEntry): Framed => ({ seq, prevSeq, frame: textFrame(payload) })

/** A room on one server: its members here, and the end of its log. */
export class Room {
  readonly name: string
  /** The last message that was pushed to live members. */
  head = 0
  roster: { members: number; users: Set<string> | undefined } = { members: 0, users: new Set() }
  readonly members = new Set<Member>()
  /** What was edited and deleted. */
  readonly changes: RoomChanges
  readonly #batcher: WriteBatcher
  readonly #spans: DeliverySpans | undefined
  #batch: Framed[] = []
  /** Whether the batch deletes a message, which is then forgotten. */
  #forgets = false
  /** The last messages, each with the one before it. */
  #recent: Framed[] = []
  #recentBytes = 0
  /** Messages pushed to members. */
  deliveries = 0

  constructor(name: string, batcher: WriteBatcher, spans?: DeliverySpans) {
    this.name = name
    this.changes = new RoomChanges(name)
    this.#batcher = batcher
    this.#spans = spans
  }

  /** The room as the log has it when this server subscribes to it; what was received before is in the log. */
  begin({ head }: RoomRange, recent: readonly LogEntry[], roster: Roster): void {
    const received = this.#batch.at(-1)?.seq ?? 0
    this.#batch = []
    // What was received while the answer was on its way may have been flushed to no member already.
    this.head = Math.max(head, received, this.head)
    this.#recent = []
    this.#remember(recent.map(framed))
    if (this.#recent.at(-1)?.seq !== this.head || this.#forgets) this.#recent = []
    this.#forgets = false
    this.roster = { members: roster.members, users: roster.users && new Set(roster.users) }
  }

  /** The next message of the log; it is pushed at the end of the turn. */
  append(entry: LogEntry): void {
    if (entry.seq <= (this.#batch.at(-1)?.seq ?? this.head)) return
    if (this.#batch.length === 0) this.#batcher.room(this)
    this.#batch.push(framed(entry))
    this.#spans?.received(entry)
    if (this.changes.receive(entry)) this.#forgets = true
  }

  /** Pushes presence or typing to the members who keep up; the others do without. */
  broadcast(line: Buffer): void {
    const frame = textFrame(line)
    for (const { live, outbox } of this.members) if (live && !outbox.full) outbox.push(frame)
  }

  /** Frames one batch once and pushes it to each live member. */
  flush(): void {
    const batch = this.#batch
    if (batch.length === 0) return
    this.#batch = []
    const before = this.head
    const whole = isChain(batch) && batch[0]!.prevSeq <= before
    const to = batch.at(-1)!.seq
    const all = batch.length === 1 ? batch[0]!.frame : Buffer.concat(batch.map(({ frame }) => frame))
    this.head = to
    this.#remember(batch)
    if (this.#forgets) this.#recent = []
    this.#forgets = false
    if (!whole) this.changes.invalidate()
    for (const member of this.members) {
      if (!member.live) continue
      if (member.outbox.full) {
        this.#interrupt(member)
      } else if (whole && member.seq === before) {
        member.outbox.push(all)
        member.seq = to
        this.deliveries += batch.length
      } else {
        this.#pushAfter(member, batch)
        if (member.seq < to) this.#interrupt(member)
      }
    }
    this.#spans?.pushed(this.members.size)
  }

  /** Pushes what the room still has from the member's place on; `false` when its place is further back than that. */
  pushRecent(member: Member): boolean {
    const before = member.seq
    const next = this.#recent.findLastIndex(({ prevSeq }) => prevSeq <= before)
    if (next >= 0) this.#pushAfter(member, this.#recent.slice(next))
    return member.seq > before
  }

  /** The place before the last `count` messages; `undefined` when the room does not remember as many. */
  placeBefore(count: number): number | undefined {
    return this.#recent.at(-count)?.prevSeq
  }

  /** The member can not be pushed what came: it has to catch up from the log. */
  #interrupt(member: Member): void {
    member.live = false
    if (member.outbox.full) member.onLagging()
    else member.onMissed()
  }

  /** Pushes the messages after the member's place, as far as there is room and none before them is missing. */
  #pushAfter(member: Member, frames: readonly Framed[]): void {
    for (const { seq, prevSeq, frame } of frames) {
      if (seq <= member.seq) continue
      if (prevSeq > member.seq || member.outbox.full) return
      member.outbox.push(frame)
      member.seq = seq
      this.deliveries++
    }
  }

  #remember(batch: readonly Framed[]): void {
    const last = this.#recent.at(-1)
    if (!isChain(batch) || (last && batch[0] && batch[0].prevSeq !== last.seq)) this.#recent = []
    if (isChain(batch)) this.#recent.push(...batch)
    for (const { frame } of batch) this.#recentBytes += frame.length
    if (this.#recent.length > 2 * RECENT || this.#recentBytes > 2 * RECENT_BYTES) this.#trimRecent()
  }

  #trimRecent(): void {
    let first = this.#recent.length
    let bytes = 0
    while (first > 0 && this.#recent.length - first < RECENT && bytes <= RECENT_BYTES)
      bytes += this.#recent[--first]!.frame.length
    this.#recent = this.#recent.slice(first)
    this.#recentBytes = bytes
  }
}

/** Whether each message names the one before it in the list. */
function isChain(frames: readonly Framed[]): boolean {
  return frames.every(({ prevSeq }, i) => i === 0 || prevSeq === frames[i - 1]!.seq)
}
