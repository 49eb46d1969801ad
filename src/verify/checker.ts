import type { RoomMessage } from '../protocol/messages.ts'
import type { HistoryEvent } from './events.ts'

/** What a message in a log is known by. */
export type LoggedMessage = Pick<RoomMessage, 'room' | 'seq' | 'user' | 'id'>

/** What is wrong, in kinds; each is 0 when the promise of a room was kept. */
export interface Violations {
  /** Acknowledged and not in the log at that place, or not delivered to a member who should have it. */
  lost: number
  /** Twice in the log, or delivered twice to a member. */
  doubled: number
  /** Delivered in another order than the log's, or logged in another order than its user sent it. */
  reordered: number
  /** In the log or delivered, but never sent; or different from what is at its place. */
  phantom: number
  /** Announced as gone although the log has it. */
  falseGaps: number
}

export interface CheckReport extends Violations {
  sessions: number
  sent: number
  acked: number
  delivered: number
  gaps: number
  /** The first findings as sentences. */
  findings: string[]
}

const MAX_FINDINGS = 20

interface Session {
  readonly user: string
  readonly room: string
  /** Everything up to here was delivered or announced as a gap; undefined before the first place is known. */
  at: number | undefined
  epoch: string | undefined
  left: boolean
}

interface Sent {
  /** Counts the messages of this user in this room. */
  readonly order: number
  readonly session: number
  acked: number | undefined
}

/** What is at each place of a room, as far as any user saw it. */
interface SeenRoom {
  readonly places: Map<number, string>
  head: number
}

const nameOf = (user: string, id: string) => `${user}\u0000${id}`
const readable = (name: string) => name.replace('\u0000', ' ')

/**
 * Checks the promise of a room from what users saw, event by event, and at the end against the log: acknowledged messages are
 * at their place once, all users saw one order without an unannounced gap, and nothing was made up.
 */
