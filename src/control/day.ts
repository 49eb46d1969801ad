import type { FleetSnapshot } from './control-target.ts'

/** What is kept of each second. */
export const DAY_FIELDS = [
  'time',
  'load',
  'requestedLoad',
  'size',
  'ready',
  'messagesPerSecond',
  'p99Ms',
] as const

const SECONDS = 86_400
const WIDTH = DAY_FIELDS.length

/** A day of a fleet, a row a second, in five megabytes. */
export class Day {
  readonly #rows = new Float64Array(SECONDS * WIDTH)
  #count = 0

  add({ time, load, requestedLoad, size, ready, messagesPerSecond, latency }: FleetSnapshot): void {
    const row = [time, load, requestedLoad, size, ready, messagesPerSecond, latency.p99Ms]
    this.#rows.set(row, (this.#count++ % SECONDS) * WIDTH)
  }

  /** Rows after `time`, at most `most` of them: of a longer stretch every n-th, and always the last. */
  after(time: number, most: number): number[][] {
    const kept = Math.min(this.#count, SECONDS)
    const row = (i: number) => {
      const at = ((this.#count - kept + i) % SECONDS) * WIDTH
      return [...this.#rows.subarray(at, at + WIDTH)]
    }
    let [low, high] = [0, kept]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#rows[((this.#count - kept + middle) % SECONDS) * WIDTH]! > time) high = middle
      else low = middle + 1
    }
    const step = Math.max(1, Math.ceil((kept - low) / most))
    const rows: number[][] = []
    for (let i = kept - 1; i >= low; i -= step) rows.push(row(i))
    return rows.reverse()
  }
}
