import { type RequestOptions, Requests, TimeoutError } from '../base/requests.ts'
import type { Durability, MessageData } from '../protocol/messages.ts'
import { boundedWait } from './bounded-wait.ts'
import { ChatError } from './chat-error.ts'
import type { ServerConnection } from './server-connection.ts'

/** An acknowledged message: its place in the room and how safe it is. */
export interface Ack {
  readonly seq: number
  readonly id: string
  readonly durability: Durability
}

interface QueuedMessage {
  readonly room: string
  readonly id: string
  readonly body: string
  readonly data?: MessageData
}

export interface SendQueueOptions {
  /** Milliseconds without an answer after which the connection is given up. */
  readonly ackMs: number
  /** Messages that may wait. */
  readonly maxQueued: number
}

/** Messages that got no answer, of which so many are remembered. */
const MAX_UNANSWERED = 100

/**
 * The messages of one room on their way out, one in flight at a time: so the room has them in the order in which they were
 * sent, whatever is rejected, retried or moved to another server. What got no answer is sent again only after all that the room
 * has by then was received: it may be there, and a server remembers ids for a while only.
 */
export class SendQueue {
  readonly #queue: QueuedMessage[] = []
  readonly #pending = new Requests<QueuedMessage, Ack>()
  readonly #options: SendQueueOptions
  readonly #onNotJoined: (connection: ServerConnection) => void
  /** The connection that messages go to; none while the room is not joined. */
  #connection: ServerConnection | undefined
  #isCaughtUp = false
  /**
   * Ids of messages that got no answer and may be in the room, also when their sender does not wait any more and may send them
   * again; with their places, once they came.
   */
  readonly #unanswered = new Map<string, Ack | undefined>()
  #sending = false
  /** Ends the wait that a server asked for. */
  #wake = () => {}

  /** @param onNotJoined the server has no membership for this connection: the room must be joined again */
  constructor(options: SendQueueOptions, onNotJoined: (connection: ServerConnection) => void) {
    this.#options = options
    this.#onNotJoined = onNotJoined
  }

  /** Resolves when the message is acknowledged, however many connections that takes. */
  add(message: QueuedMessage, options: RequestOptions): Promise<Ack> {
    const { maxQueued } = this.#options
    if (this.#queue.length >= maxQueued) {
      const full = new ChatError('queue-full', `${maxQueued} messages of this room wait already`)
      return Promise.reject(full)
    }
    const acked = this.#pending.ask(message, () => this.#queue.push(message), options)
    void this.#run()
    return acked
  }

  /** The room was joined on a connection: what is not acknowledged yet is sent there (again). */
  open(connection: ServerConnection, isCaughtUp: boolean): void {
    this.#connection = connection
    this.#isCaughtUp = isCaughtUp
    this.#wake()
    void this.#run()
  }

  /** All that the room had when it was joined was received. */
  caughtUp(): void {
    if (this.#isCaughtUp) return
    this.#isCaughtUp = true
    void this.#run()
  }

  /** A message of this user came: one without an answer has its place now, and one in flight if it gets none. */
  received(id: string, seq: number, durability: Durability): void {
    const first = this.#queue[0]
    const isFirst = first?.id === id
    const isUnanswered = this.#unanswered.has(id)
    if (!isFirst && !isUnanswered) return
    const ack = { seq, id, durability }
    this.#unanswered.set(id, ack)
    if (isFirst && isUnanswered) this.#pending.answer(first, ack)
  }

  /** There is no connection now. */
  pause(): void {
    this.#connection = undefined
    this.#wake()
  }

  /** Rejects everything that waits. */
  fail(error: Error): void {
    this.pause()
    this.#queue.length = 0
    this.#pending.rejectAll(error)
  }

  async #run(): Promise<void> {
    if (this.#sending) return
    this.#sending = true
    for (
      let connection = this.#connection;
      connection && this.#queue.length > 0;
      connection = this.#connection
    ) {
      const first = this.#queue[0]!
      const found = this.#unanswered.get(first.id)
      if (found) this.#pending.answer(first, found)
      else if (this.#unanswered.has(first.id) && !this.#isCaughtUp) break
      // What timed out or was aborted meanwhile is not sent again.
      if (this.#pending.has(first)) await this.#sendOne(connection, first)
      if (this.#queue[0] === first && !this.#pending.has(first)) this.#queue.shift()
    }
    this.#sending = false
  }

  async #sendOne(connection: ServerConnection, message: QueuedMessage): Promise<void> {
    try {
      const { seq, id, durability } = await connection.request(
        { type: 'send', ...message },
        { timeoutMs: this.#options.ackMs },
      )
      this.#unanswered.delete(id)
      this.#pending.answer(message, { seq, id, durability })
    } catch (error) {
      this.#mayBeThere(message.id)
      // What a connection that is left rejects, the next one may accept.
      if (connection !== this.#connection) return
      if (error instanceof TimeoutError) {
        connection.close('no answer')
      } else if (error instanceof ChatError && error.code === 'disconnected') {
        this.pause()
      } else if (error instanceof ChatError && error.code === 'not-joined') {
        this.pause()
        this.#onNotJoined(connection)
      } else if (error instanceof ChatError && error.retryMs !== undefined) {
        await this.#sleep(error.retryMs * (1 + Math.random() / 4))
      } else {
        this.#unanswered.delete(message.id)
        this.#pending.reject(message, error)
      }
    }
  }

  #mayBeThere(id: string): void {
    if (this.#unanswered.has(id)) return
    const [oldest] = this.#unanswered.keys()
    if (oldest !== undefined && this.#unanswered.size >= MAX_UNANSWERED) this.#unanswered.delete(oldest)
    this.#unanswered.set(id, undefined)
  }

  /** What one server asks for is not waited for on another one. */
  #sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, boundedWait(ms))
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}
