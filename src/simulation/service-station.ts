import type { ServerWork, WorkTotals } from '../fleet/server.ts'

/** Puts `value` on top of a min-heap of `count` numbers in place of its lowest. */
function replaceLowest(heap: Float64Array, count: number, value: number): void {
  let place = 0
  for (;;) {
    let child = 2 * place + 1
    if (child >= count) break
    if (child + 1 < count && heap[child + 1]! < heap[child]!) child++
    if (heap[child]! >= value) break
    heap[place] = heap[child]!
    place = child
  }
  heap[place] = value
}

function push(heap: Float64Array, count: number, value: number): void {
  let place = count
  while (place > 0) {
    const parent = (place - 1) >> 1
    if (heap[parent]! <= value) break
    heap[place] = heap[parent]!
    place = parent
  }
  heap[place] = value
}

/**
 * A simulated server at work: first come, first served, on `concurrency` slots with a bounded queue (G/G/c/K).
 *
 * A message's start is known when it arrives: it is the time the earliest slot becomes free (the recursion of Kiefer
 * and Wolfowitz, *Trans. AMS* 78, 1955). So no completion needs an event; what has finished is settled when the
 * server is next looked at.
 */
export class ServiceStation implements ServerWork {
  readonly concurrency: number
  readonly #capacity: number
  /** When each slot becomes free: a min-heap. */
  readonly #slots: Float64Array
  /** When each message in progress will be done: a min-heap. */
  readonly #finishes: Float64Array
  #inFlight = 0
  #accepted = 0
  #busySeconds = 0
  #settledAt: number
  #lastFinish: number

  constructor(concurrency: number, queueLimit: number, time: number) {
    this.concurrency = concurrency
    this.#capacity = concurrency + queueLimit
    this.#slots = new Float64Array(concurrency).fill(time)
    this.#finishes = new Float64Array(this.#capacity)
    this.#settledAt = time
    this.#lastFinish = time
  }

  /** Takes a message that needs `service` seconds of work: how long it waits, or -1 when the queue is full. */
  offer(time: number, service: number): number {
    this.#workUntil(time)
    if (this.#inFlight === this.#capacity) return -1
    const start = Math.max(time, this.#slots[0]!)
    const finish = start + service
    replaceLowest(this.#slots, this.concurrency, finish)
    push(this.#finishes, this.#inFlight++, finish)
    this.#accepted++
    if (finish > this.#lastFinish) this.#lastFinish = finish
    return start - time
  }

  inFlight(time: number): number {
    this.#workUntil(time)
    return this.#inFlight
  }

  busyUntil(): number {
    return this.#lastFinish
  }

  totals(time: number): WorkTotals {
    this.#workUntil(time)
    return {
      messages: this.#accepted,
      busySeconds: this.#busySeconds,
      concurrency: this.concurrency,
      queued: Math.max(0, this.#inFlight - this.concurrency),
    }
  }

  #workUntil(time: number): void {
    const finishes = this.#finishes
    const slots = this.concurrency
    while (this.#inFlight > 0 && finishes[0]! <= time) {
      const finish = finishes[0]!
      this.#busySeconds += Math.min(this.#inFlight, slots) * (finish - this.#settledAt)
      this.#settledAt = finish
      const last = finishes[--this.#inFlight]!
      replaceLowest(finishes, this.#inFlight, last)
    }
    if (time > this.#settledAt) {
      this.#busySeconds += Math.min(this.#inFlight, slots) * (time - this.#settledAt)
      this.#settledAt = time
    }
  }
}
