import { MARGINS } from './candidate-fleets.ts'
import { ErrorSketch } from './errors.ts'
import { FORECASTERS, Forecasters } from './forecasters.ts'

/** Errors are measured against the forecast, its square root (as of counts), and the long-run mean. */
const SCALES = 3
/** Forecasters with scales: each learns its errors by itself. */
export const GROUPS = FORECASTERS.length * SCALES
const SHARES = MARGINS.map(({ share }) => share)
/** Loads below this share of the long-run mean are not told apart. */
const SMALL = 0.02

interface Made {
  readonly load: number
  readonly expected: Float64Array
  readonly scales: Float64Array
}

/** Every forecaster with the errors it made over whole horizons: what the most will be within one, how surely. */
export class Forecasts {
  readonly #forecasters: Forecasters
  readonly #sketches: ErrorSketch[]
  readonly #margins = new Float64Array(GROUPS * SHARES.length)
  readonly #scales = new Float64Array(GROUPS)
  /** Forecasts whose horizon is not over yet. */
  readonly #open: Made[] = []
  readonly #surprised = new Uint8Array(GROUPS)
  #ticks = 0

  /** @param memory ticks after which an error counts for 1/e; @param interval seconds of a tick */
  constructor(memory: number, interval: number) {
    this.#forecasters = new Forecasters(interval)
    this.#sketches = Array.from({ length: GROUPS }, () => new ErrorSketch(memory))
    // Before anything was seen, the load is thought to double within a horizon.
    for (const sketch of this.#sketches) sketch.add(1)
  }

  /** Whether the end of any forecast's horizon has come: before, nothing is known of the errors. */
  known = false

  get mean(): number {
    return this.#forecasters.mean
  }

  /** After a gap longer than a horizon: what was forecast before it has no known outcome, and the load is `load` now. */
  skip(load: number): void {
    this.#forecasters.skip(load)
    this.#open.length = 0
    this.#surprised.fill(0)
  }

  see(time: number, load: number, horizon: number, interval: number): void {
    this.#forecasters.see(time, load, horizon, interval)
    this.#scale()
    this.#learn(load, horizon)
    if (this.#ticks < 64 || this.#ticks % 32 === 0) {
      this.#sketches.forEach((sketch, g) => {
        sketch.quantiles(SHARES, this.#margins, g * SHARES.length)
      })
    }
    this.#ticks++
  }

  #scale(): void {
    const { expected, mean } = this.#forecasters
    for (let f = 0; f < FORECASTERS.length; f++) {
      const relative = expected[f]! + SMALL * mean
      const average = mean || 1
      this.#scales[f * SCALES] = relative || 1
      this.#scales[f * SCALES + 1] = Math.sqrt(relative * average) || 1
      this.#scales[f * SCALES + 2] = average
    }
  }

  /** Of the forecast whose horizon ends now the error is known: the most that came, less what was expected. */
  #learn(load: number, horizon: number): void {
    const open = this.#open
    const shape = { load, expected: this.#forecasters.expected.slice(), scales: this.#scales.slice() }
    open.push(shape)
    while (open.length > horizon) {
      const made = open.shift()!
      this.known = true
      let most = load
      for (const each of open) most = Math.max(most, each.load)
      for (let g = 0; g < GROUPS; g++) {
        const score = (most - made.expected[Math.floor(g / SCALES)]!) / made.scales[g]!
        this.#sketches[g]!.add(score)
        this.#surprised[g] = score > this.#margins[(g + 1) * SHARES.length - 1]! ? 1 : 0
      }
    }
  }

  /** What a group expects, users. */
  expected(group: number): number {
    return this.#forecasters.expected[Math.floor(group / SCALES)]!
  }

  /** What is not exceeded in the share of horizons that the margin covers, by the errors of the group; users. */
  upper(group: number, margin: number): number {
    return Math.max(
      0,
      this.expected(group) + this.#margins[group * SHARES.length + margin]! * this.#scales[group]!,
    )
  }

  /** What the highest load of a horizon does not exceed in that share (0–1) of horizons; users. */
  quantile(group: number, share: number): number {
    const score = new Float64Array(1)
    this.#sketches[group]!.quantiles([share], score, 0)
    return Math.max(0, this.expected(group) + score[0]! * this.#scales[group]!)
  }

  /** How surely the load stays at or below `users`, 0–1. */
  sureness(group: number, users: number): number {
    return this.#sketches[group]!.shareBelow((users - this.expected(group)) / this.#scales[group]!)
  }

  /** Whether the load just left what the group thought all but impossible. */
  failed(group: number): boolean {
    return this.#surprised[group] === 1
  }

  nameOf(group: number): string {
    return FORECASTERS[Math.floor(group / SCALES)]!
  }
}
