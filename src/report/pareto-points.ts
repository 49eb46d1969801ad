/** What a policy did on a trace. */
export interface ParetoPoint {
  /** The policy. */
  readonly group: string
  /** The trace. */
  readonly label: string
  /** Share of user-time above capacity. */
  readonly overload: number
  /** Server-hours over the floor's. */
  readonly cost: number
}

/** The middle of the values; of an even number of them the mean of both in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

/** Those that no other is as good as in both and better in one. */
export function nonDominated<P extends Pick<ParetoPoint, 'overload' | 'cost'>>(points: readonly P[]): P[] {
  return points.filter(
    (point) =>
      !points.some(
        (other) =>
          other.overload <= point.overload &&
          other.cost <= point.cost &&
          (other.overload < point.overload || other.cost < point.cost),
      ),
  )
}

/** For each policy the median over the traces, of overload and of cost by themselves. */
export function medians(points: readonly ParetoPoint[], label: (traces: number) => string): ParetoPoint[] {
  return [...new Set(points.map(({ group }) => group))].map((group) => {
    const own = points.filter((point) => point.group === group)
    return {
      group,
      label: own.length === 1 ? own[0]!.label : label(own.length),
      overload: median(own.map(({ overload }) => overload)),
      cost: median(own.map(({ cost }) => cost)),
    }
  })
}
