import type { Durability } from '../protocol/messages.ts'

/** An acknowledged message: where it stands and how safe it is. */
export interface Ack {
  readonly seq: number
  readonly id: string
  readonly durability: Durability
}

export interface PendingSend {
  readonly id: string
  readonly body: string
  resolve(ack: Ack): void
  reject(error: Error): void
}

/** Messages that may wait for a connection, per room. */
const MAX_WAITING = 1000

/**
 * The messages of one room on their way out, one at a time: so they stand in the room in the order in which they were sent,
 * whatever is refused, retried or moved to another server.
 */
export class SendQueue {
  readonly #waiting: PendingSend[] = []
  readonly #send: (message: PendingSend) => void
  readonly #onTimeout: () => void
  readonly #ackMs: number
  #timer: ReturnType<typeof setTimeout> | undefined
  #open = false

  /**
   * @param send puts a message on the wire
   * @param onTimeout when there was no answer for `ackMs`
   */
  constructor(send: (message: PendingSend) => void, onTimeout: () => void, ackMs: number) {
    this.#send = send
    this.#onTimeout = onTimeout
    this.#ackMs = ackMs
  }

  add(message: PendingSend): void {
    if (this.#waiting.length >= MAX_WAITING) {
      message.reject(new Error(`more than ${MAX_WAITING} messages wait for a connection`))
      return
    }
    this.#waiting.push(message)
    if (this.#open && this.#waiting.length === 1) this.#sendFirst()
  }

  /** The room was joined on a connection: what is not acknowledged yet goes out (again). */
  open(): void {
    this.#open = true
    this.#sendFirst()
  }

  /** There is no connection now. */
  pause(): void {
    this.#open = false
    clearTimeout(this.#timer)
  }

  acked(id: string, seq: number, durability: Durability): void {
    this.#settle(id)?.resolve({ seq, id, durability })
  }

  /** Tries again after `retryMs`; without it, gives the message up. */
  refused(id: string, error: Error, retryMs: number | undefined): void {
    if (this.#waiting[0]?.id !== id) return
    clearTimeout(this.#timer)
    if (retryMs === undefined) this.#settle(id)?.reject(error)
    else this.#timer = setTimeout(() => this.#sendFirst(), retryMs)
  }

  /** Gives everything up. */
  fail(error: Error): void {
    this.pause()
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }

  #settle(id: string): PendingSend | undefined {
    if (this.#waiting[0]?.id !== id) return undefined
    clearTimeout(this.#timer)
    const message = this.#waiting.shift()
    this.#sendFirst()
    return message
  }

  #sendFirst(): void {
    clearTimeout(this.#timer)
    const [first] = this.#waiting
    if (!first || !this.#open) return
    this.#timer = setTimeout(this.#onTimeout, this.#ackMs)
    this.#send(first)
  }
}
