import { writeDirectly } from '../../http/direct-write.ts'
import type { FrameSink } from './channel.ts'
import type { WriteBatcher } from './write-batcher.ts'

interface OutboxEvents {
  /** Whether the channel is open: a close frame, also one by the WebSocket itself, is the last of a connection. */
  isOpen(): boolean
  /** It became full. */
  onFull(): void
}

const EMPTY = Buffer.alloc(0)
const MIN_OUT = 1024

/** Whole WebSocket frames on their way to one client: one write per turn, and a bound on what may wait. */
export class Outbox {
  readonly #sink: FrameSink
  readonly #batcher: WriteBatcher
  readonly #limit: number
  readonly #events: OutboxEvents
  #frames: Buffer[] = []
  #bytes = 0
  /** Where frames are written that have no buffer of their own, as far as it is used. */
  #out: Buffer = EMPTY
  #used = 0
  /** Bytes of a write past the stream that the system has not accepted whole. */
  #direct = 0
  #ended = false
  /** Resolves when what waits was read, or is closed. */
  #draining: Promise<void> | undefined
  #onDrained: (() => void) | undefined

  /** @param limit bytes that may wait before it counts as full */
  constructor(sink: FrameSink, batcher: WriteBatcher, limit: number, events: OutboxEvents) {
    this.#sink = sink
    this.#batcher = batcher
    this.#limit = limit
    this.#events = events
  }

  push(frame: Buffer): void {
    if (this.closed) return
    this.#seal()
    this.#frames.push(frame)
    this.#add(frame.length)
  }

  /** Makes room in `out` for a frame of so many bytes, from the returned place on; `commit` follows when it is written. */
  reserve(length: number): number {
    if (this.#used + length > this.#out.length) {
      const larger = Buffer.allocUnsafe(Math.max(MIN_OUT, 2 * this.#used, this.#used + length))
      larger.set(this.#out.subarray(0, this.#used))
      this.#out = larger
    }
    return this.#used
  }

  get out(): Buffer {
    return this.#out
  }

  /** The frame for which there was room is written. */
  commit(length: number): void {
    this.#used += length
    this.#add(length)
  }

  #add(bytes: number): void {
    if (this.#bytes === 0) this.#batcher.outbox(this)
    this.#bytes += bytes
    if (this.full && this.#draining === undefined) this.#events.onFull()
  }

  /** What was written into `out` comes before the next frame. */
  #seal(): void {
    if (this.#used === 0) return
    this.#frames.push(this.#out.subarray(0, this.#used))
    this.#out = EMPTY
    this.#used = 0
  }

  flush(): void {
    this.#seal()
    const frames = this.#frames
    if (frames.length === 0) return
    this.#frames = []
    this.#bytes = 0
    if (this.closed) return
    const data = frames.length === 1 ? frames[0]! : Buffer.concat(frames)
    const written = this.#direct === 0 ? writeDirectly(this.#sink, data, this) : undefined
    if (written === undefined) {
      this.#sink.write(data)
    } else {
      if (written === 'waits') this.#direct = data.length
      this.#checkDrained()
    }
  }

  onWritten(): void {
    this.#direct = 0
    this.#checkDrained()
  }

  /** What went past the stream is followed by no 'drain'. */
  #checkDrained(): void {
    if (this.#onDrained !== undefined && !this.full) this.#onDrained()
  }

  /** Writes what waits, and accepts nothing more. */
  end(): void {
    this.flush()
    this.#ended = true
  }

  /** Whether nothing can be sent any more. */
  get closed(): boolean {
    return this.#ended || this.#sink.destroyed || !this.#events.isOpen()
  }

  /** Bytes that the other side has not received yet. */
  get waiting(): number {
    return this.#sink.writableLength + this.#direct + this.#bytes
  }

  /** Whether the other side reads too slowly to be given more. */
  get full(): boolean {
    return this.waiting > this.#limit
  }

  /** Resolves when what waits was read, or it is closed; at once when it is not full. */
  drained(): Promise<void> {
    if (this.#draining !== undefined) return this.#draining
    this.flush()
    if (!this.full || this.#sink.destroyed) return Promise.resolve()
    this.#draining = new Promise((resolve) => {
      const done = () => {
        this.#sink.off('drain', done)
        this.#sink.off('close', done)
        this.#draining = undefined
        this.#onDrained = undefined
        resolve()
      }
      this.#onDrained = done
      this.#sink.on('drain', done)
      this.#sink.on('close', done)
    })
    return this.#draining
  }
}
