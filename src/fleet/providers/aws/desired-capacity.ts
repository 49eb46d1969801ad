import type { GroupView } from './group.ts'

/** How long a look at the group may be behind a write, seconds. */
export const STALE_SECONDS = 30

interface Writer {
  readonly signal: AbortSignal
  /** Raises the desired capacity, later and later when that fails. Resolves whether it did. */
  setDesired(count: number): Promise<boolean>
  problem(reason: string): void
  /** Called when what is on its way has changed. */
  onChange(): void
}

/**
 * The desired capacity of a group, by our own writes, or by the last look that cannot be older than they. It is raised by number,
 * and lowered only with an instance that ends.
 */
export class DesiredCapacity {
  readonly #writer: Writer
  #desired = 0
  #wroteAt = Number.NEGATIVE_INFINITY
  /** Launches and cancellations that are not written yet. */
  #unwritten = 0
  /** Instances to come that are no longer desired: they are ended as they appear. */
  #surplus = 0
  #max = Number.POSITIVE_INFINITY
  #write: Promise<void> | undefined

  constructor(writer: Writer) {
    this.#writer = writer
  }

  /** Instances that are desired: with what is not written yet, and without surplus that has not ended yet. */
  get count(): number {
    return this.#desired + this.#unwritten - this.#surplus
  }

  /** What was seen of the group; it may be older than the last write, but after a while it cannot be. */
  saw({ desired, max }: GroupView): void {
    this.#max = max
    if (performance.now() - this.#wroteAt > STALE_SECONDS * 1000) this.#desired = desired
  }

  /** An instance has ended, and the group desires one fewer. */
  lowered(): void {
    this.#wrote(this.#desired - 1)
  }

  /** Whether an instance that has just appeared is no longer desired; each is counted once. */
  isSurplus(): boolean {
    if (this.#surplus === 0) return false
    this.#surplus--
    return true
  }

  /** Asks for more instances, or for fewer of those to come. Returns the write, when one begins. */
  change(delta: number): Promise<void> | undefined {
    // Launches that were written already are undone as their instances appear.
    const surplus = Math.max(0, -delta - Math.max(0, this.#unwritten))
    const kept = Math.min(this.#surplus, Math.max(0, delta))
    this.#surplus += surplus - kept
    this.#unwritten += delta + surplus - kept
    if (this.#write || this.#unwritten === 0) {
      this.#writer.onChange()
      return undefined
    }
    this.#write = this.#writeAll().finally(() => {
      this.#write = undefined
    })
    return this.#write
  }

  async #writeAll(): Promise<void> {
    await Promise.resolve() // calls of the same moment go into one write
    const { signal, problem, setDesired, onChange } = this.#writer
    while (this.#unwritten > 0 && !signal.aborted) {
      const delta = this.#unwritten
      const count = Math.min(this.#desired + delta, this.#max)
      if (count < this.#desired + delta)
        problem(`the group's maximum is ${this.#max}, and ${this.#desired + delta} are desired`)
      const done = count > this.#desired && (await setDesired(count))
      this.#unwritten -= delta
      if (done) this.#wrote(count)
      onChange()
    }
  }

  #wrote(desired: number): void {
    this.#desired = desired
    this.#wroteAt = performance.now()
  }
}
