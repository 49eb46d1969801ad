import { WebSocket } from 'ws'
import { ChatClient } from '../../src/client/chat-client.ts'
import type { WebSocketClass } from '../../src/client/transport.ts'
import type { HistoryListener } from '../../src/verify/events.ts'

/** Sessions of these users, beside those of the others. */
const FIRST_SESSION = 1_000_000

/** A room with a user who sends much and a user who stops reading for a while. */
export class SlowReaders {
  readonly #sockets = new Set<WebSocket>()
  readonly #reader: ChatClient
  readonly #shouters: ChatClient[]
  readonly #onEvent: HistoryListener
  #shouts = 0
  #head = 0

  constructor(url: string, name: string, onEvent: HistoryListener) {
    this.#onEvent = onEvent
    const sockets = this.#sockets
    class Pausable extends WebSocket {
      constructor(address: string) {
        super(address)
        sockets.add(this)
        this.once('close', () => sockets.delete(this))
      }
    }
    const make = (session: number, socket: unknown) => {
      const user = `${name}-${session}`
      const client = new ChatClient(socket as WebSocketClass, { url, user, timeoutMs: Infinity })
      onEvent({ type: 'join', session, user, room: `${name}-slow` })
      client.on('resumed', ({ cursor }) => onEvent({ type: 'resumed', session, ...cursor }))
      client.on('message', ({ seq, prevSeq, user: from, id }) =>
        onEvent({ type: 'message', session, seq, prevSeq, user: from, id, at: 0 }),
      )
      client.on('gap', ({ from, to }) => onEvent({ type: 'gap', session, from, to }))
      void client.join(`${name}-slow`)
      return client
    }
    this.#reader = make(FIRST_SESSION, Pausable)
    this.#shouters = [1, 2, 3].map((i) => make(FIRST_SESSION + i, WebSocket))
    this.#room = `${name}-slow`
  }

  readonly #room: string

  /** The reader stops reading, the others shout some megabytes, the reader reads again. */
  async act(): Promise<void> {
    for (const socket of this.#sockets) socket.pause()
    await Promise.all(
      this.#shouters.map(async (client, i) => {
        for (let n = 0; n < 150; n++) {
          const session = FIRST_SESSION + 1 + i
          const id = `${session}-${++this.#shouts}`
          this.#onEvent({ type: 'send', session, id, at: 0 })
          const { seq } = await client.send(this.#room, 'x'.repeat(16_000), id)
          this.#onEvent({ type: 'ack', session, id, seq, at: 0 })
          this.#head = Math.max(this.#head, seq)
        }
      }),
    )
    for (const socket of this.#sockets) socket.resume()
  }

  /** Waits until everybody has everything, or for at most ten seconds. */
  async settle(): Promise<void> {
    for (const socket of this.#sockets) socket.resume()
    const all = [this.#reader, ...this.#shouters]
    for (let i = 0; i < 500; i++) {
      if (all.every((client) => (client.cursor(this.#room)?.seq ?? 0) >= this.#head)) return
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  end(): void {
    for (const client of [this.#reader, ...this.#shouters]) client.close()
  }
}
