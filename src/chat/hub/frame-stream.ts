import type { Duplex } from 'node:stream'

/** Bytes before each frame: its length. */
export const LENGTH_BYTES = 4
/** A longer frame is no frame of ours. */
const MAX_FRAME = 64 * 2 ** 20

/**
 * Frames over a stream between two processes of a fleet: `length (4) | content`. What is written in one turn of the event
 * loop goes out in one write. Nothing here bounds what waits: who writes looks at `waiting` and holds back.
 */
export class FrameStream {
  readonly #stream: Duplex
  #out: Buffer[] = []
  #outBytes = 0
  #parts: Buffer[] = []
  #partBytes = 0
  #needed = LENGTH_BYTES

  /**
   * @param onFrame receives the content of each frame
   * @param onDrain what waited has been written
   * @param onClose once, when the stream is gone
   */
  constructor(
    stream: Duplex,
    handlers: { onFrame(content: Buffer): void; onDrain?(): void; onClose(): void },
  ) {
    this.#stream = stream
    stream.on('data', (chunk: Buffer) => this.#onData(chunk, handlers.onFrame))
    stream.on('error', () => {}) // 'close' follows
    if (handlers.onDrain) stream.on('drain', handlers.onDrain)
    stream.once('close', handlers.onClose)
    stream.once('end', () => stream.destroy())
  }

  /** @param frame with its length in front, see `newFrame` */
  write(frame: Buffer): void {
    if (this.#out.length === 0) setImmediate(() => this.#flush())
    this.#out.push(frame)
    this.#outBytes += frame.length
  }

  /** Bytes that the other side has not taken yet. */
  get waiting(): number {
    return this.#outBytes + this.#stream.writableLength
  }

  close(): void {
    this.#flush()
    this.#stream.end()
  }

  #flush(): void {
    const out = this.#out
    if (out.length === 0) return
    const bytes = this.#outBytes
    this.#out = []
    this.#outBytes = 0
    if (this.#stream.destroyed || this.#stream.writableEnded) return
    this.#stream.write(out.length === 1 ? out[0]! : Buffer.concat(out, bytes))
  }

  #onData(chunk: Buffer, onFrame: (content: Buffer) => void): void {
    let data = chunk
    if (this.#partBytes > 0) {
      this.#parts.push(chunk)
      this.#partBytes += chunk.length
      if (this.#partBytes < this.#needed) return
      data = Buffer.concat(this.#parts, this.#partBytes)
      this.#parts = []
      this.#partBytes = 0
    }
    let at = 0
    this.#needed = LENGTH_BYTES
    while (data.length - at >= LENGTH_BYTES) {
      const length = data.readUInt32BE(at)
      if (length > MAX_FRAME) {
        this.#stream.destroy()
        return
      }
      if (data.length - at < LENGTH_BYTES + length) {
        this.#needed = LENGTH_BYTES + length
        break
      }
      const from = at + LENGTH_BYTES
      at = from + length
      onFrame(data.subarray(from, at))
    }
    if (at < data.length) {
      this.#parts.push(data.subarray(at))
      this.#partBytes = data.length - at
    }
  }
}

/** A frame for `length` bytes of content, which begins at `LENGTH_BYTES`. */
export function newFrame(length: number): Buffer {
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + length)
  frame.writeUInt32BE(length, 0)
  return frame
}
