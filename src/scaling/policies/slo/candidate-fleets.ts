import { Ledger } from './ledger.ts'

/** How surely a margin covers the errors of a forecast, and what is spared of it, in servers. */
export interface Margin {
  /** Of the errors, 0–1. */
  readonly share: number
  readonly spared: number
}

/** A smooth load may have a little more than its servers hold at all times, and that is most of what a calm fleet can save. */
export const MARGINS: readonly Margin[] = [
  { share: 0.5, spared: 0.3 },
  { share: 0.5, spared: 0.15 },
  ...[0.5, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999, 0.9999].map((share) => ({ share, spared: 0 })),
]
/** How long a shadow holds what it once wanted, in horizons. */
const HOLDS = [0, 4, 16, 64, 256] as const
const KINDS = MARGINS.length * HOLDS.length

/** A shadow that was dearer by this share than the best counts for 1/e of it. */
const TEMPERATURE = 0.01
/** Shadows that count for less than e to the minus this are left out. */
const NEGLIGIBLE = 8
/** How often a lull is presumed to end at once, before any was seen. */
const LULLS = 0.25

/** The shadows that did well. */
export interface Council {
  /** Which forecaster, with which scale of its errors, did best. */
  readonly group: number
  /** Each that counts, and its weight; the weights add up to 1. */
  readonly members: Int32Array
  readonly weights: Float64Array
}

/** A shadow fleet for each way to scale: a group of forecasts, a margin of its errors, and a time to hold servers. */
export class Shadows {
  readonly ledger: Ledger
  readonly #values: Float64Array
  /** The highest needs of the half of a hold that runs, and of the half before. */
  readonly #highest: Int32Array
  readonly #before: Int32Array
  readonly #shiftAt = new Float64Array(HOLDS.length)

  /** @param groups forecasters times scales; @param standing servers that every shadow begins with */
  constructor(groups: number, standing: number) {
    const count = groups * KINDS
    this.ledger = new Ledger(count, standing)
    this.#values = new Float64Array(count)
    this.#highest = new Int32Array(count).fill(standing)
    this.#before = new Int32Array(count).fill(standing)
  }

  /** What each wants from now on, where `needed` is what each margin of each group comes to. */
  want(needed: Int32Array, tick: number, horizon: number): void {
    const { wanted } = this.ledger
    const highest = this.#highest
    const before = this.#before
    const holds = HOLDS.length
    for (let h = 0; h < holds; h++) {
      const hold = HOLDS[h]!
      const shift = tick >= this.#shiftAt[h]!
      if (shift) this.#shiftAt[h] = tick + Math.max(1, (hold * horizon) / 2)
      for (let i = 0, c = h; c < wanted.length; i++, c += holds) {
        const need = needed[i]!
        if (hold === 0) {
          wanted[c] = need
        } else {
          if (shift) {
            before[c] = highest[c]!
            highest[c] = need
          } else if (need > highest[c]!) highest[c] = need
          wanted[c] = Math.max(highest[c]!, before[c]!)
        }
      }
    }
  }

  /**
   * Those that were the cheapest so far, or about as cheap, with weights that fall exponentially with what they would have cost
   * more. Overload above the share `allowed` costs `price` a server and tick. Before time has shown otherwise each is presumed to
   * have been wrong once: the more so the less its margin covers and the less it holds.
   *
   * Source: the exponentially weighted average forecaster; Cesa-Bianchi and Lugosi, *Prediction, Learning, and Games* (2006),
   * chapter 2.
   */
  council(allowed: number, price: number, presumption: number): Council {
    const { cost, excess, load } = this.ledger
    const presumed = Float64Array.from({ length: KINDS }, (_, kind) => {
      const { share } = MARGINS[Math.floor(kind / HOLDS.length)]!
      return presumption * (1 - share + LULLS / (1 + HOLDS[kind % HOLDS.length]!))
    })
    const budget = allowed * load
    const values = this.#values
    let best = 0
    let least = Infinity
    for (let c = 0; c < values.length; c++) {
      const over = excess[c]! + presumed[c % KINDS]! - budget
      const value = over > 0 ? cost[c]! + price * over : cost[c]!
      values[c] = value
      if (value < least) {
        least = value
        best = c
      }
    }
    const unit = TEMPERATURE * least || 1
    const members: number[] = []
    const weights: number[] = []
    let sum = 0
    for (let c = 0; c < values.length; c++) {
      const dearer = (values[c]! - least) / unit
      if (dearer > NEGLIGIBLE) continue
      members.push(c)
      weights.push(Math.exp(-dearer))
      sum += weights.at(-1)!
    }
    return {
      group: Math.floor(best / KINDS),
      members: Int32Array.from(members),
      weights: Float64Array.from(weights, (weight) => weight / sum),
    }
  }

  /** Servers: the mean of what the members of a council want now; a fraction. */
  mean({ members, weights }: Council): number {
    const { wanted } = this.ledger
    let sum = 0
    for (let i = 0; i < members.length; i++) sum += weights[i]! * wanted[members[i]!]!
    return sum
  }
}
