import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { holdReading } from '../../http/hold-reading.ts'
import type { Channel, ChannelEvents, FrameSink } from './channel.ts'
import { FrameReader } from './frame-reader.ts'

/** A WebSocket as the channel of a session. */
export class WebSocketChannel implements Channel {
  readonly sink: FrameSink
  readonly #socket: WebSocket
  readonly #stream: Duplex
  readonly #maxPayload: number

  /** @param stream that the WebSocket is on; frames are written to it in one piece */
  constructor(socket: WebSocket, stream: Duplex, maxPayload: number) {
    this.sink = stream
    this.#socket = socket
    this.#stream = stream
    this.#maxPayload = maxPayload
  }

  get isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN
  }

  get isPaused(): boolean {
    return this.#socket.isPaused
  }

  listen({ onMessage, sheds, onPing, onPong, onClose }: ChannelEvents): void {
    const socket = this.#socket
    new FrameReader(this.#stream, this.#maxPayload, sheds, (text) => onMessage(text, false))
    socket.on('message', onMessage)
    socket.on('ping', onPing)
    socket.on('pong', onPong)
    socket.on('error', () => {}) // 'close' follows
    socket.on('close', onClose) // which comes once; `once` would keep a wrapper
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  hold(): (() => void) | undefined {
    return holdReading(this.#stream)
  }

  ping(): void {
    this.#socket.ping()
  }

  pong(data: Buffer): void {
    this.#socket.pong(data)
  }

  close(code: number, reason: string): void {
    this.#socket.close(code, reason)
  }

  terminate(): void {
    this.#socket.terminate()
  }
}
