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
  #powers: number[]
  #counts: number[]

  /** @param period seconds @param width seconds of each part that is told apart */
  constructor(period: number, width: number) {
    this.#period = period
    this.#width = width
    this.#powers = new Array(period / width).fill(0)
    this.#counts = new Array(period / width).fill(0)
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
    const rounded = (values: number[]) => values.map((value) => Number(value.toPrecision(6)))
    return { powers: rounded(this.#powers), counts: rounded(this.#counts) }
  }

  restore({ powers, counts }: UsualRiseState): void {
    for (const { length } of [powers, counts])
      if (length !== this.#counts.length)
        throw new RangeError(`${length} parts of a period where there are ${this.#counts.length}`)
    this.#powers = [...powers]
    this.#counts = [...counts]
  }
}
