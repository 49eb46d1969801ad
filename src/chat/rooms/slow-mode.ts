import type { RoomMessage } from '../../protocol/messages.ts'
import type { RoomLog } from '../log/room-log.ts'

/** Newest entries of a room in which a message of the user is looked for that another server sent. */
const LOOK_BACK = 64

/** Keeps the messages of a user in a room apart in time. */
export class SlowMode {
  readonly #log: RoomLog
  /** When the next message of each user in each room may come, milliseconds since 1970. */
  readonly #next = new Map<string, number>()
  #sweepAt = 1024

  constructor(log: RoomLog) {
    this.#log = log
  }

  /**
   * Milliseconds until the user may send to the room; when it is 0, the message counts as sent. A message that is in the log
   * already may come again at once.
   */
  async take(room: string, user: string, id: string, seconds: number): Promise<number> {
    const key = `${room}\u0000${user}`
    const now = Date.now()
    const wait = (this.#next.get(key) ?? 0) - now
    if (wait > 0) return wait
    this.#set(key, now + seconds * 1000)
    try {
      const last = await this.#lastOf(room, user)
      if (!last || last.id === id) return 0
      const left = last.time + seconds * 1000 - now
      if (left > 0) this.#set(key, last.time + seconds * 1000)
      return Math.max(0, left)
    } catch (error) {
      this.release(room, user)
      throw error
    }
  }

  /** The message was not appended. */
  release(room: string, user: string): void {
    this.#next.delete(`${room}\u0000${user}`)
  }

  #set(key: string, next: number): void {
    if (this.#next.size >= this.#sweepAt) this.#sweep()
    this.#next.set(key, next)
  }

  #sweep(): void {
    const now = Date.now()
    for (const [key, next] of this.#next) if (next <= now) this.#next.delete(key)
    this.#sweepAt = Math.max(1024, 2 * this.#next.size)
  }

  async #lastOf(room: string, user: string): Promise<RoomMessage | undefined> {
    const { entries } = await this.#log.readBefore(room, Number.MAX_SAFE_INTEGER, LOOK_BACK)
    for (const { payload } of [...entries].reverse()) {
      const message = JSON.parse(payload.toString()) as RoomMessage
      if (message.user === user && message.edits === undefined && message.deletes === undefined)
        return message
    }
    return undefined
  }
}
