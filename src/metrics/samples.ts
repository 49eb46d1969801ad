import type { Sample } from './run-result.ts'

const worst = (a: Sample['latency'], b: Sample['latency']): Sample['latency'] =>
  a && b
    ? {
        p50Ms: Math.max(a.p50Ms, b.p50Ms),
        p95Ms: Math.max(a.p95Ms, b.p95Ms),
        p99Ms: Math.max(a.p99Ms, b.p99Ms),
      }
    : (a ?? b)

/** The later of two samples, with the worst latency and the mean utilization of both. */
function merged(earlier: Sample, { latency, utilization, ...later }: Sample): Sample {
  const worse = worst(earlier.latency, latency)
  const mean =
    earlier.utilization === undefined || utilization === undefined
      ? (utilization ?? earlier.utilization)
      : (earlier.utilization + utilization) / 2
  return {
    ...later,
    ...(mean !== undefined && { utilization: mean }),
    ...(worse !== undefined && { latency: worse }),
  }
}

/** The samples of a run in bounded memory: when it is full, every two samples become one and the spacing doubles. */
export class Samples {
  readonly kept: Sample[] = []
  readonly #limit: number
  #stride = 1
  #seen = 0
  #skipped: Sample | undefined

  constructor(limit = 4096) {
    this.#limit = limit
  }

  add(sample: Sample): void {
    const complete = this.#skipped ? merged(this.#skipped, sample) : sample
    if (this.#seen++ % this.#stride !== 0) {
      this.#skipped = complete
      return
    }
    this.#skipped = undefined
    this.kept.push(complete)
    if (this.kept.length < this.#limit) return
    for (let i = 1; 2 * i < this.kept.length; i++)
      this.kept[i] = merged(this.kept[2 * i - 1]!, this.kept[2 * i]!)
    this.kept.length = Math.ceil(this.kept.length / 2)
    this.#stride *= 2
  }
}
