import type { Decision } from '../scaling/decision.ts'
import type { FleetEvent } from './control-target.ts'

const KEPT = 1000

/** The last thousand things that happened to a fleet. */
export class EventList {
  readonly #events: FleetEvent[] = []
  readonly #now: () => number
  #count = 0

  /** @param now seconds since the run began */
  constructor(now: () => number) {
    this.#now = now
  }

  add(kind: FleetEvent['kind'], text: string, decision?: Decision): void {
    const time = decision?.time ?? this.#now()
    this.#events.push({ number: ++this.#count, time, kind, text, ...(decision && { decision }) })
    if (this.#events.length > 2 * KEPT) this.#events.splice(0, KEPT)
  }

  after(number: number): readonly FleetEvent[] {
    return this.#events.filter((event) => event.number > number).slice(-KEPT)
  }
}
