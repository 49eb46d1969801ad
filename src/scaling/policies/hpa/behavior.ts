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
  /** Which of the limits counts: that which allows most (`max`), or least (`min`); `disabled` never changes this way. */
  readonly select: 'max' | 'min' | 'disabled'
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

/**
 * Remembers recommendations and changes, and says what the behavior makes of a recommendation.
 *
 * Source: Kubernetes, `pkg/controller/podautoscaler/horizontal.go`: `stabilizeRecommendationWithBehaviors`,
 * `calculateScaleUpLimitWithScalingRules`, `calculateScaleDownLimitWithBehaviors`, `recordInitialRecommendation`.
 */
export class Behavior {
  readonly #up: DirectionBehavior
  readonly #down: DirectionBehavior
  readonly #longestPeriod: number
  readonly #longestWindow: number
  #recommended: { time: number; servers: number }[] | undefined
  #changes: Change[] = []
  /** What was last asked for, until it shows how much of it was done. */
  #asked: { readonly change: Change; readonly from: number } | undefined

  constructor(up: DirectionBehavior, down: DirectionBehavior) {
    this.#up = up
    this.#down = down
    this.#longestPeriod = Math.max(0, ...[...up.limits, ...down.limits].map(({ period }) => period))
    this.#longestWindow = Math.max(up.stabilizationWindow, down.stabilizationWindow)
  }

  /**
   * Sees how many servers there are: of what was asked for last, so much was done. Others may have limited it. What there is the
   * first time counts as the first recommendation.
   */
  record(time: number, size: number): void {
    this.#recommended ??= [{ time, servers: size }]
    if (!this.#asked) return
    const { change, from } = this.#asked
    const done = size - from
    const by = change.by > 0 ? Math.min(change.by, Math.max(0, done)) : Math.max(change.by, Math.min(0, done))
    if (by !== 0) this.#changes.push({ time: change.time, by })
    this.#asked = undefined
  }

  apply(time: number, recommended: number, size: number): number {
    const stabilized = this.#stabilize(time, recommended, size)
    this.#changes = this.#changes.filter((change) => change.time > time - this.#longestPeriod)
    let servers = stabilized
    if (stabilized > size) servers = Math.max(size, Math.min(stabilized, this.#upLimit(time, size)))
    else if (stabilized < size) servers = Math.min(size, Math.max(stabilized, this.#downLimit(time, size)))
    if (servers !== size) this.#asked = { change: { time, by: servers - size }, from: size }
    return servers
  }

  /** Within its window, scale-in goes no lower than the highest recommendation, scale-out no higher than the lowest. */
  #stabilize(time: number, recommended: number, size: number): number {
    this.#recommended = this.#recommended?.filter((each) => each.time > time - this.#longestWindow) ?? []
    const recommendations = this.#recommended
    const since = (seconds: number) =>
      recommendations.filter((each) => each.time > time - seconds).map((each) => each.servers)
    const lowest = Math.min(recommended, ...since(this.#up.stabilizationWindow))
    const highest = Math.max(recommended, ...since(this.#down.stabilizationWindow))
    recommendations.push({ time, servers: recommended })
    return size < lowest ? lowest : Math.min(size, highest)
  }

  /** Servers at the beginning of the last `period` seconds. */
  #before(time: number, size: number, period: number): number {
    const recent = this.#changes.filter((change) => change.time > time - period)
    return size - recent.reduce((sum, change) => sum + change.by, 0)
  }

  #upLimit(time: number, size: number): number {
    if (this.#up.select === 'disabled') return size
    const allowed = this.#up.limits.map(({ type, value, period }) => {
      const before = this.#before(time, size, period)
      return type === 'pods' ? before + value : Math.ceil(before * (1 + value / 100))
    })
    return this.#up.select === 'max' ? Math.max(...allowed) : Math.min(...allowed)
  }

  #downLimit(time: number, size: number): number {
    if (this.#down.select === 'disabled') return size
    const allowed = this.#down.limits.map(({ type, value, period }) => {
      const before = this.#before(time, size, period)
      return type === 'pods' ? before - value : Math.trunc(before * (1 - value / 100))
    })
    return this.#down.select === 'max' ? Math.min(...allowed) : Math.max(...allowed)
  }
}
