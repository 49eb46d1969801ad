import { invalidInput, requireNumber } from '../base/errors.ts'
import type { Limit, LimitOptions, Policy } from './types.ts'

/** What the limits make of a wanted size. */
export interface Limited {
  readonly servers: number
  readonly limitedBy?: Limit
}

/** The wanted sizes of the last `seconds`, and their lowest or highest. */
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

/** The limits of a policy: those asked for, else those that it brings. */
export function limitsOf(policy: Policy, options: LimitOptions): ScalingLimits {
  const asked = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  return new ScalingLimits({ ...policy.limits, ...asked })
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
  /** When the last scaling event was, seconds; `-Infinity` before the first. */
  lastEvent = -Infinity

  constructor(options: LimitOptions = {}) {
    const max = options.maxServers
    this.minServers = requireNumber('minServers', options.minServers ?? Math.min(2, max ?? 2), {
      min: 1,
      integer: true,
    })
    this.maxServers = requireNumber('maxServers', max ?? Math.max(10, this.minServers), {
      min: 1,
      integer: true,
    })
    if (this.minServers > this.maxServers) {
      throw invalidInput(
        'minServers',
        `${this.minServers} is more than maxServers (${this.maxServers})`,
        `a whole number from 1 to ${this.maxServers}`,
      )
    }
    this.cooldown = requireNumber('cooldown', options.cooldown ?? 5, { min: 0 })
    const step = (where: 'maxStepUp' | 'maxStepDown') => {
      const value = options[where] ?? Infinity
      return value === Infinity ? value : requireNumber(where, value, { min: 1, integer: true })
    }
    this.#maxStepUp = step('maxStepUp')
    this.#maxStepDown = step('maxStepDown')
    const window = (where: 'scaleUpStabilization' | 'scaleDownStabilization') =>
      requireNumber(where, options[where] ?? 0, { min: 0 })
    this.#lowest = new SlidingExtreme(window('scaleUpStabilization'), 'lowest')
    this.#highest = new SlidingExtreme(window('scaleDownStabilization'), 'highest')
  }

  /** Takes over when the last scaling event was, from the limits that stood before these. */
  follow(before: ScalingLimits): void {
    this.lastEvent = before.lastEvent
  }

  /** The size that `wanted` servers at `time` come to, from `size` now. Remembers it when it is a change. */
  apply(time: number, wanted: number, size: number): Limited {
    const lowest = this.#lowest.add(time, wanted)
    const highest = this.#highest.add(time, wanted)
    let servers = wanted
    let limitedBy: Limit | undefined
    const limit = (value: number, by: Limit) => {
      if (value === servers) return
      servers = value
      limitedBy = by
    }
    if (wanted > size) limit(Math.max(size, lowest), 'stabilization')
    else if (wanted < size) limit(Math.min(size, highest), 'stabilization')
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
