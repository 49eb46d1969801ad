import type { Append, Appended, LogPage, RoomListener, RoomLog, RoomRange } from './room-log.ts'

/** A room log that passes everything on to another one: for those that add something to some of it. */
export class ForwardingLog implements RoomLog {
  protected readonly log: RoomLog

  constructor(log: RoomLog) {
    this.log = log
  }

  get epoch() {
    return this.log.epoch
  }

  get durability() {
    return this.log.durability
  }

  append(message: Append): Promise<Appended> {
    return this.log.append(message)
  }

  read(room: string, after: number, limit: number): Promise<LogPage> {
    return this.log.read(room, after, limit)
  }

  readBefore(room: string, before: number, limit: number): Promise<LogPage> {
    return this.log.readBefore(room, before, limit)
  }

  subscribe(room: string, listener: RoomListener): Promise<RoomRange> {
    return this.log.subscribe(room, listener)
  }

  unsubscribe(room: string): void {
    this.log.unsubscribe(room)
  }

  close(): Promise<void> {
    return this.log.close()
  }
}
