import type { ServerId } from '../../fleet/provider.ts'
import type { Observation } from '../policy.ts'

/** Until a server was seen to start, it is taken to need so many seconds. */
const ASSUMED = 60

/** Learns from launch to ready, seconds, from the servers that it sees come. */
export class DelayMeter {
  seconds = ASSUMED
  #known = new Map<ServerId, number>()
  #lastTime: number | undefined
  #measured = false

  see({ servers, time }: Observation): void {
    const known = new Map<ServerId, number>()
    for (const { id, state, readyAt } of servers) {
      if (state === 'draining') continue
      // A server that is new now was launched by the last decision; of those that were there at first nobody knows.
      const launched = this.#known.get(id) ?? this.#lastTime ?? Number.NaN
      if (state === 'ready' && readyAt !== undefined && launched >= 0)
        this.#take(Math.max(0, readyAt - launched))
      known.set(id, state === 'ready' ? Number.NaN : launched)
    }
    this.#known = known
    this.#lastTime = time
  }

  /** The slow ones count: down only little by little. */
  #take(seconds: number): void {
    this.seconds = this.#measured ? Math.max(seconds, this.seconds + (seconds - this.seconds) / 20) : seconds
    this.#measured = true
  }
}
