import { Signal } from '../base/signal.ts'
import { type ChatDirectory, countRooms } from '../chat/api/directory.ts'
import { mostActive, type Talker } from '../chat/api/talkers.ts'
import { NAMED_MEMBERS } from '../chat/hub/hub-protocol.ts'
import {
  ANNOUNCE_CHECKS,
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

interface Source {
  readonly number: number
  /** Its members of each room. */
  readonly rooms: Map<string, RemoteMembers>
  talkers: readonly Talker[]
}

/** Milliseconds over which changes of a room are gathered. */
const GATHER_MS = 500
/** Checks after which all that was there has been announced, and those who are no longer there are silent. */
const COMPLETE_CHECKS = ANNOUNCE_CHECKS + SILENT_CHECKS

/**
 * Who is in which room over all servers of a cluster, for the server API: by announcements that the servers send while a directory
 * asks for them. Like all presence it may be some seconds late, and names are known in rooms with few members only.
 */
export class ClusterDirectory implements ChatDirectory {
  readonly #bus: Bus
  readonly #sources = new Map<string, Source>()
  readonly #silence = new Silence<string>()
  readonly #timer: NodeJS.Timeout
  readonly #stops: readonly (() => void)[]
  readonly #gathering = new Map<string, NodeJS.Timeout>()
  #checks = 0
  /** The number of the check from which on it has listened without a gap. */
  #since = 0
  /** A room, a moment after its members have changed. */
  readonly changes = new Signal<string>()

  constructor(bus: Bus) {
    this.#bus = bus
    this.#stops = [
      bus.subscribe(DIRECTORY_TOPIC, (text) => this.#update(JSON.parse(text) as DirectoryEntry)),
      bus.subscribe(TALKERS_TOPIC, (text) => {
        const { server, number, talkers } = JSON.parse(text) as ServerTalkers
        this.#source(server, number).talkers = talkers
      }),
      bus.subscribe(HEARTBEAT_TOPIC, (text) => {
        const { server, ends } = JSON.parse(text) as Heartbeat
        if (ends) this.#drop(server)
        else if (this.#sources.has(server)) this.#silence.heard(server)
      }),
    ]
    this.#timer = setInterval(() => this.#check(), CHECK_MS)
    bus.publish(DIRECTORY_ASK_TOPIC, ASK_ALL)
  }

  /** Whether every server has had the time to say who is there. */
  get isComplete(): boolean {
    return this.#checks - this.#since > COMPLETE_CHECKS
  }

  /** The server, which has just given a sign of life. */
  #source(server: string, number: number): Source {
    const source = this.#sources.get(server) ?? { number, rooms: new Map(), talkers: [] }
    this.#sources.set(server, source)
    this.#silence.heard(server)
    return source
  }

  #update({ server, number, room, members, users }: DirectoryEntry): void {
    const source = this.#source(server, number)
    if (members === 0) source.rooms.delete(room)
    else source.rooms.set(room, { members, users, heard: this.#checks })
    this.#changed(room)
  }

  #drop(server: string): void {
    const source = this.#sources.get(server)
    this.#sources.delete(server)
    this.#silence.forget(server)
    for (const room of source?.rooms.keys() ?? []) this.#changed(room)
  }

  /** Reports a change after a moment, in which a user who moves arrives on the other server. */
  #changed(room: string): void {
    if (this.#gathering.has(room)) return
    const timer = setTimeout(() => {
      this.#gathering.delete(room)
      this.changes.emit(room)
    }, GATHER_MS)
    this.#gathering.set(room, timer)
  }

  #check(): void {
    // While the broker is away all are silent: that means nothing.
    if (!this.#bus.connected) {
      this.#silence.reset()
      this.#since = this.#checks
      return
    }
    this.#bus.publish(DIRECTORY_ASK_TOPIC, this.#checks++ === this.#since ? ASK_ALL : '')
    for (const server of this.#silence.check(SILENT_CHECKS)) this.#drop(server)
    if (this.#checks % ANNOUNCE_CHECKS > 0) return
    for (const { rooms } of this.#sources.values())
      for (const room of dropStale(rooms, this.#checks, this.#since)) this.#changed(room)
  }

  *rooms(): Iterable<readonly [room: string, members: number]> {
    const names = new Set([...this.#sources.values()].flatMap(({ rooms }) => [...rooms.keys()]))
    for (const room of names) yield [room, this.roster(room).members]
  }

  roster(room: string): { members: number; users?: readonly string[] } {
    const users = new Set<string>()
    let members = 0
    let named = true
    for (const { rooms } of this.#sources.values()) {
      const there = rooms.get(room)
      if (!there) continue
      members += there.members
      if (there.users) for (const user of there.users) users.add(user)
      else named = false
    }
    // A user who moves is on two servers for a moment, and counts once where names are known.
    return named && users.size <= NAMED_MEMBERS ? { members: users.size, users: [...users] } : { members }
  }

  users(): Iterable<readonly [user: string, rooms: number]> {
    const rooms = new Map<string, Set<string>>()
    for (const source of this.#sources.values())
      for (const [room, { users }] of source.rooms) {
        const there = rooms.get(room) ?? new Set()
        rooms.set(room, there)
        for (const user of users ?? []) there.add(user)
      }
    return countRooms(rooms.values())
  }

  /** Those who sent most in the last minute. A user who has just moved is counted on both servers. */
  talkers(limit: number): Talker[] {
    return mostActive(
      [...this.#sources.values()].map(({ talkers }) => talkers),
      limit,
    )
  }

  roomsOf(user: string): { room: string; servers: number[] }[] {
    const servers = new Map<string, number[]>()
    for (const { number, rooms } of this.#sources.values())
      for (const [room, { users }] of rooms)
        if (users?.includes(user)) servers.set(room, [...(servers.get(room) ?? []), number])
    return [...servers].map(([room, numbers]) => ({ room, servers: numbers }))
  }

  close(): void {
    clearInterval(this.#timer)
    for (const timer of this.#gathering.values()) clearTimeout(timer)
    for (const stop of this.#stops) stop()
  }
}
