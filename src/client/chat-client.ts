import type { RequestOptions } from '../base/requests.ts'
import { Signal } from '../base/signal.ts'
import type {
  ClientMessage,
  Cursor,
  DeleteRequest,
  EditRequest,
  InviteRequest,
  UnreadRoom,
} from '../protocol/messages.ts'
import { problemOf, utf8Bytes } from '../protocol/rules.ts'
import type {
  ChatClientEvents,
  ChatClientOptions,
  OlderMessages,
  SendOptions,
} from './chat-client-options.ts'
import { ChatError } from './chat-error.ts'
import type { JoinedRoom, JoinOptions } from './client-room.ts'
import { type ChatClientSignals, ClientRooms } from './client-rooms.ts'
import type { Connections } from './connections.ts'
import { checkClientOptions, checkJoinOptions, requestOptions } from './known-options.ts'
import type { Ack } from './send-queue.ts'
import type { ServerConnection } from './server-connection.ts'
import type { WebSocketClass } from './transport.ts'

/** Milliseconds that a page of history may take by default. */
const HISTORY_MS = 10_000

const hex = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')

/**
 * A chat user: joins rooms, sends, and stays connected. It connects at once, keeps a cursor for each room and resumes there on
 * any server, detects a gap and repairs it, moves to another server without a break when asked to, and sends again
 * what was not acknowledged, which the room then has once. Every promise settles: by its answer, its `signal` or its
 * `timeoutMs`, and at the latest when the client is closed.
 *
 * @example
 * const client = new ChatClient({ url: 'ws://127.0.0.1:8080/chat', user: 'ann' })
 * client.on('message', ({ user, body }) => console.log(`${user}: ${body}`))
 * await client.join('lobby', { history: 20 })
 * const { seq } = await client.send('lobby', 'hello')
 */
export class ChatClient {
  readonly #options: ChatClientOptions
  readonly #rooms: ClientRooms
  readonly #connections: Connections
  readonly #name = hex(crypto.getRandomValues(new Uint8Array(8)))
  readonly #signals: ChatClientSignals
  #sent = 0

  /** @throws {ChatError} `invalid` when the address, the name or an option cannot be used */
  constructor(make: WebSocketClass, options: ChatClientOptions) {
    checkClientOptions(options)
    const { token, user } = options
    check({ type: 'hello', version: 1, ...(token === undefined && user !== undefined && { user }) })
    this.#options = options
    const signal = <T>() => new Signal<T>((error) => this.#listenerFailed(error))
    this.#signals = {
      message: signal(),
      gap: signal(),
      presence: signal(),
      typing: signal(),
      status: signal(),
      resumed: signal(),
      error: new Signal(),
    }
    this.#rooms = new ClientRooms(make, options, this.#signals)
    this.#connections = this.#rooms.connections
    if (options.signal?.aborted) {
      this.close('aborted')
    } else {
      if (options.signal) this.#closeOn(options.signal)
      this.#connections.start()
    }
  }

  /** Calls `listener` at every such event. Returns the function that unsubscribes it. */
  on<Name extends keyof ChatClientEvents>(
    name: Name,
    listener: (event: ChatClientEvents[Name]) => void,
  ): () => void {
    return this.#signals[name].subscribe(listener)
  }

  /** What the client is doing. */
  get state(): Connections['state'] {
    return this.#connections.state
  }

  /** The number of the server that serves this user now. */
  get server(): number | undefined {
    return this.#connections.serving?.welcome?.server
  }

  /** The name that the server knows this user by. */
  get user(): string | undefined {
    return this.#connections.user
  }

