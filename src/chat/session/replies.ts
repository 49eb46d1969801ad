import type { ClientMessage, ServerMessage } from '../../protocol/messages.ts'
import type { ParsedFrame } from '../../protocol/rules.ts'
import { jsonFrame } from './catch-up.ts'
import type { Outbox } from './outbox.ts'
import { Rejection } from './rejection.ts'
import type { ServerContext } from './server-context.ts'

/** Invalid or too fast requests, one after another, that end a connection. */
const MAX_STRIKES = 100

interface ReplyEvents {
  /** Too many requests in a row were invalid or too fast. */
  onTooManyStrikes(): void
}

/** What one connection is answered, and how often its requests were wrong. */
export class Replies {
  readonly #context: ServerContext
  readonly #outbox: Outbox
  readonly #events: ReplyEvents
  #strikes = 0

  constructor(context: ServerContext, outbox: Outbox, events: ReplyEvents) {
    this.#context = context
    this.#outbox = outbox
    this.#events = events
  }

  send(message: ServerMessage): void {
    this.#outbox.push(jsonFrame(message))
  }

  /** A request was carried out: what was wrong before counts no more. */
  accepted(): void {
    this.#strikes = 0
  }

  reject(
    request: ClientMessage,
    { code, message, retryMs }: Pick<Rejection, 'code' | 'message'> & { retryMs?: number | undefined },
  ): void {
    const room = 'room' in request ? request.room : undefined
    this.send({ type: 'rejected', id: request.id, request: request.type, room, code, message, retryMs })
    if (code === 'rate-limited' || code === 'bad-message') this.strike()
  }

  /** Rejects a request that threw; what is no rejection is logged, and its asker learns only that it failed. */
  fail(request: ClientMessage, error: unknown): void {
    const known = error instanceof Rejection
    if (!known) this.#context.onFailure(error)
    this.reject(request, known ? error : { code: 'internal', message: 'internal error' })
  }

  /** Answers a frame that is no request, by the id of what it seems to be where it has one. */
  invalid({ problem, of }: ParsedFrame & { kind: 'invalid' }): void {
    if (!of) {
      this.send({ type: 'error', code: 'bad-message', message: problem })
      return
    }
    const { type, ...rest } = of
    this.send({ type: 'rejected', ...rest, request: type, code: 'bad-message', message: problem })
  }

  strike(): void {
    if (++this.#strikes > MAX_STRIKES) this.#events.onTooManyStrikes()
  }
}
