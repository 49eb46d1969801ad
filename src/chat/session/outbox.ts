import type { Duplex } from 'node:stream'

/** Something that gathers during a turn of the event loop and goes out at its end. */
interface Flushable {
  flush(): void
}

/** The end of a turn: rooms first make their frames, then every socket that has some is written to, once. */
export class WriteBatcher {
  #rooms: Flushable[] = []
  #outboxes: Flushable[] = []
  #scheduled = false

  room(room: Flushable): void {
    this.#rooms.push(room)
    this.#schedule()
  }

  outbox(outbox: Flushable): void {
    this.#outboxes.push(outbox)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    setImmediate(this.#end)
  }

  readonly #end = (): void => {
    const rooms = this.#rooms
    this.#rooms = []
    for (const room of rooms) room.flush()
    const outboxes = this.#outboxes
    this.#outboxes = []
    this.#scheduled = false
    for (const outbox of outboxes) outbox.flush()
  }
}

/** Whole WebSocket frames on their way to one socket: one write a turn, and a bound on what may wait. */
export class Outbox {
  readonly #socket: Duplex
  readonly #turn: WriteBatcher
  readonly #limit: number
  #frames: Buffer[] = []
  #bytes = 0

  /** @param limit bytes that may wait before the socket counts as full */
  constructor(socket: Duplex, turn: WriteBatcher, limit: number) {
    this.#socket = socket
    this.#turn = turn
    this.#limit = limit
  }

  push(frame: Buffer): void {
    if (this.#frames.length === 0) this.#turn.outbox(this)
    this.#frames.push(frame)
    this.#bytes += frame.length
  }

  flush(): void {
    const frames = this.#frames
    if (frames.length === 0) return
    this.#frames = []
    this.#bytes = 0
    if (this.#socket.destroyed || this.#socket.writableEnded) return
    this.#socket.write(frames.length === 1 ? frames[0]! : Buffer.concat(frames))
  }

  /** Bytes that the other side has not taken yet. */
  get waiting(): number {
    return this.#socket.writableLength + this.#bytes
  }

  /** Whether the other side reads too slowly to be given more. */
  get full(): boolean {
    return this.waiting > this.#limit
  }

  /** Resolves when the socket has taken all it was given; at once when it is not full. */
  drained(): Promise<void> {
    this.flush()
    // A write that the system took whole is followed by no 'drain'.
    if (!this.full || this.#socket.destroyed) return Promise.resolve()
    return new Promise((resolve) => {
      const done = () => {
        this.#socket.off('drain', done)
        this.#socket.off('close', done)
        resolve()
      }
      this.#socket.on('drain', done)
      this.#socket.on('close', done)
    })
  }
}
