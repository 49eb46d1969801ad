import type { Roster } from '../hub/hub-protocol.ts'
import type { LogEntry, RoomRange } from '../log/room-log.ts'
import { textFrame } from '../session/frame.ts'
import type { Outbox, WriteBatcher } from '../session/outbox.ts'

/** Messages a room keeps for members who come a little late. */
export const RECENT = 256

/** One connection's place in one room. */
export interface Member {
  readonly outbox: Outbox
  readonly room: Room
  /** Everything up to here was pushed, or told to be a gap. */
  seq: number
  /** Whether new messages are pushed as they come; otherwise the member catches up from the log first. */
  live: boolean
  /** Counts how often the member began to catch up; an older attempt gives up. */
  attempt: number
  /** Takes over when the outbox is full: the member is not live any more. */
  fellBehind(member: Member): void
}

interface Framed {
  readonly seq: number
  readonly frame: Buffer
}

/** A room on one server: its members here, and the end of its log. */
export class Room {
  readonly name: string
  /** The oldest message there was when this server began to hear of the room. */
  first = 1
  /** The last message that was pushed to live members. */
  head = 0
  roster: { members: number; users: Set<string> | undefined } = { members: 0, users: new Set() }
  readonly members = new Set<Member>()
  readonly #turn: WriteBatcher
  #batch: Framed[] = []
  #recent: Framed[] = []
  /** Messages pushed to members. */
  deliveries = 0

  constructor(name: string, turn: WriteBatcher) {
    this.name = name
    this.#turn = turn
  }

  /** Takes the room as the hub has it when this server begins to hear of it; what was told before is in the log. */
  begin({ first, head }: RoomRange, recent: readonly LogEntry[], roster: Roster): void {
    this.first = first
    const told = this.#batch.at(-1)?.seq ?? 0
    this.#batch = []
    // What was told while the answer was on its way may have gone out to nobody already.
    this.head = Math.max(head, told, this.head)
    this.#recent = recent.map(({ seq, payload }) => ({ seq, frame: textFrame(payload) }))
    const whole = this.#recent.every(({ seq }, i) => seq === this.head - this.#recent.length + 1 + i)
    if (!whole) this.#recent = []
    this.roster = { members: roster.members, users: roster.users && new Set(roster.users) }
  }

  /** Takes the next message of the log; it goes out at the end of the turn. */
  append({ seq, payload }: LogEntry): void {
    if (this.#batch.length === 0) this.#turn.room(this)
    this.#batch.push({ seq, frame: textFrame(payload) })
  }

  /** Pushes presence or typing to the members who keep up; the others do without. */
  tell(line: Buffer): void {
    const frame = textFrame(line)
    for (const { live, outbox } of this.members) if (live && !outbox.full) outbox.push(frame)
  }

  /** Frames one batch once and pushes it to each live member. */
  flush(): void {
    const batch = this.#batch
    if (batch.length === 0) return
    this.#batch = []
    const before = this.head
    const to = batch.at(-1)!.seq
    const all = batch.length === 1 ? batch[0]!.frame : Buffer.concat(batch.map(({ frame }) => frame))
    for (const member of this.members) {
      if (!member.live) continue
      if (member.outbox.full) {
        member.live = false
        member.fellBehind(member)
      } else if (member.seq === before) {
        member.outbox.push(all)
        member.seq = to
        this.deliveries += batch.length
      } else {
        this.#pushAfter(member, batch)
      }
    }
    this.head = to
    if (batch[0]!.seq !== before + 1) this.#recent = []
    this.#recent.push(...batch)
    if (this.#recent.length > 2 * RECENT) this.#recent = this.#recent.slice(-RECENT)
  }

  /** Pushes what the room still has from the member's place on; `false` when its place is further back than that. */
  pushRecent(member: Member): boolean {
    const first = this.#recent[0]?.seq
    if (first === undefined || first > member.seq + 1) return false
    this.#pushAfter(member, this.#recent.slice(Math.max(0, member.seq + 1 - first)))
    return true
  }

  #pushAfter(member: Member, frames: readonly Framed[]): void {
    for (const { seq, frame } of frames) {
      if (seq <= member.seq) continue
      if (member.outbox.full) return
      member.outbox.push(frame)
      member.seq = seq
      this.deliveries++
    }
  }
}
