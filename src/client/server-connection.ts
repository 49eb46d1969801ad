import { type RequestOptions, Requests } from '../base/requests.ts'
import {
  type Answers,
  type ClientMessage,
  PROTOCOL_VERSION,
  type RequestType,
  type ServerMessage,
  type Welcome,
} from '../protocol/messages.ts'
import { maxFrameBytes, utf8Bytes } from '../protocol/rules.ts'
import { ChatError } from './chat-error.ts'
import { parseServerMessage } from './server-message.ts'
import type { Transport, WebSocketClass, WebSocketLike } from './transport.ts'

export interface ServerConnectionEvents {
  onWelcome(connection: ServerConnection, welcome: Welcome): void
  /** Every message after the welcome, answers included, in the order in which they came. */
  onMessage(connection: ServerConnection, message: ServerMessage): void
  /** Once, also when it was never established. */
  onClose(connection: ServerConnection, code: number, reason: string): void
}

/** Milliseconds for the server's welcome, and at most for its answer to a ping. */
const WELCOME_MS = 10_000
/** The same at an address of one server: no longer than the server that is left has patience. */
const DIRECT_WELCOME_MS = 4000
const PONG_MS = 10_000
/** Shortest and longest time between two looks at whether anything came, whatever the server names. */
const HEARTBEAT_MS = { least: 1000, most: 60_000 }

type Phase =
  | { readonly kind: 'opening' }
  | { readonly kind: 'open'; readonly welcome: Welcome; readonly heartbeat: ReturnType<typeof setInterval> }
  | { readonly kind: 'closed' }

/** A request by its type, and without the id that the connection gives it. */
export type RequestOf<T extends RequestType> = ClientMessage & { type: T }

/** One connection to one server, from `hello` to its end. */
export class ServerConnection {
  readonly url: string
  readonly transport: Transport
  /** Whether the WebSocket was established, whatever came of it. */
  wasOpen = false
  /** The error of the socket, where it is known: browsers keep it to themselves. */
  failure = ''
  readonly #socket: WebSocketLike
  readonly #events: ServerConnectionEvents
  readonly #requests = new Requests<string, ServerMessage>()
  #phase: Phase = { kind: 'opening' }
  #ids = 0
  /** Whether anything came since the heartbeat last looked. */
  #heard = true

