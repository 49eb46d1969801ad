const NONE = 2 ** 31 - 1

/**
 * The lowest of each column over the newest rows, whose number may change, at a cost that does not grow with it: a queue of two
 * stacks. What is turned over from one to the other becomes the lowest of itself and all that is younger in it.
 */
export class LowestOfLate {
  /** The oldest row last. */
  readonly #old: Int32Array[] = []
  /** The newest row last. */
  readonly #young: Int32Array[] = []
  readonly #lowestOfYoung: Int32Array
  readonly #none: Int32Array
  #lowestOfOld: Int32Array
  #spare: Int32Array | undefined

  constructor(columns: number) {
    this.#none = new Int32Array(columns).fill(NONE)
    this.#lowestOfYoung = this.#none.slice()
    this.#lowestOfOld = this.#none
  }

  /** Of a column; more than anything when there are no rows. */
  lowest(column: number): number {
    return Math.min(this.#lowestOfOld[column]!, this.#lowestOfYoung[column]!)
  }

  /** Adds a row; what is written to it later changes nothing. */
  push(row: Int32Array): void {
    const copy = this.#spare ?? new Int32Array(row.length)
    this.#spare = undefined
    copy.set(row)
    this.#young.push(copy)
    const lowest = this.#lowestOfYoung
    for (let c = 0; c < row.length; c++) if (row[c]! < lowest[c]!) lowest[c] = row[c]!
  }

  /** Drops the oldest rows until there are at most so many. */
  keep(rows: number): void {
    while (this.#old.length + this.#young.length > rows) {
      if (this.#old.length === 0) this.#turnOver()
      this.#spare = this.#old.pop()
      this.#lowestOfOld = this.#old.at(-1) ?? this.#none
    }
  }

  #turnOver(): void {
    let younger = this.#none
    while (this.#young.length > 0) {
      const row = this.#young.pop()!
      for (let c = 0; c < row.length; c++) if (younger[c]! < row[c]!) row[c] = younger[c]!
      this.#old.push(row)
      younger = row
    }
    this.#lowestOfYoung.set(this.#none)
  }
}
