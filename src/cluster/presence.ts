import { MAX_TALKERS, type TalkerMeter } from '../chat/api/talkers.ts'
import { NAMED_MEMBERS, type Roster } from '../chat/hub/hub-protocol.ts'
import { roomToken } from '../chat/log/nats/record.ts'
import {
  ANNOUNCE_CHECKS,
  type Announcement,
  ASK_ALL,
  CHECK_MS,
  DIRECTORY_ASK_TOPIC,
  DIRECTORY_TOPIC,
  type DirectoryEntry,
  dropStale,
  HEARTBEAT_TOPIC,
  type Heartbeat,
  type RemoteMembers,
  type ServerTalkers,
  SILENT_CHECKS,
  TALKERS_TOPIC,
} from './announcements.ts'
import type { Bus } from './broker.ts'
import { Silence } from './silence.ts'

interface PresentUsers {
  readonly members: number
  /** Absent when there are too many. */
  readonly users: ReadonlySet<string> | undefined
}

interface LocalRoom {
  readonly users: Set<string>
  readonly remote: Map<string, RemoteMembers>
  /** Says at which checks it is looked after: every `ANNOUNCE_CHECKS`, by turns with the others. */
  readonly turn: number
  readonly unsubscribe: () => void
  timer: NodeJS.Timeout | undefined
  /** Whether the other servers have to learn of a change here. */
  changed: boolean
  /** What the members here were sent last. */
  reported: PresentUsers
}

/** Milliseconds over which changes are gathered before they are sent. */
const GATHER_MS = 100
/**
 * Who is in which room, over all servers, by announcements that may be lost. Each server announces its own members of a room at
 * each change and every ten seconds, and that it lives every second. All that a server announced is forgotten when it has been
 * silent for five seconds, so there are no ghosts of a server that died; and what it announced of one room when it no longer
 * does, so there are none of a room that emptied while this server could not hear it.
 */
export class ClusterPresence {
  readonly #bus: Bus
  readonly #server: string
  readonly #send: (room: string, line: string) => void
  readonly #rooms = new Map<string, LocalRoom>()
  readonly #silence = new Silence<string>()
  readonly #check: NodeJS.Timeout
  readonly #stops: readonly (() => void)[]
  readonly #number: number
  readonly #talkers: TalkerMeter
  #checks = 0
  /** The number of the check from which on the broker has been connected. */
  #since = 0
  #turns = 0
  /** Checks for which the directories get what is announced. */
  #directoryChecks = 0

  /**
   * @param server its name, and its number in `welcome`
   * @param send receives the JSON of a `presence` message for the members of a room on this server
   * @param talkers counts the messages that this server accepts
   */
  constructor(
    bus: Bus,
    { name: server, number }: { name: string; number: number },
    send: (room: string, line: string) => void,
    talkers: TalkerMeter,
  ) {
    this.#bus = bus
    this.#server = server
    this.#number = number
    this.#send = send
    this.#talkers = talkers
    this.#check = setInterval(() => this.#everyCheck(), CHECK_MS)
    this.#stops = [
      bus.subscribe(HEARTBEAT_TOPIC, (text) => {
        const { server: from, ends } = JSON.parse(text) as Heartbeat
        if (ends) this.#forget(from)
        else if (from !== server) this.#silence.heard(from)
      }),
      bus.subscribe(DIRECTORY_ASK_TOPIC, (ask) => {
        const isNew = this.#directoryChecks === 0 || ask === ASK_ALL
        this.#directoryChecks = SILENT_CHECKS
        if (isNew)
          for (const [name, { users }] of this.#rooms) if (users.size > 0) this.#enterDirectory(name, users)
      }),
    ]
  }

  #enterDirectory(room: string, users: ReadonlySet<string>): void {
    const entry: DirectoryEntry = { server: this.#server, number: this.#number, room, ...membersOf(users) }
    this.#bus.publish(DIRECTORY_TOPIC, JSON.stringify(entry))
  }

