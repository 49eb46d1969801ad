import type { SendAck, SendRequest } from '../../protocol/messages.ts'
import type { Identity } from '../auth/identity.ts'
import { Rejection } from './rejection.ts'
import type { ServerContext } from './server-context.ts'

/** Appends that may be in flight for one connection. */
const MAX_IN_FLIGHT = 256
/** Milliseconds after which a message may be tried again when too many were in flight. */
const RETRY_MS = 1000

/** The messages of one connection on their way into the log. */
export class MessageSender {
  readonly #context: ServerContext
  #inFlight = 0

  constructor(context: ServerContext) {
    this.#context = context
  }

  /**
   * Appends a message to a room that the user is in.
   * @throws {Rejection}
   */
  async send({ user, maySend }: Identity, { room, id, body }: SendRequest): Promise<SendAck> {
    const { limits, rates, slots, link } = this.#context
    if (!maySend(room)) throw new Rejection('forbidden', 'you may not send to this room')
    if (Buffer.byteLength(body) > limits.maxBodyBytes) {
      throw new Rejection('too-large', `at most ${limits.maxBodyBytes} bytes`)
    }
    const wait = rates.take(user)
    if (wait > 0) throw new Rejection('rate-limited', 'too many messages', Math.ceil(wait * 1000))
    const began = performance.now()
    const work = slots ? slots.work() : Promise.resolve()
    if (this.#inFlight >= MAX_IN_FLIGHT || !work) {
      this.#context.count('refused')
      throw new Rejection('overloaded', 'too many messages in flight', RETRY_MS)
    }
    this.#inFlight++
    try {
      await work
      const { seq } = await link.append({ room, user, id, body })
      this.#context.onAcked((performance.now() - began) / 1000)
      return { type: 'ack', id, room, seq, durability: link.durability }
    } catch (error) {
      this.#context.count('refused')
      throw Rejection.of(error)
    } finally {
      this.#inFlight--
    }
  }
}
