import { Signal } from '../base/signal.ts'
import type { Decision } from '../pipeline/items.ts'
import type { FleetEvent } from './control-target.ts'

const KEPT = 1000

/** The last thousand things that happened to a fleet. */
export class EventLog {
  readonly #events: FleetEvent[] = []
  readonly #now: () => number
  #count = 0
  /** Each event, after it was noted. */
  readonly added = new Signal<FleetEvent>()

  /** @param now seconds since the run began */
  constructor(now: () => number) {
    this.#now = now
  }

  add(kind: FleetEvent['kind'], text: string, decision?: Decision): void {
    const time = decision?.time ?? this.#now()
    const event: FleetEvent = { number: ++this.#count, time, kind, text, ...(decision && { decision }) }
    this.#events.push(event)
    if (this.#events.length > 2 * KEPT) this.#events.splice(0, KEPT)
    this.added.emit(event)
  }

  after(number: number): readonly FleetEvent[] {
    return this.#events.filter((event) => event.number > number).slice(-KEPT)
  }
}