  /** Begins to follow a room. */
  enter(name: string): void {
    if (this.#rooms.has(name)) return
    const room: LocalRoom = {
      users: new Set(),
      remote: new Map(),
      turn: this.#turns++ % ANNOUNCE_CHECKS,
      unsubscribe: this.#bus.subscribe(topic(name), (text) => this.#onAnnouncement(name, text)),
      timer: undefined,
      changed: false,
      reported: { members: 0, users: new Set() },
    }
    this.#rooms.set(name, room)
    this.#announce(name, room, true)
  }

  leave(name: string): void {
    const room = this.#rooms.get(name)
    if (!room) return
    this.#rooms.delete(name)
    clearTimeout(room.timer)
    room.unsubscribe()
    room.users.clear()
    this.#announce(name, room)
  }

  present(name: string, user: string, here: boolean): void {
    const room = this.#rooms.get(name)
    if (!room) return
    if (here) room.users.add(user)
    else room.users.delete(user)
    room.changed = true
    this.#reportSoon(name, room)
  }

  roster(name: string): Roster {
    const room = this.#rooms.get(name)
    if (!room) return { members: 0, users: [] }
    const { members, users } = presentIn(room)
    return users ? { members, users: [...users] } : { members }
  }

  close(): void {
    clearInterval(this.#check)
    for (const stop of this.#stops) stop()
    for (const room of this.#rooms.values()) {
      clearTimeout(room.timer)
      room.unsubscribe()
    }
    this.#rooms.clear()
    this.#heartbeat({ server: this.#server, ends: true })
  }

  #heartbeat(heartbeat: Heartbeat): void {
    this.#bus.publish(HEARTBEAT_TOPIC, JSON.stringify(heartbeat))
  }

  #announce(name: string, room: LocalRoom, ask = false): void {
    room.changed = false
    const { users } = room
    const announcement: Announcement = { server: this.#server, ...membersOf(users), ...(ask && { ask }) }
    this.#bus.publish(topic(name), JSON.stringify(announcement))
    if (this.#directoryChecks > 0) this.#enterDirectory(name, users)
  }

  #onAnnouncement(name: string, text: string): void {
    const room = this.#rooms.get(name)
    const { server, members, users, ask } = JSON.parse(text) as Announcement
    if (!room || server === this.#server) return
    this.#silence.heard(server)
    if (members === 0) room.remote.delete(server)
    else room.remote.set(server, { members, users, heard: this.#checks })
    if (ask && room.users.size > 0) this.#announce(name, room)
    this.#reportSoon(name, room)
  }

  #forget(server: string): void {
    this.#silence.forget(server)
    for (const [name, room] of this.#rooms) if (room.remote.delete(server)) this.#reportSoon(name, room)
  }

  #everyCheck(): void {
    // While the broker is away all are silent: that means nothing.
    if (!this.#bus.connected) {
      this.#silence.reset()
      this.#since = this.#checks
      return
    }
    this.#heartbeat({ server: this.#server })
    for (const server of this.#silence.check(SILENT_CHECKS)) this.#forget(server)
    this.#checks++
    if (this.#directoryChecks > 0) {
      this.#directoryChecks--
      const talkers = this.#talkers.top(MAX_TALKERS)
      const from: ServerTalkers = { server: this.#server, number: this.#number, talkers }
      this.#bus.publish(TALKERS_TOPIC, JSON.stringify(from))
    }
    const turn = this.#checks % ANNOUNCE_CHECKS
    for (const [name, room] of this.#rooms) if (room.turn === turn) this.#lookAfter(name, room)
  }

  #lookAfter(name: string, room: LocalRoom): void {
    if (room.users.size > 0) this.#announce(name, room)
    if (dropStale(room.remote, this.#checks, this.#since).length > 0) this.#reportSoon(name, room)
  }

  #reportSoon(name: string, room: LocalRoom): void {
    room.timer ??= setTimeout(() => {
      room.timer = undefined
      if (room.changed) this.#announce(name, room)
      this.#report(name, room)
    }, GATHER_MS)
  }

  /** Sends the members here what is different. */
  #report(name: string, room: LocalRoom): void {
    const { members, users } = presentIn(room)
    const { reported } = room
    const joined = users && reported.users ? [...users].filter((user) => !reported.users!.has(user)) : []
    const left = users && reported.users ? [...reported.users].filter((user) => !users.has(user)) : []
    if (joined.length + left.length === 0 && members === reported.members && !users === !reported.users)
      return
    room.reported = { members, users }
    const detail = !users ? {} : reported.users ? { joined, left } : { users: [...users] }
    this.#send(name, JSON.stringify({ type: 'presence', room: name, members, ...detail }))
  }
}

/** How many, and who where they are few. */
const membersOf = (users: ReadonlySet<string>) => ({
  members: users.size,
  ...(users.size <= NAMED_MEMBERS && { users: [...users] }),
})

/** All members of a room; by name where every server names its own and they are few together. */
function presentIn({ users, remote }: LocalRoom): PresentUsers {
  const names = new Set(users)
  let members = users.size
  let named = users.size <= NAMED_MEMBERS
  for (const there of remote.values()) {
    members += there.members
    if (there.users) for (const user of there.users) names.add(user)
    else named = false
  }
  // A user who moves is on two servers for a moment, and counts once where names are known.
  return named && names.size <= NAMED_MEMBERS
    ? { members: names.size, users: names }
    : { members, users: undefined }
}

const topic = (room: string): string => `presence.${roomToken(room)}`