export class HistoryChecker {
  readonly #sessions = new Map<number, Session>()
  /** By room, then by user and id. */
  readonly #sent = new Map<string, Map<string, Sent>>()
  readonly #orders = new Map<string, number>()
  readonly #seen = new Map<string, SeenRoom>()
  readonly #gaps: { session: number; room: string; from: number; to: number }[] = []
  readonly #report: CheckReport = {
    sessions: 0,
    sent: 0,
    acked: 0,
    delivered: 0,
    gaps: 0,
    lost: 0,
    doubled: 0,
    reordered: 0,
    phantom: 0,
    falseGaps: 0,
    findings: [],
  }
  #ended = false

  record(event: HistoryEvent): void {
    if (event.type === 'end') {
      this.#ended = true
      return
    }
    if (event.type === 'join') {
      const { session, user, room } = event
      this.#sessions.set(session, { user, room, at: undefined, epoch: undefined, left: false })
      this.#report.sessions++
      return
    }
    const session = this.#sessions.get(event.session)
    if (!session) return
    switch (event.type) {
      case 'resumed':
        this.#resumed(session, event.epoch, event.seq)
        return
      case 'send':
        this.#sends(session, event.session, event.id)
        return
      case 'ack':
        this.#acked(session, event.id, event.seq)
        return
      case 'message':
        this.#message(session, event)
        return
      case 'gap':
        this.#report.gaps++
        this.#gaps.push({ session: event.session, room: session.room, from: event.from, to: event.to })
        if (session.at !== undefined) session.at = Math.max(session.at, event.to)
        return
      case 'leave':
        session.left = true
    }
  }

  /** @param log every message of the final log; without it, what all users saw together is used instead */
  check(log?: Iterable<LoggedMessage>): CheckReport {
    const rooms = log ? this.#checkLog(log) : this.#seen
    for (const [name, sent] of this.#sent) {
      const places = rooms.get(name)?.places
      for (const [message, { acked }] of sent) {
        if (acked === undefined || places?.get(acked) === message) continue
        this.#find('lost', `${name}: ${readable(message)} was acknowledged at ${acked}, where it is not`)
      }
      this.#checkOrder(name, places)
    }
    if (this.#ended) this.#checkTails(rooms)
    for (const { session, room, from, to } of this.#gaps) {
      const places = log ? rooms.get(room)?.places : undefined
      for (const seq of places?.keys() ?? []) {
        if (seq < from || seq > to) continue
        this.#find(
          'falseGaps',
          `session ${session}: ${room} ${seq} was announced as gone, and the log has it`,
        )
      }
    }
    return this.#report
  }

  #find(kind: keyof Violations, sentence: string): void {
    this.#report[kind]++
    if (this.#report.findings.length < MAX_FINDINGS) this.#report.findings.push(`${kind}: ${sentence}`)
  }

  #resumed(session: Session, epoch: string, seq: number): void {
    if (session.epoch === epoch) return // its place is known
    session.epoch = epoch
    session.at = seq
  }

  #sends({ user, room }: Session, session: number, id: string): void {
    this.#report.sent++
    let sent = this.#sent.get(room)
    if (!sent) {
      sent = new Map()
      this.#sent.set(room, sent)
    }
    const key = `${room}\u0000${user}`
    const order = (this.#orders.get(key) ?? 0) + 1
    this.#orders.set(key, order)
    sent.set(nameOf(user, id), { order, session, acked: undefined })
  }

  #acked({ user, room }: Session, id: string, seq: number): void {
    this.#report.acked++
    const sent = this.#sent.get(room)?.get(nameOf(user, id))
    if (!sent) this.#find('phantom', `${room}: an acknowledgement of ${user} ${id}, which was never sent`)
    else sent.acked = seq
    this.#notePlace(room, seq, nameOf(user, id), 'was acknowledged')
  }

  /** All must see the same at the same place. */
  #notePlace(room: string, seq: number, message: string, what: string): void {
    let seen = this.#seen.get(room)
    if (!seen) {
      seen = { places: new Map(), head: 0 }
      this.#seen.set(room, seen)
    }
    const known = seen.places.get(seq)
    if (known === undefined) seen.places.set(seq, message)
    else if (known !== message) {
      this.#find('phantom', `${room} ${seq}: ${readable(message)} ${what}, where ${readable(known)} is`)
    }
    seen.head = Math.max(seen.head, seq)
  }

  #message(session: Session, event: HistoryEvent & { type: 'message' }): void {
    const { room } = session
    const { seq, prevSeq = seq - 1, user, id } = event
    const message = nameOf(user, id)
    this.#report.delivered++
    const where = `session ${event.session}: ${room} ${seq} (${user} ${id})`
    const known = this.#seen.get(room)?.places.get(seq)
    if (session.at !== undefined && seq <= session.at) {
      this.#find(known === message ? 'doubled' : 'reordered', `${where} came after ${session.at}`)
      return
    }
    if (session.at !== undefined && prevSeq > session.at) {
      const missing = event.prevSeq === undefined ? seq - session.at - 1 : 1
      this.#report.lost += missing - 1
      this.#find('lost', `${where} came after ${session.at}, without what is at ${prevSeq}`)
    }
    session.at = seq
    this.#notePlace(room, seq, message, 'was delivered')
  }

  #checkLog(log: Iterable<LoggedMessage>): Map<string, SeenRoom> {
    const rooms = new Map<string, SeenRoom>()
    const twice = new Map<string, Set<string>>()
    for (const { room: name, seq, user, id } of log) {
      const message = nameOf(user, id)
      let room = rooms.get(name)
      if (!room) {
        room = { places: new Map(), head: 0 }
        rooms.set(name, room)
        twice.set(name, new Set())
      }
      const known = twice.get(name)!
      if (known.has(message) || room.places.has(seq)) {
        this.#find('doubled', `${name} ${seq}: ${readable(message)} or its place is in the log twice`)
      }
      known.add(message)
      room.places.set(seq, message)
      room.head = Math.max(room.head, seq)
    }
    for (const [name, { places }] of this.#seen) {
      for (const [seq, message] of places) {
        const logged = rooms.get(name)?.places.get(seq)
        if (logged === message) continue
        // An acknowledged message that is not there is found as lost.
        if (this.#sent.get(name)?.get(message)?.acked === seq && logged === undefined) continue
        const instead =
          logged === undefined ? 'and the log has nothing there' : `where the log has ${readable(logged)}`
        this.#find('phantom', `${name} ${seq}: ${readable(message)} was seen, ${instead}`)
      }
    }
    for (const [name, { places }] of rooms) {
      const sent = this.#sent.get(name)
      if (!sent) continue // a room that these users were not in
      for (const [seq, message] of places) {
        if (!sent.has(message)) this.#find('phantom', `${name} ${seq}: ${readable(message)} was never sent`)
      }
    }
    return rooms
  }

  /**
   * Each user's acknowledged messages are in the order in which they were sent. One that its sender gave up may be stored at any
   * later time: it is in flight until then.
   */
  #checkOrder(name: string, places: ReadonlyMap<number, string> | undefined): void {
    const last = new Map<string, { order: number; message: string }>()
    const inOrder = [...(places ?? [])].sort(([a], [b]) => a - b)
    for (const [seq, message] of inOrder) {
      const sent = this.#sent.get(name)?.get(message)
      if (sent?.acked === undefined) continue
      const user = message.slice(0, message.indexOf('\u0000'))
      const before = last.get(user)
      if (before && before.order > sent.order) {
        this.#find(
          'reordered',
          `${name} ${seq}: ${readable(message)} was sent before ${readable(before.message)}`,
        )
      }
      last.set(user, { order: sent.order, message })
    }
  }

  /** Who stayed to the end has everything. */
  #checkTails(rooms: ReadonlyMap<string, SeenRoom>): void {
    for (const [number, { room, at, left }] of this.#sessions) {
      const head = rooms.get(room)?.head ?? 0
      if (left || at === undefined || at >= head) continue
      const missing = [...rooms.get(room)!.places.keys()].filter((seq) => seq > at).length
      this.#report.lost += missing - 1
      this.#find('lost', `session ${number}: ${room} ends at ${head}, and what arrived at ${at}`)
    }
  }
}
