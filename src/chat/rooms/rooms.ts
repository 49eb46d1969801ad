import type { Tracer } from '../../telemetry/tracer.ts'
import type { ChatLink } from '../link.ts'
import type { WriteBatcher } from '../session/write-batcher.ts'
import { DeliverySpans } from './delivery-spans.ts'
import type { Namespaces } from './namespaces.ts'
import { RECENT, Room } from './room.ts'

interface Entered {
  readonly room: Room
  readonly ready: Promise<Room>
  /** Connections in it or about to be. */
  users: number
  /** Connections in it by user, so that only the first and the last are reported. */
  readonly present: Map<string, number>
}

/** The rooms that have a member on this server. */
export class Rooms {
  readonly #link: ChatLink
  readonly #batcher: WriteBatcher
  readonly #namespaces: Namespaces
  readonly #tracer: Tracer | undefined
  readonly #rooms = new Map<string, Entered>()
  #deliveries = 0

  constructor(link: ChatLink, batcher: WriteBatcher, namespaces: Namespaces, tracer?: Tracer) {
    this.#link = link
    this.#tracer = tracer
    this.#namespaces = namespaces
    this.#batcher = batcher
  }

  /** Messages pushed to members so far. */
  get deliveries(): number {
    let sum = this.#deliveries
    for (const { room } of this.#rooms.values()) sum += room.deliveries
    return sum
  }

  /** The room, once this server is subscribed to it; to be paired with `left`. */
  enter(name: string): Promise<Room> {
    let entered = this.#rooms.get(name)
    if (!entered) {
      const spans = this.#tracer && new DeliverySpans(this.#tracer)
      const room = new Room(name, this.#batcher, spans)
      entered = { room, users: 0, present: new Map(), ready: this.#subscribe(room) }
      this.#rooms.set(name, entered)
      const { ready } = entered
      ready.catch(() => {
        if (this.#rooms.get(name)?.ready === ready) this.#rooms.delete(name)
      })
    }
    entered.users++
    return entered.ready
  }

  async #subscribe(room: Room): Promise<Room> {
    const { first, head, roster } = await this.#link.subscribe(room.name, (_, entry) => room.append(entry))
    const [{ entries }] =
      head > 0
        ? await Promise.all([
            this.#link.readBefore(room.name, head + 1, RECENT),
            room.changes.refresh(this.#link),
          ])
        : [{ entries: [] }]
    // A room without messages may have had some that the log no longer has: their changes matter to no reader.
    const { purgedTo } = room.changes
    room.begin(
      { first, head },
      entries.filter(({ seq }) => seq <= head && seq > purgedTo).map((entry) => room.changes.visible(entry)),
      roster,
    )
    return room
  }

  left({ name, deliveries }: Room): void {
    const entered = this.#rooms.get(name)
    if (!entered || --entered.users > 0) return
    this.#deliveries += deliveries
    this.#rooms.delete(name)
    this.#link.unsubscribe(name)
  }

  /** Takes a place in a room of at most `maxMembers` users, unless the user has one; returns whether there was one. */
  async takePlace(user: string, name: string, maxMembers: number): Promise<boolean> {
    const entered = this.#rooms.get(name)
    if (!entered || entered.present.has(user)) return true
    if (this.#link.takePlace) return this.#link.takePlace(name, user, maxMembers)
    const { members, users } = entered.room.roster
    if (users?.has(user)) return true
    // Who came to this server a moment ago may not have been reported yet.
    const known = users ? new Set([...users, ...entered.present.keys()]).size : members
    return Math.max(known, entered.present.size) < maxMembers
  }

  /** Gives the place back of a user who does not join after all. */
  leavePlace(user: string, name: string): void {
    if (!this.#rooms.get(name)?.present.has(user)) this.#link.present(name, user, false)
  }

  present(name: string, user: string, here: boolean): void {
    const present = this.#rooms.get(name)?.present
    if (!present) return
    const before = present.get(user) ?? 0
    const after = before + (here ? 1 : -1)
    if (after === 0) present.delete(user)
    else present.set(user, after)
    if (before === 0 || after === 0) this.#link.present(name, user, here)
  }

  /** Receives what reaches a room beside its messages. */
  onEvent(name: string, kind: 'presence' | 'typing', line: Buffer): void {
    const room = this.#rooms.get(name)?.room
    if (!room) return
    if (kind === 'presence') {
      const {
        members,
        joined = [],
        left = [],
        users,
      } = JSON.parse(line.toString()) as {
        members: number
        joined?: string[]
        left?: string[]
        users?: string[]
      }
      const named = joined.length + left.length > 0
      const known = users ? new Set(users) : named ? room.roster.users : undefined
      for (const user of joined) known?.add(user)
      for (const user of left) known?.delete(user)
      room.roster = { members, users: known }
      if (!this.#namespaces.of(name).presence) return
    }
    room.broadcast(line)
  }
}
