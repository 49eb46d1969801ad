import type { Distribution } from '../base/distribution.ts'
import type { Rng } from '../base/rng.ts'

/** One running timer for every user that was added; users are small whole numbers. */
export interface UserTimers {
  /** When the next one fires, seconds; `Infinity` without any. */
  next: number
  /** Whose timer rings at `next`. It restarts from there. */
  ring(): number
  add(user: number, time: number): void
  remove(user: number, time: number): void
}

/** Timers of the given distribution: memoryless ones need no queue at all. */
export function userTimers(distribution: Distribution, rng: Rng): UserTimers {
  return distribution.kind === 'exponential'
    ? new MemorylessTimers(distribution.mean, rng)
    : new QueuedTimers(distribution.sampler(rng))
}

function grown(old: Int32Array<ArrayBuffer>, atLeast: number): Int32Array<ArrayBuffer> {
  if (atLeast <= old.length) return old
  const larger = new Int32Array(Math.max(atLeast, old.length * 2))
  larger.set(old)
  return larger
}

/**
 * The superposition of n exponential timers of mean m is a Poisson process of rate n/m whose points belong to each
 * timer equally likely (Kingman, *Poisson Processes*, 1993, §2.2), so one draw for all of them is exact.
 */
class MemorylessTimers implements UserTimers {
  next = Infinity
  readonly #mean: number
  readonly #rng: Rng
  #users = new Int32Array(1024)
  #places = new Int32Array(1024)
  #count = 0

  constructor(mean: number, rng: Rng) {
    this.#mean = mean
    this.#rng = rng
  }

  #redraw(time: number): void {
    this.next = this.#count === 0 ? Infinity : time + this.#rng.exponential(this.#mean / this.#count)
  }

  ring(): number {
    const user = this.#users[this.#rng.below(this.#count)]!
    this.#redraw(this.next)
    return user
  }

  add(user: number, time: number): void {
    this.#users = grown(this.#users, this.#count + 1)
    this.#places = grown(this.#places, user + 1)
    this.#users[this.#count] = user
    this.#places[user] = this.#count++
    this.#redraw(time)
  }

  remove(user: number, time: number): void {
    const place = this.#places[user]!
    const last = this.#users[--this.#count]!
    this.#users[place] = last
    this.#places[last] = place
    this.#redraw(time)
  }
}

/** Timers of any distribution, in a binary heap that knows each user's place in it. */
class QueuedTimers implements UserTimers {
  next = Infinity
  readonly #draw: () => number
  #times = new Float64Array(1024)
  #users = new Int32Array(1024)
  #places = new Int32Array(1024)
  #count = 0

  constructor(draw: () => number) {
    this.#draw = draw
  }

  ring(): number {
    const user = this.#users[0]!
    this.#sink(0, this.#times[0]! + this.#draw(), user)
    this.next = this.#times[0]!
    return user
  }

  add(user: number, time: number): void {
    if (this.#count === this.#times.length) {
      const larger = new Float64Array(this.#count * 2)
      larger.set(this.#times)
      this.#times = larger
    }
    this.#users = grown(this.#users, this.#count + 1)
    this.#places = grown(this.#places, user + 1)
    this.#rise(this.#count++, time + this.#draw(), user)
    this.next = this.#times[0]!
  }

  remove(user: number): void {
    const place = this.#places[user]!
    const time = this.#times[--this.#count]!
    const last = this.#users[this.#count]!
    if (place < this.#count) {
      if (place > 0 && time < this.#times[(place - 1) >> 1]!) this.#rise(place, time, last)
      else this.#sink(place, time, last)
    }
    this.next = this.#count === 0 ? Infinity : this.#times[0]!
  }

  #put(place: number, time: number, user: number): void {
    this.#times[place] = time
    this.#users[place] = user
    this.#places[user] = place
  }

  #rise(from: number, time: number, user: number): void {
    let place = from
    while (place > 0) {
      const parent = (place - 1) >> 1
      if (this.#times[parent]! <= time) break
      this.#put(place, this.#times[parent]!, this.#users[parent]!)
      place = parent
    }
    this.#put(place, time, user)
  }

  #sink(from: number, time: number, user: number): void {
    let place = from
    for (;;) {
      let child = 2 * place + 1
      if (child >= this.#count) break
      if (child + 1 < this.#count && this.#times[child + 1]! < this.#times[child]!) child++
      if (this.#times[child]! >= time) break
      this.#put(place, this.#times[child]!, this.#users[child]!)
      place = child
    }
    this.#put(place, time, user)
  }
}
