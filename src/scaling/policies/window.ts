/** The mean of what was seen in the last seconds. */
export class Window {
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

  get mean(): number {
    return this.#samples.length > 0 ? this.#sum / this.#samples.length : 0
  }
}
