import { writeDirectly } from '../../http/direct-write.ts'
import type { FrameSink } from './channel.ts'
import type { WriteBatcher } from './write-batcher.ts'

interface OutboxEvents {
  /** Whether the channel is open: a close frame, also one by the WebSocket itself, is the last of a connection. */
  isOpen(): boolean
  /** It became full. */
  onFull(): void
}

/** Whole WebSocket frames on their way to one client: one write per turn, and a bound on what may wait. */
export class Outbox {
  readonly #sink: FrameSink
  readonly #batcher: WriteBatcher
  readonly #limit: number
  readonly #events: OutboxEvents
  #frames: Buffer[] = []
  #bytes = 0
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
    if (this.#frames.length === 0) this.#batcher.outbox(this)
    this.#frames.push(frame)
    this.#bytes += frame.length
    if (this.full && this.#draining === undefined) this.#events.onFull()
  }

  flush(): void {
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
