import type { Sample } from './run-result.ts'

/** The course of a run in bounded memory: when it is full, every second sample goes and the spacing doubles. */
export class Samples {
  readonly kept: Sample[] = []
  readonly #limit: number
  #stride = 1
  #seen = 0

  constructor(limit = 4096) {
    this.#limit = limit
  }

  add(sample: Sample): void {
    if (this.#seen++ % this.#stride !== 0) return
    this.kept.push(sample)
    if (this.kept.length < this.#limit) return
    for (let i = 1; 2 * i < this.kept.length; i++) this.kept[i] = this.kept[2 * i]!
    this.kept.length = Math.ceil(this.kept.length / 2)
    this.#stride *= 2
  }
}
