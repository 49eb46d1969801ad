import type { Decision } from '../pipeline/items.ts'

/** Decisions that are kept at most; about two hours of one a second before any is left out. */
const MOST = 7200

/** Whether it says nothing that the one before did not: both changed nothing, for the same kind of reason. */
const repeats = (before: Decision | undefined, { action, limitedBy, to }: Decision) =>
  action === 'none' && before?.action === 'none' && before.limitedBy === limitedBy && before.to === to

/** The decisions of a fleet in bounded memory: every change is kept, of those that changed nothing fewer and fewer. */
export class DecisionHistory {
  #decisions: Decision[] = []

  add(decision: Decision): void {
    this.#decisions.push(decision)
    if (this.#decisions.length > MOST) this.#thin()
  }

  /** Leaves out every second of the older ones that repeat; the oldest, when that is not enough. */
  #thin(): void {
    const half = MOST / 2
    let skip = false
    const older = this.#decisions.slice(0, half).filter((decision, i, all) => {
      skip = !skip && repeats(all[i - 1], decision)
      return !skip
    })
    const kept = older.length < 0.9 * half ? older : older.slice(Math.floor(half / 4))
    this.#decisions = [...kept, ...this.#decisions.slice(half)]
  }

  /** The last decision at or before `time`, and the first after it. */
  at(time: number): { decision?: Decision; next?: Decision } {
    let [low, high] = [0, this.#decisions.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#decisions[middle]!.time > time) high = middle
      else low = middle + 1
    }
    const [decision, next] = [this.#decisions[low - 1], this.#decisions[low]]
    return { ...(decision && { decision }), ...(next && { next }) }
  }
}
