/** Milliseconds that the two clocks may drift apart before the moment of time 0 is another. */
const DRIFT_MS = 1000

/** The moment of time 0 by the clock of the world: the same until one of the clocks was set. */
export function steadyStart(now: () => number): () => number {
  let start = Number.NaN
  return () => {
    const current = Date.now() - now() * 1000
    if (!(Math.abs(current - start) < DRIFT_MS)) start = Math.round(current)
    return start
  }
}
