import { invalidInput } from '../base/errors.ts'
import type { Limit } from '../pipeline/items.ts'
import { type LimitOptions, limitOptions } from './limit-options.ts'
import type { Policy } from './types.ts'

/** What the limits make of the size that the policy desires. */
export interface Limited {
  readonly servers: number
  readonly limitedBy?: Limit
}

/** The desired sizes of the last `seconds`, and their lowest or highest. */
class SlidingExtreme {
  readonly #seconds: number
  readonly #sign: 1 | -1
  /** A monotonic queue: only what can still be the extreme is kept. */
  readonly #kept: { time: number; value: number }[] = []

  constructor(seconds: number, extreme: 'lowest' | 'highest') {
    this.#seconds = seconds
    this.#sign = extreme === 'lowest' ? 1 : -1
  }

  add(time: number, value: number): number {
    const kept = this.#kept
    while (kept.length > 0 && this.#sign * (kept.at(-1)!.value - value) >= 0) kept.pop()
    kept.push({ time, value })
    while (kept[0]!.time < time - this.#seconds) kept.shift()
    return kept[0]!.value
  }
}

/** The limits of a policy: those among `options`, else those that it brings. */
export function limitsOf(policy: Policy, options: LimitOptions): ScalingLimits {
  const given = limitOptions.keys.flatMap((key) => (options[key] === undefined ? [] : [[key, options[key]]]))
  return new ScalingLimits({ ...policy.limits, ...Object.fromEntries(given) })
}

/** Applies, in this order: stabilization, step limits, min and max, cooldown. */
export class ScalingLimits {
  readonly minServers: number
  readonly maxServers: number
  readonly cooldown: number
  readonly #maxStepUp: number
  readonly #maxStepDown: number
  readonly #lowest: SlidingExtreme
  readonly #highest: SlidingExtreme
  readonly #scaleDownStabilization: number
  #began = false
  /** When the last scaling event was, seconds; `-Infinity` before the first. */
  lastEvent = -Infinity

  constructor(options: LimitOptions = {}) {
    const { minServers, maxServers, maxStepUp, maxStepDown, ...rest } = limitOptions.parse(options)
    this.minServers = minServers ?? Math.min(2, maxServers ?? 2)
    this.maxServers = maxServers ?? Math.max(10, this.minServers)
    if (this.minServers > this.maxServers) {
      throw invalidInput(
        'minServers',
        `${this.minServers} is more than maxServers (${this.maxServers})`,
        `a whole number from 1 to ${this.maxServers}`,
      )
    }
    this.cooldown = rest.cooldown
    this.#maxStepUp = maxStepUp ?? Infinity
    this.#maxStepDown = maxStepDown ?? Infinity
    this.#scaleDownStabilization = rest.scaleDownStabilization
    this.#lowest = new SlidingExtreme(rest.scaleUpStabilization, 'lowest')
    this.#highest = new SlidingExtreme(rest.scaleDownStabilization, 'highest')
  }

  /** Inherits the time of the last scaling event from the previous limits. */
  follow(before: ScalingLimits): void {
    this.lastEvent = before.lastEvent
  }

  /** The size within the limits, of `desired` servers at `time` and `size` now. Remembers it when it is a change. */
  apply(time: number, desired: number, size: number): Limited {
    // As if the size at the start had been desired then, like the HPA controller: a restart does not scale in at once.
    if (!this.#began && this.#scaleDownStabilization > 0) this.#highest.add(time, size)
    this.#began = true
    const lowest = this.#lowest.add(time, desired)
    const highest = this.#highest.add(time, desired)
    let servers = desired
    let limitedBy: Limit | undefined
    const limit = (value: number, by: Limit) => {
      if (value === servers) return
      servers = value
      limitedBy = by
    }
    if (desired > size) limit(Math.max(size, lowest), 'stabilization')
    else if (desired < size) limit(Math.min(size, highest), 'stabilization')
    limit(Math.min(servers, size + this.#maxStepUp), 'step')
    limit(Math.max(servers, size - this.#maxStepDown), 'step')
    limit(Math.max(servers, this.minServers), 'min')
    limit(Math.min(servers, this.maxServers), 'max')
    const withinBounds = size >= this.minServers && size <= this.maxServers
    // The tolerance keeps a cooldown of a whole number of intervals from lasting one more by rounding.
    if (servers !== size && withinBounds && time - this.lastEvent < this.cooldown - 1e-9)
      limit(size, 'cooldown')
    if (servers !== size) this.lastEvent = time
    return { servers, limitedBy }
  }
}
