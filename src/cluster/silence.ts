/**
 * Counts the checks since each of several senders was heard of. Checks that are made here, not seconds of a clock: while this
 * process is paused, no one falls silent.
 */
export class Silence<K> {
  readonly #checks = new Map<K, number>()

  heard(sender: K): void {
    this.#checks.set(sender, 0)
  }

  forget(sender: K): void {
    this.#checks.delete(sender)
  }

  /** Checks since a sender was heard of; `Infinity` of one that never was. */
  of(sender: K): number {
    return this.#checks.get(sender) ?? Infinity
  }

  /** Takes all for heard just now. */
  reset(): void {
    for (const sender of this.#checks.keys()) this.#checks.set(sender, 0)
  }

  /** Counts one check. Returns those that have now been silent for more than `most`, and forgets them. */
  check(most: number): K[] {
    const gone: K[] = []
    for (const [sender, checks] of this.#checks) {
      this.#checks.set(sender, checks + 1)
      if (checks + 1 > most) gone.push(sender)
    }
    for (const sender of gone) this.#checks.delete(sender)
    return gone
  }
}
