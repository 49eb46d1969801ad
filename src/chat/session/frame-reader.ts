import { isUtf8 } from 'node:buffer'
import type { Duplex } from 'node:stream'

/** First bytes of whole frames (RFC 6455, section 5.2). */
const TEXT = 0x81
const PING = 0x89
const PONG = 0x8a
/** A longer frame that has not come whole is left to the WebSocket: here it would be copied with each part. */
const MAX_PARTIAL = 4096

/**
 * Reads what nearly all frames are, whole text messages, in place and without a stream of its own, and hands pings and
 * pongs to the WebSocket in order. Whatever else comes, a fragment, a close, a violation, is the WebSocket's, with all that
 * follows: it alone judges the protocol.
 */
export class FrameReader {
  readonly #stream: Duplex
  readonly #maxPayload: number
  readonly #sheds: (data: Buffer, from: number, end: number) => boolean
  readonly #onText: (payload: Buffer) => void
  /** The WebSocket's own listener for what is read. */
  readonly #toWebSocket: (chunk: Buffer) => void
  /** The beginning of a frame. */
  #partial: Buffer | undefined

  /**
   * @param stream of a WebSocket that has just been opened, and reads it
   * @param sheds is asked first, with the payload as a part of `data`, and returns whether it needs no reading
   * @param onText receives a payload, valid only during the call
   */
  constructor(
    stream: Duplex,
    maxPayload: number,
    sheds: (data: Buffer, from: number, end: number) => boolean,
    onText: (payload: Buffer) => void,
  ) {
    this.#stream = stream
    this.#maxPayload = maxPayload
    this.#sheds = sheds
    this.#onText = onText
    this.#toWebSocket = stream.listeners('data').at(-1) as (chunk: Buffer) => void
    stream.off('data', this.#toWebSocket)
    stream.on('data', this.#onData)
    // The WebSocket reads what is left in the stream by itself.
    stream.prependListener('close', this.#handOver)
  }

  readonly #onData = (chunk: Buffer): void => {
    let data = chunk
    if (this.#partial !== undefined) {
      data = Buffer.concat([this.#partial, chunk])
      this.#partial = undefined
    }
    let at = 0
    while (data.length - at >= 2) {
      const first = data[at]!
      const second = data[at + 1]!
      let length = second & 127
      let head = 6
      if (length === 126 && first === TEXT) {
        if (data.length - at < 4) break
        length = data.readUInt16BE(at + 2)
        head = 8
      }
      const isOurs =
        second >= 128 &&
        (first === TEXT ? length <= this.#maxPayload : first === PING || first === PONG) &&
        (head === 8 ? length >= 126 : length < 126)
      const payload = at + head
      const end = payload + length
      if (!isOurs || (end > data.length && length > MAX_PARTIAL)) {
        this.#handOver(data.subarray(at))
        return
      }
      if (end > data.length) break
      if (first !== TEXT) {
        this.#toWebSocket.call(this.#stream, data.subarray(at, end))
      } else {
        const bits = unmask(data, payload, end)
        if (bits > 127 && !isUtf8(data.subarray(payload, end))) {
          unmask(data, payload, end) // masks it again
          this.#handOver(data.subarray(at))
          return
        }
        if (!this.#sheds(data, payload, end)) this.#onText(data.subarray(payload, end))
      }
      at = end
    }
    // A copy: the buffer that was read into is larger.
    if (at < data.length) this.#partial = Buffer.from(data.subarray(at))
  }

  /** From now on the WebSocket reads, beginning with what has been read of the next frame. */
  readonly #handOver = (data: unknown): void => {
    const rest = Buffer.isBuffer(data) ? data : this.#partial
    this.#partial = undefined
    const stream = this.#stream
    stream.off('close', this.#handOver)
    stream.off('data', this.#onData)
    stream.on('data', this.#toWebSocket)
    if (rest !== undefined) this.#toWebSocket.call(stream, rest)
  }
}

/** Applies the mask of four bytes before `from`; returns all bits that are then set in any byte. */
function unmask(data: Buffer, from: number, end: number): number {
  const a = data[from - 4]!
  const b = data[from - 3]!
  const c = data[from - 2]!
  const d = data[from - 1]!
  let bits = 0
  let at = from
  for (; at + 3 < end; at += 4) {
    bits |= data[at]! ^= a
    bits |= data[at + 1]! ^= b
    bits |= data[at + 2]! ^= c
    bits |= data[at + 3]! ^= d
  }
  if (at < end) bits |= data[at++]! ^= a
  if (at < end) bits |= data[at++]! ^= b
  if (at < end) bits |= data[at]! ^= c
  return bits
}
