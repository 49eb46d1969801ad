import { setTimeout as sleep } from 'node:timers/promises'
import type { LogEntry, RoomListener, RoomLog, RoomRange } from '../room-log.ts'

const FILL_RETRY_MS = 200
const FILL_LIMIT = 200

/** Passes a room's entries to its listener in order; what the live channel lost is read from the log. */
export class RoomSubscription {
  readonly #room: string
  readonly #listener: RoomListener
  readonly #log: Pick<RoomLog, 'read'> & { range(room: string): Promise<RoomRange> }
  stop: () => void = () => {}
  /** The place up to which the listener has everything; none before `begin`. */
  #delivered: number | undefined
  #live: LogEntry[] = []
  /** While `filling`, what the channel lost is read from the log. */
  #state: 'live' | 'filling' | 'closed' = 'live'

  constructor(
    room: string,
    listener: RoomListener,
    log: Pick<RoomLog, 'read'> & { range(room: string): Promise<RoomRange> },
  ) {
    this.#room = room
    this.#listener = listener
    this.#log = log
  }

  /** Begins to deliver everything after a place. */
  begin(head: number): void {
    this.#delivered = head
    this.#deliver()
  }

  onLive(text: string): void {
    const first = text.indexOf(' ')
    const second = text.indexOf(' ', first + 1)
    this.#live.push({
      seq: Number(text.slice(0, first)),
      prevSeq: Number(text.slice(first + 1, second)),
      payload: Buffer.from(text.slice(second + 1)),
    })
    this.#deliver()
  }

  /** Looks whether an entry was missed that none followed. */
  async check(): Promise<void> {
    if (this.#delivered === undefined || this.#state !== 'live') return
    try {
      const { head } = await this.#log.range(this.#room)
      if (head > this.#delivered && this.#state === 'live') await this.#fill(head)
    } catch {
      // The broker is away: the next check looks again.
    }
  }

  close(): void {
    this.#state = 'closed'
    this.#live = []
    this.stop()
  }

  #deliver(): void {
    if (this.#delivered === undefined || this.#state !== 'live') return
    for (let next = this.#live[0]; next && this.#state === 'live'; next = this.#live[0]) {
      if (next.prevSeq > this.#delivered) {
        void this.#fill(next.prevSeq)
        return
      }
      this.#live.shift()
      this.#pass(next)
    }
  }

  #pass(entry: LogEntry): void {
    if (entry.seq <= this.#delivered! || this.#state === 'closed') return
    this.#delivered = entry.seq
    this.#listener(this.#room, entry)
  }

  async #fill(until: number): Promise<void> {
    this.#state = 'filling'
    while (this.#state === 'filling' && this.#delivered! < until) {
      try {
        const { entries } = await this.#log.read(this.#room, this.#delivered!, FILL_LIMIT)
        for (const entry of entries) this.#pass(entry)
        // What is between was dropped, or lost in a fail-over.
        if (entries.length === 0) this.#delivered = until
      } catch {
        await sleep(FILL_RETRY_MS)
      }
    }
    if (this.#state !== 'filling') return
    this.#state = 'live'
    this.#deliver()
  }
}
