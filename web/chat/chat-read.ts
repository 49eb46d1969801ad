import type { ChatClient } from '../../src/client/browser.ts'

/** Milliseconds between two marks: each counts as a message for the rate of the user. */
const MARK_MS = 2000

/** How far the user has read a room, which the server keeps for all devices of the user. */
export class ReadPlace {
  readonly #client: ChatClient
  readonly #room: string
  #read = 0
  #marked = 0
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(room: string, client: ChatClient) {
    this.#room = room
    this.#client = client
  }

  /** The user has seen everything up to this place. */
  readTo(seq: number): void {
    this.#read = Math.max(this.#read, seq)
    if (this.#read > this.#marked) this.#timer ??= setTimeout(() => void this.#mark(), MARK_MS)
  }

  /** Where the user left off before this page was opened, when there is something unread; `head` is the newest place then. */
  async leftOff(): Promise<{ read: number; head: number } | undefined> {
    try {
      const [answer] = await this.#client.unread([this.#room])
      return answer && answer.read > 0 && answer.unread > 0 ? answer : undefined
    } catch {
      // There is no connection now, or the server keeps no such places: then there is no such line.
      return undefined
    }
  }

  async #mark(): Promise<void> {
    this.#timer = undefined
    const seq = this.#read
    try {
      await this.#client.markRead(this.#room, seq)
      this.#marked = seq
    } catch {
      // What is read next marks this, too.
    }
  }
}
