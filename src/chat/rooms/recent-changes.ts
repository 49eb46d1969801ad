import { RoomChanges } from './room-changes.ts'

/** Rooms whose changes are kept. */
const MAX_ROOMS = 200

/** The changes of the rooms that were read last by users who are not in them: only what is new is read again. */
export class RecentChanges {
  /** The one read last is the last. */
  readonly #rooms = new Map<string, RoomChanges>()

  /** The changes of a room; a `refresh` of them reads everything that was written before it. */
  of(room: string): RoomChanges {
    const changes = this.#rooms.get(room) ?? new RoomChanges(room)
    this.#rooms.delete(room)
    this.#rooms.set(room, changes)
    const [oldest] = this.#rooms.keys()
    if (this.#rooms.size > MAX_ROOMS) this.#rooms.delete(oldest!)
    changes.invalidate()
    return changes
  }
}
