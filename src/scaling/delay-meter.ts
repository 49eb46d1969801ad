import type { Observation } from './types.ts'

/** Until a server was seen to start, it is assumed to need this many seconds. */
const ASSUMED = 60

/** Learns from launch to ready, seconds, from the servers that it sees come. */
export class DelayMeter {
  seconds = ASSUMED
  #seenUntil = -Infinity
  #measured = false
  #size = -1
  #starting = false

  see(observation: Observation): void {
    const { time, desiredCount } = observation
    const grown = desiredCount > this.#size
    this.#size = desiredCount
    // While none was added and none starts there is nothing new to learn.
    if (!grown && !this.#starting) return
    const { servers } = observation
    this.#starting = servers.some(({ state }) => state === 'starting')
    for (const { launchedAt, readyAt } of servers) {
      if (launchedAt === undefined || readyAt === undefined || readyAt <= this.#seenUntil) continue
      // Servers that were there when virtual time began carry no information.
      if (readyAt > launchedAt || launchedAt > 0) this.#take(readyAt - launchedAt)
    }
    this.#seenUntil = time
  }

  /** The slow ones count: down only little by little. */
  #take(seconds: number): void {
    this.seconds = this.#measured ? Math.max(seconds, this.seconds + (seconds - this.seconds) / 20) : seconds
    this.#measured = true
  }
}
