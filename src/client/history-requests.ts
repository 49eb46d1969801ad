import type { RoomMessage, ServerMessage } from '../protocol/messages.ts'
import type { ServerConnection } from './server-connection.ts'

/** Messages that stand before a place of a room. */
export interface OlderMessages {
  /** The oldest first. */
  readonly messages: readonly RoomMessage[]
  /** The oldest place that the room still has. */
  readonly first: number
}

interface Asked {
  readonly link: ServerConnection
  resolve(older: OlderMessages): void
  reject(error: Error): void
}

/** What was asked for of the rooms' past, one page a room at a time, and not answered yet. */
export class HistoryRequests {
  readonly #asked = new Map<string, Asked>()

  ask(
    link: ServerConnection | undefined,
    room: string,
    before: number,
    limit: number,
  ): Promise<OlderMessages> {
    if (!link?.joined.has(room)) return Promise.reject(new Error(`there is no connection to ${room} now`))
    if (this.#asked.has(room)) return Promise.reject(new Error('one page at a time'))
    return new Promise((resolve, reject) => {
      this.#asked.set(room, { link, resolve, reject })
      link.send({ type: 'history', room, before, limit })
    })
  }

  answered({ room, messages, first }: ServerMessage & { type: 'history' }): void {
    this.#asked.get(room)?.resolve({ messages, first })
    this.#asked.delete(room)
  }

  /** It will not be answered: asked of this room, or on this link. */
  failed(where: string | ServerConnection, error: Error): void {
    for (const [room, { link, reject }] of this.#asked) {
      if (room !== where && link !== where) continue
      this.#asked.delete(room)
      reject(error)
    }
  }
}
