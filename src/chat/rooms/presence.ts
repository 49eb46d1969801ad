import { Signal } from '../../base/signal.ts'
import { countRooms, type PresenceDirectory } from '../api/directory.ts'
import { NAMED_MEMBERS, type Roster } from '../hub/hub-protocol.ts'

/** Milliseconds over which changes are gathered; for rooms that only count, longer. */
const GATHER_MS = 100
const GATHER_LARGE_MS = 1000

interface Room {
  /** On which servers each user is: nearly always on one, which needs no `Set`. */
  readonly users: Map<string, number | Set<number>>
  /** Users that changed since they were last reported, and whether they were there then. */
  readonly changed: Map<string, boolean>
  /** Users whose change is in a snapshot already: their state is reported, also when the change is undone by then. */
  readonly shown: Set<string>
  timer: NodeJS.Timeout | undefined
  reportedNames: boolean
}

/** Who came to a room and left it, over all servers. */
export interface PresenceChange {
  readonly room: string
  readonly joined: string[]
  readonly left: string[]
  readonly members: number
}

/**
 * Who is in which room, over all servers. A user that moves from one server to another does not flicker: changes are gathered
 * for a moment, and only what is different then is reported.
 */
export class PresenceTracker implements PresenceDirectory {
  readonly #rooms = new Map<string, Room>()
  readonly #report: (room: string, line: string) => void
  /** All who came and went, in rooms of any size. */
  readonly changes = new Signal<PresenceChange>()

  /** @param report receives the JSON of a `presence` message for the members of a room */
  constructor(report: (room: string, line: string) => void) {
    this.#report = report
  }

  roster(name: string): Roster {
    const users = this.#rooms.get(name)?.users
    if (!users) return { members: 0, users: [] }
    return users.size > NAMED_MEMBERS
      ? { members: users.size }
      : { members: users.size, users: [...users.keys()] }
  }

  /** The roster for a reader who follows what is reported from here on. */
  snapshot(name: string): Roster {
    const room = this.#rooms.get(name)
    for (const user of room?.changed.keys() ?? []) room!.shown.add(user)
    return this.roster(name)
  }

  /** Every room with members, and how many. */
  *rooms(): Iterable<readonly [room: string, members: number]> {
    for (const [name, { users }] of this.#rooms) if (users.size > 0) yield [name, users.size]
  }

  users(): Iterable<readonly [user: string, rooms: number]> {
    return countRooms([...this.#rooms.values()].map(({ users }) => users.keys()))
  }

  /** The rooms that a user is in, and the servers that the user is connected to there. */
  roomsOf(user: string): { room: string; servers: number[] }[] {
    return [...this.#rooms].flatMap(([room, { users }]) => {
      const servers = users.get(user)
      if (servers === undefined) return []
      return [{ room, servers: typeof servers === 'number' ? [servers] : [...servers] }]
    })
  }

  here(server: number, name: string, user: string): void {
    let room = this.#rooms.get(name)
    if (!room) {
      room = { users: new Map(), changed: new Map(), shown: new Set(), timer: undefined, reportedNames: true }
      this.#rooms.set(name, room)
    }
    const servers = room.users.get(user)
    if (servers === undefined) {
      room.users.set(user, server)
      this.#changed(name, room, user, false)
    } else if (typeof servers !== 'number') {
      servers.add(server)
    } else if (servers !== server) {
      room.users.set(user, new Set([servers, server]))
    }
  }

  /** The same in a room of at most `maxMembers` users; returns whether there was a place. */
  claimPlace(server: number, name: string, user: string, maxMembers: number): boolean {
    const users = this.#rooms.get(name)?.users
    if (users && !users.has(user) && users.size >= maxMembers) return false
    this.here(server, name, user)
    return true
  }

  gone(server: number, name: string, user: string): void {
    const room = this.#rooms.get(name)
    const servers = room?.users.get(user)
    if (!room || servers === undefined || !isOn(servers, server)) return
    if (typeof servers !== 'number' && servers.size > 1) {
      servers.delete(server)
      return
    }
    room.users.delete(user)
    this.#changed(name, room, user, true)
  }

  /** Everyone who was on that server is gone. */
  serverGone(server: number): void {
    for (const [name, room] of this.#rooms)
      for (const [user, servers] of [...room.users]) if (isOn(servers, server)) this.gone(server, name, user)
  }

  close(): void {
    for (const { timer } of this.#rooms.values()) clearTimeout(timer)
    this.#rooms.clear()
  }

  #changed(name: string, room: Room, user: string, wasHere: boolean): void {
    if (!room.changed.has(user)) room.changed.set(user, wasHere)
    room.timer ??= setTimeout(
      () => this.#flush(name, room),
      room.users.size > NAMED_MEMBERS ? GATHER_LARGE_MS : GATHER_MS,
    )
  }

  #flush(name: string, room: Room): void {
    room.timer = undefined
    const members = room.users.size
    const changed = [...room.changed].filter(([user, wasHere]) => room.users.has(user) !== wasHere)
    const shown = [...room.shown]
    room.changed.clear()
    room.shown.clear()
    if (members === 0) this.#rooms.delete(name)
    if (changed.length > 0) {
      const joined = changed.filter(([, wasHere]) => !wasHere).map(([user]) => user)
      const left = changed.filter(([, wasHere]) => wasHere).map(([user]) => user)
      this.changes.emit({ room: name, joined, left, members })
    }
    const differing = new Set([...changed.map(([user]) => user), ...shown])
    if (differing.size === 0) return
    const joined = [...differing].filter((user) => room.users.has(user))
    const left = [...differing].filter((user) => !room.users.has(user))
    const names = members <= NAMED_MEMBERS
    const detail = !names ? {} : room.reportedNames ? { joined, left } : { users: [...room.users.keys()] }
    room.reportedNames = names
    this.#report(name, JSON.stringify({ type: 'presence', room: name, members, ...detail }))
  }
}

const isOn = (servers: number | Set<number>, server: number) =>
  typeof servers === 'number' ? servers === server : servers.has(server)
