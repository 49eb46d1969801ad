/** A fleet that for so many seconds kept a size that was not wanted is held there by a limit. */
const PATIENCE = 3600

/**
 * What a policy has to answer for. Where limits hold the fleet at the most or the least servers it may have, nothing that is wanted
 * changes that, so what counts there is what would have come of the servers that were wanted. Everywhere else what really came
 * counts: steps and pauses between changes can be allowed for.
 */
export class Held {
  #most = Infinity
  #least = 0
  #size = 0
  #sign = 0
  #since = 0
  /** What was charged too much since then, if it turns out that the fleet is held. */
  #pending = 0

  /** Overload to answer for: `over` with the fleet of `size`, `own` with the servers that were `wanted`; it may take some back. */
  charge(time: number, size: number, wanted: number, over: number, own: number): number {
    if (size > this.#most) this.#most = Infinity
    if (size < this.#least) this.#least = 0
    const sign = Math.sign(wanted - size)
    if (size !== this.#size || sign !== this.#sign) {
      this.#size = size
      this.#sign = sign
      this.#since = time
      this.#pending = 0
    } else if (sign !== 0 && time - this.#since >= PATIENCE) {
      if (sign > 0) this.#most = size
      else this.#least = size
    }
    const held = (sign > 0 && size === this.#most) || (sign < 0 && size === this.#least)
    const pending = held ? this.#pending : 0
    this.#pending = held ? 0 : this.#pending + over - own
    return held ? own - pending : over
  }
}
