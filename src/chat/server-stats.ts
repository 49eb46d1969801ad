import { Buckets, type BucketTotals, LATENCY_BOUNDS } from '../base/buckets.ts'
import { Histogram } from '../base/histogram.ts'

/** How often something has happened so far. */
interface Counts {
  /** Messages acknowledged, and rejected for want of room or disk. */
  readonly messages: number
  readonly rejected: number
  /** Times that a member lagged, and connections closed for reading too slowly for long. */
  readonly lagging: number
  readonly slowClosed: number
  /** Times that a room was joined where its user had left off, after a lost connection or a move. */
  readonly resumed: number
  /** Connections that broke off without a close frame: their users are likely to reconnect. */
  readonly lost: number
  /** Requests that failed by a mistake in this program; each was rejected with `internal`. */
  readonly failures: number
  /** Users who were asked to follow their room to another server. */
  readonly followed: number
  /** Times that the keys of the issuer of tokens could not be fetched. */
  readonly keyFetchesFailed: number
}

/** What a chat server has done so far, and is doing. */
export interface ChatServerStats extends Counts {
  readonly connections: number
  /** Connections that were not asked to go elsewhere, or did not. */
  readonly staying: number
  /** Messages pushed to members. */
  readonly deliveries: number
  /** Seconds from receiving to acknowledging, in the buckets of `LATENCY_BOUNDS`. */
  readonly latency: BucketTotals
  /** Slot-seconds of simulated work, its slots, and messages that wait for one; absent without such work. */
  readonly work?: { busySeconds: number; concurrency: number; queued: number }
}

/** Mistakes in this program that are logged; all are counted. */
const MAX_FAILURES_LOGGED = 20

/** Counts what happens in a chat server. */
export class ServerCounters {
  readonly #counts: Record<keyof Counts, number> = {
    messages: 0,
    rejected: 0,
    lagging: 0,
    slowClosed: 0,
    resumed: 0,
    lost: 0,
    failures: 0,
    followed: 0,
    keyFetchesFailed: 0,
  }
  readonly #buckets = new Buckets(LATENCY_BOUNDS)
  #latency = new Histogram()

  count(what: keyof Counts, times = 1): void {
    this.#counts[what] += times
  }

  /** A message was acknowledged; `seconds` since it was received. */
  acked(seconds: number): void {
    this.#counts.messages++
    this.#latency.record(seconds)
    this.#buckets.record(seconds)
  }

  /** A handler threw what is not a rejection: a mistake in this program. */
  failed(error: unknown): void {
    this.#counts.failures++
    if (this.#counts.failures <= MAX_FAILURES_LOGGED) console.error('chat server: internal error:', error)
  }

  get totals(): Counts & Pick<ChatServerStats, 'latency'> {
    return { ...this.#counts, latency: this.#buckets }
  }

  /** Seconds from receiving to acknowledging, of the messages since this was last asked. */
  takeLatency(): Histogram {
    const latency = this.#latency
    this.#latency = new Histogram()
    return latency
  }
}
