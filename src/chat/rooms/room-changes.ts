import type { MessageExtras, RoomMessage } from '../../protocol/messages.ts'
import { SYSTEM_PREFIX } from '../access/moderation-log.ts'
import type { LogEntry, RoomLog } from '../log/room-log.ts'

/** What was changed in a room after it was written, as an entry of the log beside the room's own. */
export type RoomChange =
  | { readonly seq: number; readonly deleted: true }
  /** The edit is at the place `editedAt` of the room's own log. */
  | { readonly seq: number; readonly editedAt: number }
  /** The room was deleted: nothing up to this place is shown now. */
  | { readonly purgedTo: number }

/** The log beside a room's own that keeps what must hold for every reader, however little of the room it reads. */
export const changesRoom = (room: string): string => `${SYSTEM_PREFIX}changes/${room}`

const PAGE = 1000

/** Which messages of a room were edited or deleted. */
export class RoomChanges {
  readonly #room: string
  readonly #deleted = new Set<number>()
  /** The newest edit of each message. */
  readonly #edits = new Map<number, number>()
  #purgedTo = 0
  #at = 0
  #isStale = true
  #reading: Promise<void> | undefined

  constructor(room: string) {
    this.#room = room
  }

  /** Something of the room was not received as it came: the next `refresh` reads the log. */
  invalidate(): void {
    this.#isStale = true
  }

  /** Reads what was changed since it was last read, unless every change was received as it came. */
  async refresh(log: RoomLog): Promise<void> {
    while (this.#isStale || this.#reading) {
      this.#reading ??= this.#read(log).finally(() => {
        this.#reading = undefined
      })
      await this.#reading
    }
  }

  async #read(log: RoomLog): Promise<void> {
    this.#isStale = false
    try {
      for (;;) {
        const { entries } = await log.read(changesRoom(this.#room), this.#at, PAGE)
        if (entries.length === 0) return
        for (const { seq, payload } of entries) {
          this.#at = seq
          this.#apply(JSON.parse((JSON.parse(payload.toString()) as RoomMessage).body) as RoomChange)
        }
      }
    } catch (error) {
      this.#isStale = true
      throw error
    }
  }

  /** Follows the room's own log. Returns whether a message was deleted. */
  receive({ seq, payload }: LogEntry): boolean {
    if (!payload.includes('"edits":') && !payload.includes('"deletes":')) return false
    const { edits, deletes } = JSON.parse(payload.toString()) as MessageExtras
    if (edits !== undefined) this.#apply({ seq: edits, editedAt: seq })
    if (deletes !== undefined) this.#apply({ seq: deletes, deleted: true })
    return deletes !== undefined
  }

  #apply(change: RoomChange): void {
    if ('purgedTo' in change) {
      this.#purgedTo = Math.max(this.#purgedTo, change.purgedTo)
      for (const seq of this.#deleted) if (seq <= this.#purgedTo) this.#deleted.delete(seq)
      for (const seq of this.#edits.keys()) if (seq <= this.#purgedTo) this.#edits.delete(seq)
    } else if ('deleted' in change) {
      this.#deleted.add(change.seq)
      this.#edits.delete(change.seq)
    } else if (!this.#deleted.has(change.seq)) {
      this.#edits.set(change.seq, Math.max(change.editedAt, this.#edits.get(change.seq) ?? 0))
    }
  }

  isDeleted(seq: number): boolean {
    return seq <= this.#purgedTo || this.#deleted.has(seq)
  }

  /** Nothing up to here is shown. */
  get purgedTo(): number {
    return this.#purgedTo
  }

  /** An entry as members may see it: what was deleted keeps its place, and loses body and data. */
  visible(entry: LogEntry): LogEntry {
    if (this.#deleted.size === 0) return entry
    const isTarget = this.#deleted.has(entry.seq)
    if (!isTarget && !entry.payload.includes('"edits":')) return entry
    const message = JSON.parse(entry.payload.toString()) as RoomMessage
    if (!isTarget && !this.#deleted.has(message.edits!)) return entry
    const { data: _, ...rest } = message
    return { ...entry, payload: Buffer.from(JSON.stringify({ ...rest, body: '', deleted: true })) }
  }

  /** Messages of history as they are now: without what was deleted, and with the newest body of each. */
  async resolve(log: RoomLog, entries: readonly LogEntry[]): Promise<RoomMessage[]> {
    await this.refresh(log)
    const shown = entries.filter(({ seq }) => seq > this.#purgedTo)
    const messages: RoomMessage[] = []
    for (const entry of shown) {
      const message = JSON.parse(this.visible(entry).payload.toString()) as RoomMessage
      const editedAt = this.#edits.get(entry.seq)
      messages.push(editedAt === undefined ? message : await this.#edited(log, message, editedAt))
    }
    return messages
  }

  async #edited(log: RoomLog, message: RoomMessage, editedAt: number): Promise<RoomMessage> {
    const { entries } = await log.read(this.#room, editedAt - 1, 1)
    if (entries[0]?.seq !== editedAt) return message
    const { data: _, ...rest } = message
    const { body, data } = JSON.parse(entries[0].payload.toString()) as RoomMessage
    return { ...rest, body, ...(data && { data }), editedAt }
  }
}
