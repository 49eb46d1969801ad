import { type RequestOptions, Requests } from '../base/requests.ts'
import type { PostStatus, StreamPost } from '../chat/sse/event-stream.ts'
import { serverOfStream } from '../chat/sse/streams.ts'
import type { Bus } from './broker.ts'

/** What one server sends to another about an event stream of that one. */
type Forwarded =
  | {
      readonly type: 'post'
      readonly from: number
      readonly ticket: number
      readonly id: string
      readonly post: StreamPost
    }
  | { readonly type: 'posted'; readonly ticket: number; readonly status: PostStatus }

/** Above what a reader that is slow may take until it is closed. */
const ANSWER: RequestOptions = { timeoutMs: 40_000 }
/** Milliseconds without an answer after which a message is published again: a bus may lose it. */
const AGAIN_MS = 2000

const topicOf = (server: number) => `stream.${server}`

/**
 * A load balancer gives the requests beside an event stream to any server: the one that has the stream gets them over the bus. What
 * is lost there is sent again, and received once.
 */
export class StreamForwarding {
  readonly #bus: Bus
  readonly #number: number
  readonly #receive: (id: string, post: StreamPost) => Promise<PostStatus>
  readonly #pending = new Requests<number, PostStatus | 504>()
  #tickets = 0

  /** @param receive takes what is for a stream of this server */
  constructor(bus: Bus, number: number, receive: (id: string, post: StreamPost) => Promise<PostStatus>) {
    this.#bus = bus
    this.#number = number
    this.#receive = receive
  }

  /** Returns the function that ends it. */
  start(): () => void {
    const unsubscribe = this.#bus.subscribe(topicOf(this.#number), (text) => {
      void this.#onForwarded(JSON.parse(text) as Forwarded)
    })
    return () => {
      unsubscribe()
      this.#pending.answerAll(504)
    }
  }

  /** Resolves when the server that has the stream has read it; with 504 when it does not answer. */
  async deliver(id: string, post: StreamPost): Promise<PostStatus | 504> {
    const server = serverOfStream(id)
    if (server === undefined) return 404
    if (server === this.#number) return this.#receive(id, post)
    const ticket = ++this.#tickets
    const message: Forwarded = { type: 'post', from: this.#number, ticket, id, post }
    const publish = () => this.#bus.publish(topicOf(server), JSON.stringify(message))
    const again = setInterval(publish, AGAIN_MS)
    return this.#pending
      .ask(ticket, publish, ANSWER)
      .catch(() => 504 as const)
      .finally(() => clearInterval(again))
  }

  async #onForwarded(message: Forwarded): Promise<void> {
    if (message.type === 'posted') {
      this.#pending.answer(message.ticket, message.status)
      return
    }
    const { from, ticket, id, post } = message
    const answer: Forwarded = { type: 'posted', ticket, status: await this.#receive(id, post) }
    this.#bus.publish(topicOf(from), JSON.stringify(answer))
  }
}
