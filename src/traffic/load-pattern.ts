import { invalidInput } from '../base/errors.ts'

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

/** Users that may be there at one time where each of them is simulated, or real. */
export const MOST_USERS = 1_000_000

/** Steps of a load that are looked at before it begins. */
const MOST_STEPS = 1_000_000

/**
 * The users that a pattern has at `time`, when they are to come one by one.
 * @throws {ConcertinaError} INVALID_INPUT when there are too many.
 */
export function usersAt(pattern: LoadPattern, time: number): number {
  const users = pattern.users(time)
  if (users > MOST_USERS) {
    throw invalidInput(
      'pattern',
      `${pattern.description} has ${Math.round(users)} users at ${time} s`,
      `at most ${MOST_USERS} at a time, as each is simulated; compare, tune and advise take any number`,
    )
  }
  return users
}

/** Looks at a load before it begins, every `interval` seconds, and no further than a million of them. */
export function checkUsers(pattern: LoadPattern, duration: number, interval: number): void {
  const steps = Math.min(MOST_STEPS, Math.ceil(duration / interval))
  for (let step = 0; step <= steps; step++) usersAt(pattern, Math.min(step * interval, duration))
}
