import { excessOfLine } from '../../traffic/excess.ts'

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
  readonly #history: Int32Array[] = []

  /** @param standing servers that every fleet begins with */
  constructor(count: number, standing: number) {
    this.wanted = new Int32Array(count).fill(standing)
    this.cost = new Float64Array(count)
    this.excess = new Float64Array(count)
  }

  /** The load went from `before` to `now` over the last tick: counts what it did to each. Servers start in `lead` ticks. */
  settle(before: number, now: number, lead: number, keep: number): void {
    const { wanted, cost, excess } = this
    const history = this.#history
    const high = Math.max(before, now)
    let free: Int32Array | undefined
    while (history.length > lead) free = history.shift()
    this.load = this.load * keep + (before + now) / 2
    for (let c = 0; c < wanted.length; c++) {
      const want = wanted[c]!
      let ready = want
      for (let i = 0; i < history.length; i++) ready = Math.min(ready, history[i]![c]!)
      cost[c] = cost[c]! * keep + want
      excess[c] = excess[c]! * keep + (high > ready ? excessOfLine(before, now, ready) : 0)
    }
    if (lead === 0) return
    if (history.length === lead) free = history.shift()
    free ??= new Int32Array(wanted.length)
    free.set(wanted)
    history.push(free)
  }
}