  /** Joins a room; resolves when the server confirmed it. Rejects with a {@link ChatError} when it may not. */
  async join(name: string, options: JoinOptions = {}): Promise<JoinedRoom> {
    checkJoinOptions(options)
    const { cursor, history, signal, timeoutMs } = options
    check({ type: 'join', room: name, ...(cursor && { cursor }), ...(history !== undefined && { history }) })
    const request = this.#withTimeout({ signal, timeoutMs })
    if (this.state === 'closed') throw new ChatError('closed', 'the client is closed')
    const room = this.#rooms.add(name, options)
    const joined = room.whenJoined(request)
    for (const connection of this.#connections.open) room.joinOn(connection)
    try {
      return await joined
    } catch (error) {
      if (this.#rooms.get(name) === room && room.abandoned) this.leave(name)
      throw error
    }
  }

  /** Leaves a room; what waits to be joined or sent there rejects with `left`. */
  leave(name: string): void {
    if (!this.#rooms.remove(name, new ChatError('left', `left ${name}`))) return
    for (const connection of this.#connections.open)
      connection.request({ type: 'leave', room: name }).catch(ignore)
  }

  /**
   * Sends a message to a joined room; resolves when it is acknowledged, however many connections that takes. `id` names it
   * for good: sending again what may have been sent before takes the same one. After a timeout or an abort the message may
   * still be in the room.
   */
  async send(
    room: string,
    body: string,
    id = `${this.#name}-${++this.#sent}`,
    options: SendOptions = {},
  ): Promise<Ack> {
    const { data, ...rest } = options
    const request = this.#withTimeout(rest)
    const content = { body, ...(data && { data }) }
    check({ type: 'send', room, id, ...content })
    const most = this.#connections.serving?.welcome?.maxBodyBytes ?? Infinity
    if (utf8Bytes(body) > most) throw new ChatError('too-large', `body: at most ${most} bytes are allowed`)
    const joined = this.#rooms.get(room)
    if (!joined) throw new ChatError('not-joined', `join ${room} first`)
    return joined.outgoing.add({ room, id, ...content }, request)
  }

  /**
   * Replaces the body of the user's own message at the place `seq`; every member receives a message whose `edits` names it.
   * Rejects with `disconnected` when there is no connection, or when it is lost: with the same `id` it may be repeated.
   */
  async edit(
    room: string,
    seq: number,
    body: string,
    id = `${this.#name}-${++this.#sent}`,
    options: SendOptions = {},
  ): Promise<Ack> {
    const { data, ...rest } = options
    return this.#change({ type: 'edit', room, id, seq, body, ...(data && { data }) }, rest)
  }

  /** Deletes the user's own message at the place `seq`; every member receives a message whose `deletes` names it. */
  delete(
    room: string,
    seq: number,
    id = `${this.#name}-${++this.#sent}`,
    options: RequestOptions = {},
  ): Promise<Ack> {
    return this.#change({ type: 'delete', room, id, seq }, options)
  }

  /**
   * Shows another user a joined room: a message with `data.invitation` comes to the personal room of that user,
   * `privateRoom(user)`. It gives no right to join.
   */
  invite(
    room: string,
    user: string,
    id = `${this.#name}-${++this.#sent}`,
    options: RequestOptions = {},
  ): Promise<Ack> {
    return this.#change({ type: 'invite', room, id, user }, options)
  }

  /** The user has read a joined room up to the place `seq`: counts for all devices of the user. */
  async markRead(room: string, seq: number, options: RequestOptions = {}): Promise<void> {
    check({ type: 'mark', room, seq })
    const request = requestOptions(options, HISTORY_MS)
    await this.#servingIn(room).request({ type: 'mark', room, seq }, request)
  }

  /** What the user has not read of up to 50 rooms that the user may join. */
  async unread(rooms: readonly string[], options: RequestOptions = {}): Promise<readonly UnreadRoom[]> {
    check({ type: 'unread', rooms })
    const request = requestOptions(options, HISTORY_MS)
    const { serving } = this.#connections
    if (!serving) throw new ChatError('disconnected', 'there is no connection now')
    const answer = await serving.request({ type: 'unread', rooms }, request)
    return answer.rooms
  }

  async #change(change: EditRequest | DeleteRequest | InviteRequest, options: RequestOptions): Promise<Ack> {
    check(change)
    const request = requestOptions(options, HISTORY_MS)
    const connection = this.#servingIn(change.room)
    const { seq, id, durability } = await connection.request<'edit' | 'delete' | 'invite'>(change, request)
    return { seq, id, durability }
  }

  #servingIn(room: string): ServerConnection {
    const serving = this.#rooms.servingIn(room)
    if (!serving) throw new ChatError('disconnected', `there is no connection to ${room} now`)
    return serving
  }

  /** Shows the room that this user is typing; at most once per second counts. Nothing happens when it is not joined now. */
  typing(room: string): void {
    const serving = this.#rooms.servingIn(room)
    serving?.request({ type: 'typing', room }, { timeoutMs: HISTORY_MS }).catch(ignore)
  }

  /**
   * Older messages of a joined room: the newest `limit` (200 at most) before the place `before`. Rejects with
   * `disconnected` when there is no connection, or when it is lost.
   */
  async history(
    room: string,
    before: number,
    limit: number,
    options: RequestOptions = {},
  ): Promise<OlderMessages> {
    check({ type: 'history', room, before, limit })
    const request = requestOptions(options, HISTORY_MS)
    const page = await this.#servingIn(room).request({ type: 'history', room, before, limit }, request)
    return { messages: page.messages, first: page.first }
  }

  /** Where this client is in a room: what it has received. */
  cursor(room: string): Cursor | undefined {
    return this.#rooms.get(room)?.cursor
  }

  /** Ends for good; what was not acknowledged rejects with `closed`. */
  close(reason = 'closed by its user'): void {
    this.#connections.close(reason)
  }

  #withTimeout(options: RequestOptions): RequestOptions {
    return requestOptions(options, this.#options.timeoutMs ?? 60_000)
  }

  #closeOn(signal: AbortSignal): void {
    const onAbort = () => this.close('aborted')
    signal.addEventListener('abort', onAbort)
    this.#signals.status.subscribe(({ state }) => {
      if (state === 'closed') signal.removeEventListener('abort', onAbort)
    })
  }

  #listenerFailed(cause: unknown): void {
    const { error } = this.#signals
    const message = cause instanceof Error ? cause.message : String(cause)
    if (error.size > 0) error.emit({ code: 'listener-failed', message, cause })
    else console.error('concertina: a listener threw:', cause)
  }
}

const ignore = () => {}

/** @throws {ChatError} `invalid` when the request breaks a rule of the protocol */
function check(request: ClientMessage): void {
  const problem = problemOf(request)
  if (problem !== undefined) throw new ChatError('invalid', problem)
}
