import type { Bus } from './broker.ts'

const TOPIC = 'size'
const CHECK_MS = 1000
/** Checks without a report after which the size is no longer known. */
const MAX_SILENCE = 5

/**
 * The size that the leader has decided, known to every controller: any of them may be asked for it. While there is no leader, or
 * the broker is away, it is not known.
 */
export class SharedSize {
  readonly #bus: Bus
  #unsubscribe: (() => void) | undefined
  #timer: NodeJS.Timeout | undefined
  /** What this process publishes, as the leader. */
  #own: number | undefined
  #heard: number | undefined
  #silence = 0

  constructor(bus: Bus) {
    this.#bus = bus
  }

  start(): void {
    this.#unsubscribe = this.#bus.subscribe(TOPIC, (text) => {
      this.#heard = Number(text)
      this.#silence = 0
    })
    this.#timer = setInterval(() => this.#check(), CHECK_MS)
  }

  get value(): number | undefined {
    return this.#silence > MAX_SILENCE ? undefined : this.#heard
  }

  /** Sets what this process publishes as the leader; `undefined` when it leads no more. */
  publish(size: number | undefined): void {
    this.#own = size
    this.#send()
  }

  close(): void {
    clearInterval(this.#timer)
    this.#unsubscribe?.()
  }

  #check(): void {
    this.#silence++
    this.#send()
  }

  #send(): void {
    if (this.#own !== undefined) this.#bus.publish(TOPIC, String(this.#own))
  }
}
