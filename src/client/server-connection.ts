import { type ClientMessage, PROTOCOL_VERSION, type ServerMessage } from '../protocol/messages.ts'

/** The part of a browser's `WebSocket` that is used; `ws` has it, too. */
export interface WebSocketLike {
  onopen: ((event: never) => void) | null
  onmessage: ((event: { data: unknown } & never) => void) | null
  onclose: ((event: { code: number; reason: string } & never) => void) | null
  onerror: ((event: never) => void) | null
  send(data: string): void
  close(code?: number, reason?: string): void
}

export type WebSocketClass = new (url: string) => WebSocketLike

export type Welcome = ServerMessage & { type: 'welcome' }

export interface ServerConnectionEvents {
  onWelcome(link: ServerConnection, welcome: Welcome): void
  onMessage(link: ServerConnection, message: ServerMessage): void
  /** Once, also when it never came to stand. */
  onClose(link: ServerConnection, code: number, reason: string): void
}

const WELCOME_MS = 10_000

/** One WebSocket to one server, from `hello` to its end. */
export class ServerConnection {
  /** The server's number, once it said so. */
  server: number | undefined
  /** Rooms that were joined on this link. */
  readonly joined = new Set<string>()
  readonly #socket: WebSocketLike
  readonly #events: ServerConnectionEvents
  readonly #timer: ReturnType<typeof setTimeout>
  #closed = false

  constructor(
    make: WebSocketClass,
    url: string,
    hello: { token?: string | undefined; user?: string | undefined },
    events: ServerConnectionEvents,
  ) {
    this.#events = events
    this.#socket = new make(url)
    this.#timer = setTimeout(() => this.close(4000, 'no welcome'), WELCOME_MS)
    this.#socket.onopen = () => this.send({ type: 'hello', version: PROTOCOL_VERSION, ...hello })
    this.#socket.onmessage = ({ data }) => this.#take(String(data))
    this.#socket.onclose = ({ code, reason }) => this.#end(code, reason)
    this.#socket.onerror = () => {} // 'close' follows
  }

  send(message: ClientMessage): void {
    if (!this.#closed) this.#socket.send(JSON.stringify(message))
  }

  /** Ends it without waiting for the other side. */
  close(code = 1000, reason = ''): void {
    if (this.#closed) return
    this.#socket.close(code, reason)
    this.#end(1006, reason)
  }

  #take(text: string): void {
    if (this.#closed) return
    const message = JSON.parse(text) as ServerMessage
    if (message.type === 'welcome') {
      clearTimeout(this.#timer)
      this.server = message.server
      this.#events.onWelcome(this, message)
    } else {
      this.#events.onMessage(this, message)
    }
  }

  #end(code: number, reason: string): void {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#timer)
    this.#events.onClose(this, code, reason)
  }
}
