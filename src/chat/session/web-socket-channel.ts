import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { holdReading } from '../../http/hold-reading.ts'
import type { Channel, ChannelEvents, FrameSink } from './channel.ts'
import { type FrameReceiver, readFrames } from './frame-reader.ts'
import type { WebSockets } from './web-sockets.ts'

const CHANNEL = Symbol('channel')

/** A stream knows its channel, so that listeners are the same for all of them. */
type Stream = Duplex & { [CHANNEL]?: WebSocketChannel }

const PING = Buffer.from([0x89, 0])
const PONG = 0x8a

function onData(this: Stream, chunk: Buffer): void {
  this[CHANNEL]!.read(chunk)
}

/** The WebSocket knows how a connection ends, and reads what is left in the stream by itself. */
function onEnd(this: Stream): void {
  this[CHANNEL]!.handOver()
  this.listeners('end').at(-1)!.call(this)
}

function onClose(this: Stream): void {
  this[CHANNEL]!.handOver()
  this.listeners('close').at(-1)!.call(this)
}

/**
 * A WebSocket connection as the channel of a session. It is read and answered here as long as whole texts, pings and pongs
 * come. With whatever else comes, a fragment, a close, a violation, or when it ends, it gets a WebSocket of the library, which
 * reads all that follows: that alone judges the protocol.
 */
export class WebSocketChannel implements Channel, FrameReceiver {
  readonly sink: FrameSink
  readonly maxPayload: number
  readonly #sockets: WebSockets
  readonly #stream: Stream
  #events: ChannelEvents | undefined
  #socket: WebSocket | undefined
  #paused = false
  /** The beginning of a frame. */
  #partial: Buffer | undefined

  /** @param stream that was upgraded; frames are written to it in one piece */
  constructor(sockets: WebSockets, stream: Duplex, maxPayload: number) {
    this.sink = stream
    this.#sockets = sockets
    this.#stream = stream
    this.maxPayload = maxPayload
  }

  get isOpen(): boolean {
    return this.#socket ? this.#socket.readyState === this.#socket.OPEN : !this.#stream.destroyed
  }

  get isPaused(): boolean {
    return this.#paused
  }

  listen(events: ChannelEvents): void {
    this.#events = events
    const stream = this.#stream
    stream[CHANNEL] = this
    stream.on('close', onClose)
    stream.on('end', onEnd)
    stream.on('data', onData)
  }

  pause(): void {
    this.#paused = true
    ;(this.#socket ?? this.#stream).pause()
  }

  resume(): void {
    this.#paused = false
    ;(this.#socket ?? this.#stream).resume()
  }

  hold(): (() => void) | undefined {
    return holdReading(this.#stream)
  }

  ping(): void {
    if (this.#socket) this.#socket.ping()
    else this.#stream.write(PING)
  }

  pong(data: Buffer): void {
    if (this.#socket) this.#socket.pong(data)
    else this.#stream.write(Buffer.concat([Buffer.from([PONG, data.length]), data]))
  }

  close(code: number, reason: string): void {
    this.handOver().close(code, reason)
  }

  terminate(): void {
    if (this.#socket) this.#socket.terminate()
    else this.#stream.destroy()
  }

  read(chunk: Buffer): void {
    const data = this.#partial === undefined ? chunk : Buffer.concat([this.#partial, chunk])
    this.#partial = undefined
    this.#partial = readFrames(data, this)
  }

  get isHandedOver(): boolean {
    return this.#socket !== undefined
  }

  sheds(data: Buffer, from: number, end: number): boolean {
    return this.#events!.sheds(data, from, end)
  }

  onText(payload: Buffer): void {
    this.#events!.onMessage(payload, false)
  }

  onPing(payload: Buffer): void {
    this.#events!.onPing(payload)
  }

  onPong(): void {
    this.#events!.onPong()
  }

  /** From now on the WebSocket reads, beginning with what has been read and not been handled. */
  handOver(read = this.#partial): WebSocket {
    const stream = this.#stream
    this.#partial = undefined
    this.#socket ??= this.#open()
    if (read !== undefined) stream.emit('data', read)
    return this.#socket
  }

  #open(): WebSocket {
    const stream = this.#stream
    stream.off('data', onData)
    stream.off('end', onEnd)
    stream.off('close', onClose)
    const socket = this.#sockets.open(stream)
    if (this.#paused) socket.pause()
    const events = this.#events!
    socket.on('message', (data: Buffer, isBinary) => events.onMessage(data, isBinary))
    socket.on('ping', (data) => events.onPing(data))
    socket.on('pong', () => events.onPong())
    socket.on('error', () => {}) // 'close' follows
    socket.on('close', (code) => events.onClose(code)) // which comes once; `once` would keep a wrapper
    return socket
  }
}
