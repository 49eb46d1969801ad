import { LogOverloaded } from '../log/room-log.ts'

/** Reads in flight at once, and those that may wait for one of them to end. */
const IN_FLIGHT = 8
const MAX_WAITING = 4096

/**
 * Bounds the reads of a chat server. Those that wait go by room in turn: a client that asks for the history of one room a thousand
 * times delays who joins another by one page.
 */
export class ReadQueue {
  readonly #waiting = new Map<string, (() => void)[]>()
  #inFlight = 0
  #count = 0

  /** @throws {LogOverloaded} when too many wait */
  async run<T>(room: string, read: () => Promise<T>): Promise<T> {
    if (this.#inFlight >= IN_FLIGHT) await this.#turn(room)
    else this.#inFlight++
    try {
      return await read()
    } finally {
      this.#next()
    }
  }

  #turn(room: string): Promise<void> {
    if (this.#count >= MAX_WAITING) throw new LogOverloaded('too many reads wait', 1000)
    this.#count++
    return new Promise((resolve) => {
      const queue = this.#waiting.get(room)
      if (queue) queue.push(resolve)
      else this.#waiting.set(room, [resolve])
    })
  }

  /** Gives its place to the next room's oldest read. */
  #next(): void {
    for (const [room, queue] of this.#waiting) {
      this.#waiting.delete(room)
      const start = queue.shift()
      if (queue.length > 0) this.#waiting.set(room, queue) // behind the others
      if (!start) continue
      this.#count--
      start()
      return
    }
    this.#inFlight--
  }
}
