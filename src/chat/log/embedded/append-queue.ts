import type { IdHash } from '../recent-ids.ts'
import type { Append, Appended } from '../room-log.ts'

/** An append on its way; it gets its place with the batch in which it is written. */
export class QueuedAppend {
  readonly message: Append
  /** When it came, `performance.now()`. */
  readonly since: number
  readonly resolve: (appended: Appended) => void
  readonly reject: (error: Error) => void
  readonly hash: IdHash
  seq = 0
  prevSeq = 0
  /** Of its record in the batch. */
  offset = 0

  constructor(
    message: Append,
    hash: IdHash,
    since: number,
    resolve: QueuedAppend['resolve'],
    reject: QueuedAppend['reject'],
  ) {
    this.message = message
    this.hash = hash
    this.since = since
    this.resolve = resolve
    this.reject = reject
  }
}

/** Milliseconds from one write to the next while many come: what comes meanwhile shares one sync, one frame, one turn. A longer one saves little. */
const GATHER_MS = 1
/** Writes in a row that need not wait for more to gather. */
const AT_ONCE = 8
const BATCH = 8192
const BATCH_BYTES = 8 * 2 ** 20
/** Bytes of bodies that may wait for the disk. */
const QUEUE_BYTES = 64 * 2 ** 20

/** Appends that wait for the disk, and the batches that they are written in. */
export class AppendQueue {
  readonly #limit: number
  readonly #maxWaitMs: number
  #waiting: QueuedAppend[] = []
  #bytes = 0
  /** When the oldest append came that is not answered yet. */
  #oldest: number | undefined
  /** Writes are due every `GATHER_MS` since; behind the clock by what may be written at once. */
  #writeDue = 0

  /**
   * @param limit appends that may wait
   * @param maxWaitMs how long the oldest may have waited, while more are accepted
   */
  constructor(limit: number, maxWaitMs: number) {
    this.#limit = limit
    this.#maxWaitMs = maxWaitMs
  }

  get length(): number {
    return this.#waiting.length
  }

  /** Milliseconds after which to retry, when no more can be accepted at `now`, `performance.now()`. */
  overload(now: number): number | undefined {
    const age = now - (this.#oldest ?? now)
    if (age <= this.#maxWaitMs && this.#waiting.length < this.#limit && this.#bytes <= QUEUE_BYTES)
      return undefined
    return Math.round(Math.min(5000, Math.max(250, 2 * age)))
  }

  push(pending: QueuedAppend): void {
    this.#oldest ??= pending.since
    this.#waiting.push(pending)
    this.#bytes += pending.message.body.length
  }

  /** Milliseconds until the next write: none for one that comes alone, or when a batch is full. */
  gatherMs(): number {
    const now = performance.now()
    const due = Math.max(this.#writeDue, now - AT_ONCE * GATHER_MS)
    this.#writeDue = due + GATHER_MS
    return this.#waiting.length >= BATCH ? 0 : Math.ceil(due - now)
  }

  nextBatch(): QueuedAppend[] {
    let count = 0
    let bytes = 0
    while (count < this.#waiting.length && count < BATCH && bytes < BATCH_BYTES)
      bytes += this.#waiting[count++]!.message.body.length
    this.#bytes -= bytes
    this.#oldest = this.#waiting[0]?.since
    return this.#waiting.splice(0, count)
  }

  /** What is being answered no longer counts: an append that follows an answer must not be rejected for its age. */
  answered(): void {
    this.#oldest = this.#waiting[0]?.since
  }
}
