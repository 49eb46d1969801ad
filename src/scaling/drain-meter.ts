import type { Observation } from './types.ts'

/** What is left of a server that drained with each other one: 1/e after 50. */
const KEPT = Math.exp(-1 / 50)

/** What the meter has learned, as plain data: server-seconds, and how many servers they are of. */
export interface DrainState {
  readonly seconds: number
  readonly count: number
}

/** Learns how long a server that is scaled in is still paid for until its users are gone. */
export class DrainMeter {
  #learned: DrainState = { seconds: 0, count: 0 }
  #draining: ReadonlySet<number> = new Set()
  #before: { readonly time: number; readonly size: number } | undefined

  see(observation: Observation): void {
    const { time, desiredCount } = observation
    const before = this.#before
    this.#before = { time, size: desiredCount }
    // While none was scaled in and none drains there is nothing to see.
    if (!before || (desiredCount >= before.size && this.#draining.size === 0)) return
    let { seconds, count } = this.#learned
    const ids = new Set<number>()
    for (const { id, state } of observation.servers) {
      if (state !== 'draining') continue
      ids.add(id)
      seconds += Math.max(0, time - before.time)
      if (this.#draining.has(id)) continue
      seconds *= KEPT
      count = count * KEPT + 1
    }
    this.#draining = ids
    this.#learned = { seconds, count }
  }

  /** Mean seconds that a server drains; 0 before one did. */
  get seconds(): number {
    const { seconds, count } = this.#learned
    return count > 0 ? seconds / count : 0
  }

  snapshot(): DrainState {
    return this.#learned
  }

  restore(state: DrainState): void {
    this.#learned = state
  }
}
