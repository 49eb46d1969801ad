/** Something that gathers during a turn of the event loop and is written at its end. */
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
