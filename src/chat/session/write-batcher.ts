/** Something that gathers during a turn of the event loop and is written at its end. */
interface Flushable {
  flush(): void
}

/** Milliseconds that a write may wait for more to come, at most. */
const MAX_HOLD_MS = 4

/**
 * The end of a turn: rooms first make their frames, then every socket that has some is written to, once. Where writing takes
 * long, it waits as long as the shorter of the last two times, so that what comes meanwhile shares the writes; otherwise it waits
 * for nothing. A single long time was an interruption, such as by the collection of garbage.
 */
export class WriteBatcher {
  #rooms: Flushable[] = []
  #outboxes: Flushable[] = []
  #scheduled = false
  /** When writing may begin again. */
  #heldUntil = 0
  /** How long the last time took, milliseconds. */
  #took = 0

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
    const holdMs = Math.round(this.#heldUntil - performance.now())
    if (holdMs > 0) setTimeout(this.#end, holdMs)
    else setImmediate(this.#end)
  }

  readonly #end = (): void => {
    const began = performance.now()
    const rooms = this.#rooms
    this.#rooms = []
    for (const room of rooms) room.flush()
    const outboxes = this.#outboxes
    this.#outboxes = []
    this.#scheduled = false
    for (const outbox of outboxes) outbox.flush()
    const ended = performance.now()
    const took = ended - began
    this.#heldUntil = ended + Math.min(took, this.#took, MAX_HOLD_MS)
    this.#took = took
  }
}
