/**
 * Concurrent users as a pure function of time. `users(t)` is defined for every `t` in seconds, at least 0, and never
 * negative. Beyond `duration` it continues by the same rule: a ramp keeps its last value, a wave keeps swinging.
 */
export interface LoadPattern {
  /** Concurrent users at `time` seconds. Need not be whole. */
  users(time: number): number
  /** How long the pattern is, in seconds; `Infinity` when it has no end of its own. */
  readonly duration: number
  /** For people: "three-phase, 5 to 50 users". */
  readonly description: string
  /** When it was recorded, where that is known. */
  readonly recorded?: RecordedClock | undefined
}

/** The clock that the times of a run stand for. */
export interface RecordedClock {
  /** Of time 0, milliseconds since 1970. */
  readonly startMs: number
  /** Seconds of that clock in one of the run. */
  readonly speed: number
}
