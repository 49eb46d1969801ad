/** The mean of what was seen in the last seconds; the time before the first sample is not part of it. */
export class SlidingMean {
  readonly #seconds: number
  #samples: { time: number; value: number }[] = []
  #sum = 0

  constructor(seconds: number) {
    this.#seconds = seconds
  }

  add(time: number, value: number): void {
    this.#samples.push({ time, value })
    this.#sum += value
    let n = 0
    while (this.#samples[n]!.time <= time - this.#seconds) this.#sum -= this.#samples[n++]!.value
    if (n > 0) this.#samples = this.#samples.slice(n)
  }

  /** Cut to a millionth, so that a rounding error of adding and subtracting does not count as load. */
  get mean(): number {
    return this.#samples.length > 0 ? Math.floor((this.#sum / this.#samples.length) * 1e6) / 1e6 : 0
  }
}
