import { isUtf8 } from 'node:buffer'

/** First bytes of whole frames (RFC 6455, section 5.2). */
const TEXT = 0x81
const PING = 0x89
const PONG = 0x8a
/** A longer frame that has not come whole is left to the WebSocket: here it would be copied with each part. */
const MAX_PARTIAL = 4096

/** Gets the frames of one connection. */
export interface FrameReceiver {
  /** Bytes of the longest text. */
  readonly maxPayload: number
  /** Whether another reads from now on. */
  readonly isHandedOver: boolean
  /** Asked first, with the payload as a part of `data`: whether it needs no reading. */
  sheds(data: Buffer, from: number, end: number): boolean
  /** @param payload valid only during the call */
  onText(payload: Buffer): void
  onPing(payload: Buffer): void
  onPong(): void
  /** Gets whatever else comes, a fragment, a close, a violation, with all that follows. */
  handOver(rest: Buffer): void
}

/**
 * Reads what nearly all frames are, whole text messages, pings and pongs, in place and without a stream of its own.
 * @returns the beginning of a frame that has not come whole
 */
export function readFrames(data: Buffer, receiver: FrameReceiver): Buffer | undefined {
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
      (first === TEXT ? length <= receiver.maxPayload : first === PING || first === PONG) &&
      (head === 8 ? length >= 126 : length < 126)
    const payload = at + head
    const end = payload + length
    if (!isOurs || (end > data.length && length > MAX_PARTIAL)) {
      receiver.handOver(data.subarray(at))
      return
    }
    if (end > data.length) break
    const bits = unmask(data, payload, end)
    if (first === PING) {
      receiver.onPing(Buffer.from(data.subarray(payload, end)))
    } else if (first === PONG) {
      receiver.onPong()
    } else if (bits > 127 && !isUtf8(data.subarray(payload, end))) {
      unmask(data, payload, end) // masks it again
      receiver.handOver(data.subarray(at))
      return
    } else if (!receiver.sheds(data, payload, end)) {
      receiver.onText(data.subarray(payload, end))
    }
    at = end
    if (receiver.isHandedOver) {
      if (at < data.length) receiver.handOver(data.subarray(at))
      return
    }
  }
  // A copy: the buffer that was read into is larger.
  return at < data.length ? Buffer.from(data.subarray(at)) : undefined
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
