import { EventStreamSocket } from './event-stream-socket.ts'
import type { Transport, WebSocketClass } from './transport.ts'

/** WebSockets that failed one after another, before event streams are tried: by clients that had one before, and by others. */
const FAILURES = { hadOne: 3, hadNone: 1 }
/** Longest time between two attempts at a WebSocket while an event stream serves, milliseconds. */
const MAX_AGAIN_MS = 30 * 60_000

/** Which transport the next connection uses. */
export class Transports {
  readonly #webSocket: WebSocketClass
  readonly #option: Transport | 'auto'
  readonly #firstAgainMs: number
  #againMs: number
  #hadWebSocket = false
  /** WebSockets in a row that never got a welcome. */
  #failures = 0
  /** Whether event streams worked where WebSockets did not. */
  #fellBack = false

  /** @param againMs after which a client that fell back tries a WebSocket, twice as long after each failure */
  constructor(webSocket: WebSocketClass, option: Transport | 'auto' = 'auto', againMs = 60_000) {
    this.#webSocket = webSocket
    this.#option = option
    this.#firstAgainMs = againMs
    this.#againMs = againMs
  }

  classOf(transport: Transport): WebSocketClass {
    return transport === 'sse' ? EventStreamSocket : this.#webSocket
  }

  /** For a connection that replaces a lost one, or is the first. */
  get next(): Transport {
    if (this.#option !== 'auto') return this.#option
    const most = this.#hadWebSocket ? FAILURES.hadOne : FAILURES.hadNone
    return this.#fellBack || this.#failures >= most ? 'sse' : 'websocket'
  }

  /** Milliseconds until a WebSocket is tried, while a connection of this transport serves; `undefined`: not at all. */
  againMs(serving: Transport): number | undefined {
    return this.#option === 'auto' && serving === 'sse' ? this.#againMs : undefined
  }

  welcomed(transport: Transport): void {
    this.#failures = 0
    this.#fellBack = transport === 'sse'
    if (transport === 'websocket') {
      this.#hadWebSocket = true
      this.#againMs = this.#firstAgainMs
    }
  }

  /** A connection that should have replaced a lost one broke without a welcome. */
  failed(transport: Transport): void {
    if (transport === 'websocket') {
      this.#failures++
    } else {
      this.#failures = 0
      this.#fellBack = false
    }
  }

  /** A WebSocket was tried while an event stream serves, and failed. */
  failedAgain(): void {
    this.#againMs = Math.min(2 * this.#againMs, MAX_AGAIN_MS)
  }
}
