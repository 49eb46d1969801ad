/** Values counted by size; plain data, so that it may go from process to process. */
export interface BucketTotals {
  /** Values up to each bound and above the one before; last those above all. */
  readonly counts: readonly number[]
  readonly sum: number
}

/** Upper bounds for the time from receiving a message to acknowledging it, seconds. */
export const LATENCY_BOUNDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** Counts values in a few fixed buckets that can be added up over servers, as Prometheus keeps them. */
export class Buckets implements BucketTotals {
  readonly bounds: readonly number[]
  readonly counts: number[]
  sum = 0

  /** @param bounds upper bounds, ascending; each belongs to its bucket */
  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = new Array<number>(bounds.length + 1).fill(0)
  }

  record(value: number): void {
    let i = 0
    while (i < this.bounds.length && value > this.bounds[i]!) i++
    this.counts[i]!++
    this.sum += value
  }

  /** Adds what was counted with the same bounds. */
  add({ counts, sum }: BucketTotals): void {
    for (const [i, count] of counts.entries()) this.counts[i]! += count
    this.sum += sum
  }
}