  constructor(
    {
      make,
      transport,
      url,
      direct = false,
    }: { make: WebSocketClass; transport: Transport; url: string; direct?: boolean },
    hello: { token?: string | undefined; user?: string | undefined },
    events: ServerConnectionEvents,
  ) {
    this.url = url
    this.transport = transport
    this.#events = events
    this.#socket = new make(url)
    this.#socket.onopen = () => {
      this.wasOpen = true
      this.#hello(hello)
    }
    this.#socket.onmessage = ({ data }) => this.#receive(data)
    this.#socket.onclose = ({ code, reason }) => this.#end(code, reason || this.failure)
    // 'close' follows. Browsers do not say what was wrong; in Node it is the status of the rejection, or the system's error.
    this.#socket.onerror = ({ message = '' }) => {
      this.failure = message
    }
    const patienceMs = direct ? DIRECT_WELCOME_MS : WELCOME_MS
    this.#whileOpening = setTimeout(() => this.close('no welcome'), patienceMs)
  }

  readonly #whileOpening: ReturnType<typeof setTimeout>

  /** What the server said at the beginning; `undefined` before and after the connection is open. */
  get welcome(): Welcome | undefined {
    return this.#phase.kind === 'open' ? this.#phase.welcome : undefined
  }

  /** An id for the next request; different from every other one of this connection. */
  nextId(): string {
    return `r${++this.#ids}`
  }

  /**
   * Sends a request and resolves with its answer. Rejects with a {@link ChatError} when the server rejects it or the
   * connection is lost.
   */
  request<T extends RequestType>(request: RequestOf<T>, options?: RequestOptions): Promise<Answers[T]> {
    const id = request.id ?? this.nextId()
    const key = keyOf(request.type, id, 'room' in request ? request.room : '')
    const asked = this.#requests.ask(key, () => this.#send({ ...request, id }), options)
    return asked as Promise<Answers[T]>
  }

  /** Ends it without waiting for the other side. */
  close(reason = ''): void {
    if (this.#phase.kind === 'closed') return
    this.#socket.close(1000)
    this.#end(1006, reason)
  }

  #send(message: ClientMessage): void {
    if (this.#phase.kind === 'closed') throw new ChatError('disconnected', 'there is no connection')
    const text = JSON.stringify(message)
    // A frame above the server's limit would end the connection instead of being answered.
    const most = maxFrameBytes(this.welcome?.maxBodyBytes ?? Infinity)
    if (text.length > most / 3 && utf8Bytes(text) > most) {
      throw new ChatError('too-large', `the request is larger than ${most} bytes`)
    }
    this.#socket.send(text)
  }

  #hello(hello: { token?: string | undefined; user?: string | undefined }): void {
    this.request({
      type: 'hello',
      version: PROTOCOL_VERSION,
      ...(hello.token !== undefined && { token: hello.token }),
      ...(hello.user !== undefined && { user: hello.user }),
    }).catch((error: Error) => this.close(error.message))
  }

  /** A peer that speaks anything else is left, whatever it sends: nothing of it may end this process. */
  #receive(data: unknown): void {
    if (this.#phase.kind === 'closed') return
    this.#heard = true
    try {
      const message = parseServerMessage(data)
      if (this.#phase.kind === 'open') this.#events.onMessage(this, message)
      else if (message.type === 'welcome') this.#open(message)
      if ('id' in message && message.id !== undefined) this.#answer(message, message.id)
    } catch (error) {
      this.close(`the server does not speak the chat protocol: ${(error as Error).message}`)
    }
  }

  #open(welcome: Welcome): void {
    clearTimeout(this.#whileOpening)
    const named = Number(welcome.heartbeatMs) || 0
    const heartbeatMs = Math.min(HEARTBEAT_MS.most, Math.max(HEARTBEAT_MS.least, named))
    this.#phase = {
      kind: 'open',
      welcome,
      heartbeat: setInterval(() => this.#checkAlive(Math.min(PONG_MS, heartbeatMs)), heartbeatMs),
    }
    this.#events.onWelcome(this, welcome)
  }

  /** A path that went silent shows no close: only an answer proves that it is there. */
  #checkAlive(timeoutMs: number): void {
    if (this.#heard) {
      this.#heard = false
      return
    }
    this.request({ type: 'ping' }, { timeoutMs }).catch(() => {
      if (!this.#heard) this.close('no heartbeat')
    })
  }

  #answer(message: ServerMessage, id: string): void {
    if (message.type === 'rejected') {
      const error = new ChatError(message.code, message.message, message.retryMs)
      this.#requests.reject(keyOf(message.request, id, message.room), error)
    } else if (message.type === 'ack') {
      this.#requests.answer(keyOf('send', id, message.room), message)
    } else if (message.type !== 'message') {
      this.#requests.answer(id, message)
    }
  }

  #end(code: number, reason: string): void {
    if (this.#phase.kind === 'closed') return
    clearTimeout(this.#whileOpening)
    if (this.#phase.kind === 'open') clearInterval(this.#phase.heartbeat)
    this.#phase = { kind: 'closed' }
    this.#requests.rejectAll(new ChatError('disconnected', reason || 'the connection was lost'))
    this.#events.onClose(this, code, reason)
  }
}

const ACKED: ReadonlySet<RequestType> = new Set(['send', 'edit', 'delete', 'invite'])

/** Ids of sent messages and of their changes are the user's own, and only different within a room; all others are the connection's. */
function keyOf(type: RequestType, id: string, room: string | undefined): string {
  return ACKED.has(type) ? `send ${room} ${id}` : id
}
