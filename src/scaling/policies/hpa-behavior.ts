/** How much may change within a period: `pods` servers, or `percent` of those there were when it began. */
interface ChangeLimit {
  readonly type: 'pods' | 'percent'
  readonly value: number
  /** Seconds. */
  readonly period: number
}

/** The behavior of one direction. */
export interface DirectionBehavior {
  /** Seconds of which the least change wins. */
  readonly stabilizationWindow: number
  readonly limits: readonly ChangeLimit[]
  /** Which of the limits counts: that which allows most (`max`), or least (`min`). */
  readonly select: 'max' | 'min'
}

/** Kubernetes' defaults for `behavior`. */
export const DEFAULT_SCALE_UP: DirectionBehavior = {
  stabilizationWindow: 0,
  limits: [
    { type: 'pods', value: 4, period: 15 },
    { type: 'percent', value: 100, period: 15 },
  ],
  select: 'max',
}
export const DEFAULT_SCALE_DOWN: DirectionBehavior = {
  stabilizationWindow: 300,
  limits: [{ type: 'percent', value: 100, period: 15 }],
  select: 'max',
}

interface Change {
  readonly time: number
  readonly by: number
}

/** Remembers recommendations and changes, and says what the behavior makes of a recommendation. */
export class Behavior {
  readonly #up: DirectionBehavior
  readonly #down: DirectionBehavior
  #recommended: { time: number; servers: number }[] = []
  #changes: Change[] = []

  constructor(up: DirectionBehavior, down: DirectionBehavior) {
    this.#up = up
    this.#down = down
  }

  apply(time: number, recommended: number, size: number): number {
    const stabilized = this.#stabilize(time, recommended, size)
    const longest = Math.max(0, ...[...this.#up.limits, ...this.#down.limits].map((limit) => limit.period))
    this.#changes = this.#changes.filter((change) => change.time > time - longest)
    let servers = stabilized
    if (stabilized > size) servers = Math.max(size, Math.min(stabilized, this.#upLimit(time, size)))
    else if (stabilized < size) servers = Math.min(size, Math.max(stabilized, this.#downLimit(time, size)))
    if (servers !== size) this.#changes.push({ time, by: servers - size })
    return servers
  }

  /** Within its window, scale-in goes no lower than the highest recommendation, scale-out no higher than the lowest. */
  #stabilize(time: number, recommended: number, size: number): number {
    const longest = Math.max(this.#up.stabilizationWindow, this.#down.stabilizationWindow)
    this.#recommended = this.#recommended.filter((each) => each.time > time - longest)
    const within = (seconds: number) =>
      this.#recommended.filter((each) => each.time > time - seconds).map((each) => each.servers)
    const lowest = Math.min(recommended, ...within(this.#up.stabilizationWindow))
    const highest = Math.max(recommended, ...within(this.#down.stabilizationWindow))
    this.#recommended.push({ time, servers: recommended })
    if (size < lowest) return lowest
    return Math.min(size, highest)
  }

  /** Servers at the beginning of the last `period` seconds. */
  #before(time: number, size: number, period: number): number {
    const recent = this.#changes.filter((change) => change.time > time - period)
    return size - recent.reduce((sum, change) => sum + change.by, 0)
  }

  #upLimit(time: number, size: number): number {
    const allowed = this.#up.limits.map(({ type, value, period }) => {
      const before = this.#before(time, size, period)
      return type === 'pods' ? before + value : Math.ceil(before * (1 + value / 100))
    })
    return this.#up.select === 'max' ? Math.max(...allowed) : Math.min(...allowed)
  }

  #downLimit(time: number, size: number): number {
    const allowed = this.#down.limits.map(({ type, value, period }) => {
      const before = this.#before(time, size, period)
      return type === 'pods' ? before - value : Math.trunc(before * (1 - value / 100))
    })
    return this.#down.select === 'max' ? Math.min(...allowed) : Math.max(...allowed)
  }
}
