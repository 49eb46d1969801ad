import type { PresenceDirectory } from '../chat/api/directory.ts'
import { NAMED_MEMBERS } from '../chat/hub/hub-protocol.ts'
import type { Bus } from './broker.ts'
import {
  CHECK_MS,
  DIRECTORY_ASK_TOPIC,
  DIRECTORY_TOPIC,
  type DirectoryEntry,
  HEARTBEAT_TOPIC,
  type Heartbeat,
  SILENT_CHECKS,
} from './presence.ts'

interface Source {
  readonly number: number
  /** Members of each room; their names are absent where they are many. */
  readonly rooms: Map<string, { members: number; users: readonly string[] | undefined }>
  /** Checks since its last sign of life. */
  silent: number
}

/**
 * Who is in which room over all servers of a cluster, for the server API: by announcements that the servers send while a directory
 * asks for them. Like all presence it may be some seconds late, and names are known in rooms with few members only.
 */
export class ClusterDirectory implements PresenceDirectory {
  readonly #bus: Bus
  readonly #sources = new Map<string, Source>()
  readonly #timer: NodeJS.Timeout
  readonly #stops: readonly (() => void)[]

  constructor(bus: Bus) {
    this.#bus = bus
    this.#stops = [
      bus.subscribe(DIRECTORY_TOPIC, (text) => this.#take(JSON.parse(text) as DirectoryEntry)),
      bus.subscribe(HEARTBEAT_TOPIC, (text) => {
        const { server, ends } = JSON.parse(text) as Heartbeat
        if (ends) this.#sources.delete(server)
        else this.#alive(server)
      }),
    ]
    this.#timer = setInterval(() => this.#check(), CHECK_MS)
    bus.publish(DIRECTORY_ASK_TOPIC, '')
  }

  #alive(server: string): void {
    const source = this.#sources.get(server)
    if (source) source.silent = 0
  }

  #take({ server, number, room, members, users }: DirectoryEntry): void {
    const source = this.#sources.get(server) ?? { number, rooms: new Map(), silent: 0 }
    this.#sources.set(server, source)
    source.silent = 0
    if (members === 0) source.rooms.delete(room)
    else source.rooms.set(room, { members, users })
  }

  #check(): void {
    // While the broker is away all are silent: that means nothing.
    if (!this.#bus.connected) return
    this.#bus.publish(DIRECTORY_ASK_TOPIC, '')
    for (const [server, source] of this.#sources)
      if (++source.silent > SILENT_CHECKS) this.#sources.delete(server)
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

  roomsOf(user: string): { room: string; servers: number[] }[] {
    const servers = new Map<string, number[]>()
    for (const { number, rooms } of this.#sources.values())
      for (const [room, { users }] of rooms)
        if (users?.includes(user)) servers.set(room, [...(servers.get(room) ?? []), number])
    return [...servers].map(([room, numbers]) => ({ room, servers: numbers }))
  }

  close(): void {
    clearInterval(this.#timer)
    for (const stop of this.#stops) stop()
  }
}
