import { excessOfLine } from '../../../traffic/excess.ts'
import { LowestOfLate } from './sliding-minimum.ts'

/**
 * Fleets that are only counted: what would have come of each, on the load as it really came. The load does not depend on the
 * fleet, so this is no estimate but what would have been. All figures in servers; sums forget alike. Fixed size.
 */
export class Ledger {
  /** Servers that each wants now. */
  readonly wanted: Int32Array
  /** Sums over ticks: servers wanted, load above the servers that would have been ready, and load. */
  readonly cost: Float64Array
  readonly excess: Float64Array
  load = 0
  /** What was wanted in the ticks that a server needs to start. */
  readonly #late: LowestOfLate

  /** @param standing servers that every fleet begins with */
  constructor(count: number, standing: number) {
    this.wanted = new Int32Array(count).fill(standing)
    this.cost = new Float64Array(count)
    this.excess = new Float64Array(count)
    this.#late = new LowestOfLate(count)
  }

  /** The load went from `before` to `now` over the last tick: counts what it did to each. Servers start in `lead` ticks. */
  settle(before: number, now: number, lead: number, keep: number): void {
    const { wanted, cost, excess } = this
    const late = this.#late
    const high = Math.max(before, now)
    late.keep(lead)
    this.load = this.load * keep + (before + now) / 2
    for (let c = 0; c < wanted.length; c++) {
      const want = wanted[c]!
      const ready = Math.min(want, late.lowest(c))
      cost[c] = cost[c]! * keep + want
      excess[c] = excess[c]! * keep + (high > ready ? excessOfLine(before, now, ready) : 0)
    }
    late.push(wanted)
  }
}
