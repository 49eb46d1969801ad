import type { FleetSnapshot } from './control-target.ts'

/** What is kept of each second; what was not known is NaN, `null` in JSON. */
export const DAY_FIELDS = [
  'time',
  'load',
  'requestedLoad',
  'size',
  'ready',
  'messagesPerSecond',
  'deliveriesPerSecond',
  'p50Ms',
  'p95Ms',
  'p99Ms',
  'usersPerServer',
  'shadowServers',
  'forecastTime',
  'expected',
  'low',
  'high',
] as const

export type StateField = (typeof DAY_FIELDS)[number]

const SECONDS = 86_400
const WIDTH = DAY_FIELDS.length
/** When several rows become one, the worst of these is kept. */
const WORST = (['p50Ms', 'p95Ms', 'p99Ms'] as const).map((field) => DAY_FIELDS.indexOf(field))

/** What is kept of a snapshot, in the order of `DAY_FIELDS`. */
export function stateRow(snapshot: FleetSnapshot): number[] {
  const { latency, forecast, shadow } = snapshot
  const values: Record<StateField, number | undefined> = {
    time: snapshot.time,
    load: snapshot.load,
    requestedLoad: snapshot.requestedLoad,
    size: snapshot.size,
    ready: snapshot.ready,
    messagesPerSecond: snapshot.messagesPerSecond,
    deliveriesPerSecond: snapshot.deliveriesPerSecond,
    ...latency,
    usersPerServer: snapshot.usersPerServer,
    shadowServers: shadow?.servers,
    forecastTime: forecast?.time,
    expected: forecast?.expected,
    low: forecast?.low,
    high: forecast?.high,
  }
  return DAY_FIELDS.map((field) => values[field] ?? Number.NaN)
}

/** A day of a fleet, a row a second, in eleven megabytes. */
export class StateHistory {
  readonly #rows = new Float64Array(SECONDS * WIDTH)
  #count = 0

  add(snapshot: FleetSnapshot): void {
    this.#rows.set(stateRow(snapshot), (this.#count++ % SECONDS) * WIDTH)
  }

  /**
   * Rows after `time`, at most `most` of them: of a longer stretch every n-th, with the worst latencies of the n, and
   * always the last. Thousandths are enough for people.
   */
  after(time: number, most: number): number[][] {
    const kept = Math.min(this.#count, SECONDS)
    const at = (i: number) => ((this.#count - kept + i) % SECONDS) * WIDTH
    let [low, high] = [0, kept]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#rows[at(middle)]! > time) high = middle
      else low = middle + 1
    }
    const step = Math.max(1, Math.ceil((kept - low) / most))
    const rows: number[][] = []
    for (let i = kept - 1; i >= low; i -= step) {
      const row = [...this.#rows.subarray(at(i), at(i) + WIDTH)]
      for (let earlier = i - 1; earlier > i - step && earlier >= low; earlier--)
        for (const field of WORST) row[field] = Math.max(row[field]!, this.#rows[at(earlier) + field]!)
      rows.push(row.map((value) => Math.round(value * 1000) / 1000))
    }
    return rows.reverse()
  }
}
