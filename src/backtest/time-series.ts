import type { LoadCurve } from './load-curve.ts'

/** Something over time, thinned for a picture; plain data. Times in seconds, increasing. */
export interface TimeSeries {
  readonly times: readonly number[]
  readonly values: readonly number[]
}

/** Points of a picture's width that each keep their lowest and their highest value. */
const PARTS = 320

/** Thins its input so that no peak and no dip is lost: the lowest and the highest of each part, in their order. */
export class TimeSeriesRecorder {
  readonly #part: number
  readonly #times: number[] = []
  readonly #values: number[] = []
  #current = -1
  #low = { time: 0, value: 0 }
  #high = { time: 0, value: 0 }

  /** @param duration of all, seconds */
  constructor(duration: number) {
    this.#part = duration / PARTS
  }

  /** From `time` on it is `value`. */
  add(time: number, value: number): void {
    const part = Math.floor(time / this.#part)
    if (part !== this.#current) {
      this.#flush()
      this.#current = part
      this.#low = { time, value }
      this.#high = { time, value }
    } else if (value < this.#low.value) this.#low = { time, value }
    else if (value > this.#high.value) this.#high = { time, value }
  }

  series(): TimeSeries {
    this.#flush()
    this.#current = -1
    return { times: this.#times, values: this.#values }
  }

  #flush(): void {
    if (this.#current < 0) return
    const inOrder = this.#low.time <= this.#high.time ? [this.#low, this.#high] : [this.#high, this.#low]
    for (const { time, value } of inOrder) {
      if (time === this.#times.at(-1)) continue
      this.#times.push(Math.round(time))
      this.#values.push(value)
    }
  }
}

/** The servers that a load needs, over time. */
export function neededSeries(curve: LoadCurve, usersPerServer: number): TimeSeries {
  const recorder = new TimeSeriesRecorder(curve.duration)
  curve.times.forEach((time, i) => {
    recorder.add(time, Number((curve.values[i]! / usersPerServer).toPrecision(4)))
  })
  return recorder.series()
}
