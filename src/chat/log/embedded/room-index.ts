import { countBelow } from '../../../base/sorted.ts'
import type { RoomRange } from '../room-log.ts'

/** Offsets in a segment are below this. */
const SEGMENT_SPAN = 2 ** 32

/** Where a record is: its segment's number and its offset there. */
interface Location {
  readonly segment: number
  readonly offset: number
}

export interface Placed extends Location {
  readonly seq: number
  readonly prevSeq: number
}

/** Consecutive places of one room. */
interface Run {
  seq: number
  /** The place before the first of them. */
  prevSeq: number
  /** Of `seq`, `seq + 1`, …: segment · 2³² + offset, exact up to segment 2²¹. */
  records: number[]
}

const endOf = ({ seq, records }: Run) => seq + records.length - 1

/** The messages of one room that can be read. */
export class RoomPlaces {
  head: number
  runs: Run[] = []

  constructor(head: number) {
    this.head = head
  }

  /** Returns `false` when it is not after the last one. */
  add(seq: number, prevSeq: number, segment: number, offset: number): boolean {
    if (seq <= (this.runs.length > 0 ? endOf(this.runs.at(-1)!) : 0)) return false
    const record = segment * SEGMENT_SPAN + offset
    const last = this.runs.at(-1)
    if (last && seq === endOf(last) + 1 && prevSeq === seq - 1) last.records.push(record)
    else this.runs.push({ seq, prevSeq, records: [record] })
    if (seq > this.head) this.head = seq
    return true
  }

  /** The run of the first message at or after `seq`; the number of runs when no run has it. */
  runFrom(seq: number): number {
    return countBelow(this.runs, seq, endOf)
  }

  at(run: Run, i: number): Placed {
    const record = run.records[i]!
    return {
      seq: run.seq + i,
      prevSeq: i === 0 ? run.prevSeq : run.seq + i - 1,
      segment: Math.floor(record / SEGMENT_SPAN),
      offset: record % SEGMENT_SPAN,
    }
  }

  /** Forgets what is in segments before `segment`. */
  trim(segment: number): void {
    const from = segment * SEGMENT_SPAN
    let gone = 0
    for (const run of this.runs) {
      let n = 0
      while (n < run.records.length && run.records[n]! < from) n++
      if (n < run.records.length) {
        if (n > 0) {
          run.records.splice(0, n)
          run.seq += n
          run.prevSeq = run.seq - 1
        }
        break
      }
      gone++
    }
    if (gone > 0) this.runs.splice(0, gone)
  }
}

/** Where each message of each room is on disk: 8 bytes a message, and nothing of rooms that have none left. */
export class RoomIndex {
  readonly #rooms = new Map<string, RoomPlaces>()
  /** The head of every room that is not known: places up to here may have been given to messages that are gone. */
  floor = 0

  get size(): number {
    return this.#rooms.size
  }

  range(name: string): RoomRange {
    const room = this.#rooms.get(name)
    if (!room) return { first: this.floor + 1, head: this.floor }
    return { first: room.runs[0]?.seq ?? room.head + 1, head: room.head }
  }

  head(name: string): number {
    return this.#rooms.get(name)?.head ?? this.floor
  }

  room(name: string): RoomPlaces {
    let room = this.#rooms.get(name)
    if (!room) {
      room = new RoomPlaces(this.floor)
      this.#rooms.set(name, room)
    }
    return room
  }

  /** Messages after the place `after`, oldest first. */
  *after(name: string, after: number): Iterable<Placed> {
    const room = this.#rooms.get(name)
    if (!room) return
    for (let r = room.runFrom(after + 1); r < room.runs.length; r++) {
      const run = room.runs[r]!
      for (let i = Math.max(0, after + 1 - run.seq); i < run.records.length; i++) yield room.at(run, i)
    }
  }

  /** Messages before the place `before`, newest first. */
  *before(name: string, before: number): Iterable<Placed> {
    const room = this.#rooms.get(name)
    if (!room) return
    for (let r = Math.min(room.runFrom(before), room.runs.length - 1); r >= 0; r--) {
      const run = room.runs[r]!
      for (let i = Math.min(run.records.length, before - run.seq) - 1; i >= 0; i--) yield room.at(run, i)
    }
  }

  /** The message at `seq`, when it can be read. */
  find(name: string, seq: number): Placed | undefined {
    for (const placed of this.after(name, seq - 1)) return placed.seq === seq ? placed : undefined
    return undefined
  }

  /** The highest place there is. */
  highest(): number {
    let highest = this.floor
    for (const { head } of this.#rooms.values()) if (head > highest) highest = head
    return highest
  }

  /** No more places up to `place` are given, in any room: what was there may be lost. */
  raise(place: number): void {
    this.floor = Math.max(this.floor, place)
    for (const room of this.#rooms.values()) room.head = Math.max(room.head, place)
  }

  /** Forgets what is in segments before `segment`, and rooms that have nothing left and are not to be kept. */
  trim(segment: number, keep: (room: string) => boolean): void {
    for (const [name, room] of this.#rooms) {
      room.trim(segment)
      if (room.runs.length > 0 || keep(name)) continue
      this.floor = Math.max(this.floor, room.head)
      this.#rooms.delete(name)
    }
  }
}
