import { stored, takeOver } from './stored-numbers.ts'

/** A mean of 8th powers: rises that come one time in five count 0.8 of their size, one time in a hundred 0.6. */
const POWER = 8

/** Of each part of a period: the powers of its rises in sum, and how many they were, the older ones for less. */
export interface UsualRiseState {
  readonly powers: number[]
  readonly counts: number[]
}

/** How far the load rises at each time of a period, such as an hour: what is scheduled comes back at the same time of it. */
export class UsualRise {
  readonly #period: number
  readonly #width: number
  readonly #powers: Float64Array
  readonly #counts: Float64Array

  /** @param period seconds @param width seconds of each part that is told apart */
  constructor(period: number, width: number) {
    this.#period = period
    this.#width = width
    this.#powers = new Float64Array(period / width)
    this.#counts = new Float64Array(period / width)
  }

  #part(clock: number): number {
    return Math.floor((((clock % this.#period) + this.#period) % this.#period) / this.#width)
  }

  /** Adds a rise from `clock`, which stands for `interval` seconds; rises before that interval count `decay` times as much. */
  see(clock: number, rise: number, interval: number, decay: number): void {
    const parts = Math.min(this.#counts.length, Math.ceil(interval / this.#width))
    const older = decay ** Math.max(1, this.#period / Math.max(this.#width, interval))
    for (let i = 0; i < parts; i++) {
      const part = this.#part(clock + i * this.#width)
      this.#powers[part] = this.#powers[part]! * older + rise ** POWER
      this.#counts[part] = this.#counts[part]! * older + 1
    }
  }

  /** The usual rise from `clock` on. */
  at(clock: number): number {
    const part = this.#part(clock)
    return (this.#powers[part]! / (this.#counts[part]! || 1)) ** (1 / POWER)
  }

  snapshot(): UsualRiseState {
    return { powers: stored(this.#powers), counts: stored(this.#counts) }
  }

  restore({ powers, counts }: UsualRiseState): void {
    takeOver(this.#powers, powers, 'parts of a period')
    takeOver(this.#counts, counts, 'parts of a period')
  }
}
