import type { LogEntry, LogPage, RoomListener } from '../log/room-log.ts'

const PAGE = 256
const RETRY_MS = 500

/**
 * One room of a chat server: passes every entry on, in order. What the hub left out because the server was too slow is read
 * from the log; what comes meanwhile is there, too, and not kept.
 */
export class Subscription {
  readonly room: string
  /** The number by which the hub names the room. */
  number: number | undefined
  readonly #listener: RoomListener
  readonly #read: (room: string, after: number, limit: number) => Promise<LogPage>
  /** The last place that was passed on or existed before this subscription; unknown until the hub has answered. */
  #last: number | undefined
  /** Where to read up to. */
  #target = 0
  /** While `filling`, what was left out is read from the log. */
  #state: 'live' | 'filling' | 'closed' = 'live'

  constructor(
    room: string,
    listener: RoomListener,
    read: (room: string, after: number, limit: number) => Promise<LogPage>,
  ) {
    this.room = room
    this.#listener = listener
    this.#read = read
  }

  /** The hub has answered: everything after `head` is to be passed on. */
  begin(head: number): void {
    this.#last = Math.max(this.#last ?? 0, head)
    this.#fill()
  }

  push(entry: LogEntry): void {
    if (this.#state === 'closed') return
    if (this.#state === 'filling' || (this.#last === undefined && this.#target > 0)) {
      this.#target = Math.max(this.#target, entry.seq)
      return
    }
    this.#pass(entry)
  }

  /** Entries up to `head` were left out. */
  missed(head: number): void {
    this.#target = Math.max(this.#target, head)
    this.#fill()
  }

  close(): void {
    this.#state = 'closed'
  }

  #pass(entry: LogEntry): void {
    if (this.#last !== undefined && entry.seq <= this.#last) return
    this.#last = entry.seq
    this.#listener(this.room, entry)
  }

  #fill(): void {
    if (this.#state !== 'live' || this.#last === undefined || this.#target <= this.#last) return
    this.#state = 'filling'
    void this.#readOn()
  }

  async #readOn(): Promise<void> {
    while (this.#state === 'filling' && this.#last! < this.#target) {
      try {
        const { entries } = await this.#read(this.room, this.#last!, PAGE)
        if (this.#state !== 'filling') return
        for (const entry of entries) this.#pass(entry)
        if (entries.length === 0) break // trimmed or damaged: there is nothing to pass on
      } catch {
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS))
      }
    }
    if (this.#state === 'filling') this.#state = 'live'
  }
}
