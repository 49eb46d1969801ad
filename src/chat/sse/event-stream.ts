import type { Writable } from 'node:stream'
import { CLOSE } from '../../protocol/close-codes.ts'
import type { Channel, ChannelEvents, FrameSink } from '../session/channel.ts'

/** What the requests beside an event stream carry. */
export type StreamPost =
  /** Frames of the client, one a line; none is a sign of life. `n` counts the requests from 1. */
  | { readonly kind: 'frames'; readonly n: number; readonly lines: string }
  /** The stream ends with this code. */
  | { readonly kind: 'close'; readonly code: number }

/** 204: received; 404: unknown stream; 409: not the next request. */
export type PostStatus = 204 | 404 | 409

type Phase =
  | { readonly kind: 'open' }
  /** Its last event, which closes it, was written. */
  | { readonly kind: 'closing'; readonly code: number }
  | { readonly kind: 'closed' }

const DATA = Buffer.from('data: ')
const END = Buffer.from('\n\n')

/**
 * Server-sent events as the channel of a session: frames go out as events, and come in by requests, each of which is answered
 * when its frames were read. A client has one request in flight at a time, so that it waits while nothing is read.
 */
export class EventStream implements Channel {
  readonly sink: FrameSink
  readonly #output: Writable
  #events: ChannelEvents | undefined
  #phase: Phase = { kind: 'open' }
  /** Requests received. */
  #received = 0
  #paused = false
  #held = false
  #onResumed: (() => void)[] = []

  /**
   * @param id by which requests name it: whoever knows it speaks for its user
   * @param output what has been answered to the request that opened it
   */
  constructor(id: string, output: Writable) {
    this.#output = output
    this.sink = sinkOf(output)
    output.on('error', () => {}) // 'close' follows
    output.once('close', () => this.#end(this.#phase.kind === 'closing' ? this.#phase.code : 1006))
    this.#write('open', id)
  }

  get isOpen(): boolean {
    return this.#phase.kind === 'open'
  }

  get isPaused(): boolean {
    return this.#paused
  }

  listen(events: ChannelEvents): void {
    this.#events = events
  }

  /** Resolves when what came was read, or the stream ended. A repeated request gets the same answer. */
  async receive(post: StreamPost): Promise<PostStatus> {
    if (!this.isOpen) return 404
    if (post.kind === 'close') {
      if (post.code === 1000) this.#leave(post.code)
      else this.close(post.code, post.code === CLOSE.tooLarge ? 'the request is too large' : '')
      return 204
    }
    if (post.n < 1 || (post.n !== this.#received && post.n !== this.#received + 1)) return 409
    if (post.n > this.#received) {
      this.#received = post.n
      if (post.lines === '') this.#events?.onPong()
      for (const line of post.lines.split('\n')) {
        if (!this.isOpen) break
        if (line !== '') this.#events?.onMessage(Buffer.from(line), false)
      }
    }
    while ((this.#paused || this.#held) && this.isOpen)
      await new Promise<void>((resolve) => this.#onResumed.push(resolve))
    return 204
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    this.#paused = false
    this.#goOn()
  }

  /** The request that is under way is answered later, and the client sends no other until then. */
  hold(): () => void {
    this.#held = true
    return () => {
      this.#held = false
      this.#goOn()
    }
  }

  #goOn(): void {
    for (const resume of this.#onResumed.splice(0)) resume()
  }

  ping(): void {
    this.#write('ping', '')
  }

  /** A client of this channel sends no pings but those of the protocol. */
  pong(): void {}

  close(code: number, reason: string): void {
    if (!this.isOpen) return
    this.#write('close', JSON.stringify({ code, reason }))
    this.#phase = { kind: 'closing', code }
    this.#goOn()
    this.#output.end()
  }

  terminate(): void {
    this.#output.destroy()
  }

  /** The client closed it. */
  #leave(code: number): void {
    this.#end(code)
    this.#output.end()
  }

  #end(code: number): void {
    if (this.#phase.kind === 'closed') return
    this.#phase = { kind: 'closed' }
    this.#goOn()
    this.#events?.onClose(code)
  }

  #write(event: 'open' | 'ping' | 'close', data: string): void {
    if (this.isOpen) this.#output.write(`event: ${event}\ndata: ${data}\n\n`)
  }
}

/** Frames of a WebSocket server (RFC 6455, section 5.2: final, unmasked) as events. Their payloads are JSON without line breaks. */
function asEvents(frames: Buffer): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < frames.length; ) {
    const short = frames[at + 1]!
    const head = short < 126 ? 2 : short === 126 ? 4 : 10
    const length =
      head === 2 ? short : head === 4 ? frames.readUInt16BE(at + 2) : frames.readUIntBE(at + 4, 6)
    parts.push(DATA, frames.subarray(at + head, at + head + length), END)
    at += head + length
  }
  return Buffer.concat(parts)
}

const sinkOf = (output: Writable): FrameSink => ({
  write: (frames) => {
    output.write(asEvents(frames))
  },
  get writableLength() {
    return output.writableLength
  },
  get destroyed() {
    return output.destroyed
  },
  on: (event, listener) => output.on(event, listener),
  off: (event, listener) => output.off(event, listener),
})
