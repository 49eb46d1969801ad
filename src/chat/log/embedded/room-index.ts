import type { RoomRange } from '../room-log.ts'

/** Offsets in a segment are below this. */
const SEGMENT_SPAN = 2 ** 32
/** Stands for a place whose record was damaged. */
const LOST = -1

/** Where a record stands: its segment's number and its offset there. */
export interface Place {
  readonly segment: number
  readonly offset: number
}

interface Room {
  first: number
  /** Of `first`, `first + 1`, …: segment · 2³² + offset, exact up to segment 2²¹. */
  places: number[]
}

/** Where each message of each room stands on disk, 8 bytes a message. */
export class RoomIndex {
  readonly #rooms = new Map<string, Room>()

  range(name: string): RoomRange {
    const room = this.#rooms.get(name)
    return room ? { first: room.first, head: room.first + room.places.length - 1 } : { first: 1, head: 0 }
  }

  /** Takes the record of place `seq`; places that were skipped are lost. A place that is known stays as it is. */
  add(name: string, seq: number, segment: number, offset: number): void {
    let room = this.#rooms.get(name)
    if (!room) {
      room = { first: seq, places: [] }
      this.#rooms.set(name, room)
    }
    const i = seq - room.first
    if (i < room.places.length) return
    while (room.places.length < i) room.places.push(LOST)
    room.places.push(segment * SEGMENT_SPAN + offset)
  }

  /** Knows that the room had `head` messages, though none may be left. */
  raise(name: string, head: number): void {
    const known = this.range(name)
    if (head <= known.head) return
    const room = this.#rooms.get(name)
    if (!room || room.places.length === 0) this.#rooms.set(name, { first: head + 1, places: [] })
    else while (room.first + room.places.length - 1 < head) room.places.push(LOST)
  }

  /** Where the message stands; nothing when it is lost. */
  place(name: string, seq: number): Place | undefined {
    const room = this.#rooms.get(name)
    const place = room?.places[seq - room.first]
    if (place === undefined || place === LOST) return undefined
    return { segment: Math.floor(place / SEGMENT_SPAN), offset: place % SEGMENT_SPAN }
  }

  /** Forgets all that stands in segments before `segment`. */
  trim(segment: number): void {
    for (const room of this.#rooms.values()) {
      let n = 0
      while (n < room.places.length && room.places[n]! < segment * SEGMENT_SPAN) n++
      if (n === 0) continue
      room.places.splice(0, n)
      room.first += n
    }
  }

  *heads(): Iterable<[room: string, head: number]> {
    for (const [name, room] of this.#rooms) yield [name, room.first + room.places.length - 1]
  }
}
