import { invalidInput, requireNumber } from '../../base/errors.ts'
import type { LoadPattern } from '../load-pattern.ts'

/**
 * Any pure function of progress (0–1) over `duration` (s).
 * @throws {ConcertinaError} INVALID_INPUT from `users` when the function gives no number or a negative one.
 */
export function custom(users: (progress: number) => number, options: { duration: number }): LoadPattern {
  const duration = requireNumber('duration', options.duration, { above: 0 })
  return {
    duration,
    description: 'a function of progress',
    users(time) {
      const progress = Math.min(1, time / duration)
      const value = users(progress)
      if (!(value >= 0 && value < Infinity)) {
        throw invalidInput(`loadPattern(${progress})`, `gave ${value}`, 'a number of users, at least 0')
      }
      return value
    },
  }
}
