import type { Duplex } from 'node:stream'

/** Bytes before each frame: its length. */
const LENGTH_BYTES = 4
/** Frames are written into buffers of this size, or into a larger one of their own. */
const CHUNK = 64 * 1024
/** A longer frame is not a frame of ours. */
const MAX_FRAME = 64 * 2 ** 20

/**
 * Frames over a stream between two processes of a fleet: `length (4) | content`. What is written in one turn of the event
 * loop goes out in one write. Nothing here bounds what waits: who writes looks at `waiting` and holds back.
 */
export class FrameStream {
  readonly #stream: Duplex
  /** Where the next frames go, as far as it is used, and what is full already. */
  #chunk: Buffer = Buffer.allocUnsafeSlow(CHUNK)
  #used = 0
  #full: Buffer[] = []
  #fullBytes = 0
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

  /**
   * Begins a frame of this many bytes, which are to be written at once into `out`, from the returned place on: no buffer is made
   * for a frame, and none is copied.
   */
  begin(length: number): number {
    if (this.#used === 0 && this.#full.length === 0) setImmediate(this.#flush)
    const size = LENGTH_BYTES + length
    if (this.#used + size > this.#chunk.length) this.#next(size)
    const at = this.#used
    this.#chunk.writeUInt32BE(length, at)
    this.#used += size
    return at + LENGTH_BYTES
  }

  get out(): Buffer {
    return this.#chunk
  }

  /** Bytes that the other side has not taken yet. */
  get waiting(): number {
    return this.#fullBytes + this.#used + this.#stream.writableLength
  }

  close(): void {
    this.#flush()
    this.#stream.end()
  }

  #next(size: number): void {
    if (this.#used > 0) {
      this.#full.push(this.#chunk.subarray(0, this.#used))
      this.#fullBytes += this.#used
      this.#used = 0
    }
    this.#chunk = Buffer.allocUnsafeSlow(Math.max(CHUNK, size))
  }

  readonly #flush = (): void => {
    const stream = this.#stream
    const last = this.#used > 0 ? this.#chunk.subarray(0, this.#used) : undefined
    const full = this.#full
    this.#used = 0
    if (full.length > 0) {
      this.#full = []
      this.#fullBytes = 0
    }
    if (stream.destroyed || stream.writableEnded) return
    if (full.length > 0) stream.cork()
    for (const chunk of full) stream.write(chunk)
    if (last) stream.write(last)
    if (full.length > 0) stream.uncork()
    // What the system has not taken whole is read from this buffer later.
    if (stream.writableLength > 0 || this.#chunk.length > CHUNK) this.#chunk = Buffer.allocUnsafeSlow(CHUNK)
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
