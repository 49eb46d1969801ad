import { shown } from '../../base/errors.ts'
import type {
  DeleteRequest,
  EditRequest,
  InviteRequest,
  SendAck,
  SendRequest,
} from '../../protocol/messages.ts'
import { belongsTo, isPrivate, privateRoom } from '../../protocol/private-rooms.ts'
import type { Identity } from '../auth/identity.ts'
import { type ChatHooks, decide, type PendingMessage } from '../hooks/hooks.ts'
import type { Appended } from '../log/room-log.ts'
import { ChangeRejected } from '../rooms/append-once.ts'
import { changeMessage } from '../rooms/change-message.ts'
import type { Room } from '../rooms/room.ts'
import { Rejection } from './rejection.ts'
import type { ServerContext } from './server-context.ts'

/** Appends that may be in flight for one connection. */
const MAX_IN_FLIGHT = 256
/** Milliseconds after which a message may be tried again when too many were in flight. */
const RETRY_MS = 1000

type Outgoing = SendRequest | EditRequest | DeleteRequest | InviteRequest

/** The messages of one connection on their way into the log. */
export class MessageSender {
  readonly #context: ServerContext
  #inFlight = 0
  /** The hook decides about one message of a connection at a time, so that they keep their order. */
  #decided: Promise<unknown> | undefined

  constructor(context: ServerContext) {
    this.#context = context
  }

  /**
   * Appends a message, an edit or a deletion to a room that the user is in.
   * @throws {Rejection}
   */
  async send(identity: Identity, room: Room, request: Outgoing): Promise<SendAck> {
    const { user } = identity
    const { limits, rates, slots, link } = this.#context
    if (!identity.maySend(room.name)) throw new Rejection('forbidden', 'you may not send to this room')
    if ('body' in request && Buffer.byteLength(request.body) > limits.maxBodyBytes) {
      throw new Rejection('too-large', `at most ${limits.maxBodyBytes} bytes`)
    }
    const wait = rates.take(user)
    if (wait > 0) throw new Rejection('rate-limited', 'too many messages', Math.ceil(wait * 1000))
    const began = performance.now()
    const work = slots ? slots.work() : true
    if (this.#inFlight >= MAX_IN_FLIGHT || !work) {
      this.#context.count('rejected')
      throw new Rejection('overloaded', 'too many messages in flight', RETRY_MS)
    }
    this.#inFlight++
    try {
      if (work !== true) await work
      const slowed = this.#slowDown(identity, room.name, request)
      if (slowed !== undefined) await slowed
      const { seq } = await this.#append(identity, room, request)
      this.#context.onAcked((performance.now() - began) / 1000)
      this.#trace(user, room.name, request, began)
      return { type: 'ack', id: request.id, room: room.name, seq, durability: link.durability }
    } catch (error) {
      this.#trace(user, room.name, request, began, error)
      const rejection =
        error instanceof ChangeRejected ? new Rejection(error.code, error.message) : Rejection.of(error)
      const isRateLimited = rejection instanceof Rejection && rejection.code === 'rate-limited'
      if (!isRateLimited) this.#context.count('rejected')
      throw rejection
    } finally {
      this.#inFlight--
    }
  }

  /** A message as a whole: from its receipt until it is acknowledged or rejected. */
  #trace(user: string, from: string, request: Outgoing, began: number, error?: unknown): void {
    const { tracer, server } = this.#context
    if (!tracer) return
    const { id, type } = request
    const room = type === 'invite' ? privateRoom(request.user) : from
    tracer.ofMessage({ room, user, id })?.end(`message ${type}`, {
      began,
      attributes: { 'concertina.room': room, 'concertina.server': String(server) },
      error: error === undefined ? undefined : (error as Error).message,
    })
  }

  /** Keeps messages of a user apart where the room is in slow mode; changes of them may come at any time. */
  #slowDown(identity: Identity, room: string, { type, id }: Outgoing): Promise<void> | undefined {
    const { slowModeSeconds } = this.#context.namespaces.of(room)
    if (slowModeSeconds === undefined || type !== 'send' || identity.mayModerate(room)) return undefined
    return this.#takeTurn(room, identity.user, id, slowModeSeconds)
  }

  async #takeTurn(room: string, user: string, id: string, slowModeSeconds: number): Promise<void> {
    const wait = await this.#context.slowMode.take(room, user, id, slowModeSeconds)
    if (wait > 0) throw new Rejection('rate-limited', `one message in ${slowModeSeconds} s`, Math.ceil(wait))
  }

  async #append(identity: Identity, { name: room, changes }: Room, request: Outgoing): Promise<Appended> {
    const { link, hooks } = this.#context
    const { user } = identity
    const { id } = request
    if (request.type === 'delete') {
      const author = identity.mayModerate(room) ? undefined : user
      return changeMessage(link, changes, { room, user, id, seq: request.seq, author })
    }
    if (request.type === 'invite') return this.#invite(user, room, request)
    const { data } = request
    const body = hooks?.beforeMessage
      ? await this.#decide(hooks, { room, user, id, body: request.body })
      : request.body
    if (request.type === 'edit') {
      const edit = { body, data }
      return changeMessage(link, changes, { room, user, id, seq: request.seq, edit, author: user })
    }
    return link.append({ room, user, id, body, ...(data && { extras: { data } }) })
  }

  /** An invitation is a message in the personal room of the invited user. */
  #invite(user: string, room: string, request: InviteRequest): Promise<Appended> {
    if (isPrivate(room) && !belongsTo(room, request.user))
      throw new Rejection('forbidden', 'this private room is not for that user')
    const extras = { data: { invitation: { room } } }
    return this.#context.link.append({
      room: privateRoom(request.user),
      user,
      id: request.id,
      body: '',
      extras,
    })
  }

  /** The body as the app lets it pass, of a message or an edit. */
  async #decide(hooks: ChatHooks, message: PendingMessage): Promise<string> {
    const { limits, onHookFailure } = this.#context
    const decided = this.#decided ?? Promise.resolve()
    const ask = async () => bodyOf(await hooks.beforeMessage!(message))
    const decision = decided.then(() => decide(ask, onHookFailure))
    this.#decided = decision.catch(() => {})
    const body = await decision
    if (body !== undefined && Buffer.byteLength(body) > limits.maxBodyBytes)
      throw new Rejection('too-large', `at most ${limits.maxBodyBytes} bytes`)
    return body ?? message.body
  }
}

/** @throws {TypeError} when a hook's answer is no body */
function bodyOf(answer: unknown): string | undefined {
  if (answer === undefined || typeof answer === 'string') return answer
  throw new TypeError(`${shown(answer)} is no body`)
}
