/**
 * Concurrent users as a pure function of time. `users(t)` is defined for every `t` in seconds, at least 0, and never
 * negative. Beyond `duration` it goes on by the same rule: a ramp keeps its last value, a wave goes on swinging.
 */
export interface LoadPattern {
  /** Concurrent users wanted at `time` seconds. Need not be whole. */
  users(time: number): number
  /** How long the pattern is, in seconds; `Infinity` when it has no end of its own. */
  readonly duration: number
  /** For people: "three-phase, 5 to 50 users". */
  readonly description: string
}
