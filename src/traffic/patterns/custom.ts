import { z } from 'zod'
import { invalidInput, requireNumber, shown } from '../../base/errors.ts'
import { compileExpression } from '../../base/expression.ts'
import { optionSet, seconds } from '../../base/options.ts'
import { specKind } from '../../base/spec-kind.ts'
import type { LoadPattern } from '../load-pattern.ts'

/** Places at which an expression is tried before a run. */
const TRIED = 1000

/**
 * Any pure function of progress (0–1) over `duration` (s).
 * @throws {ConcertinaError} INVALID_INPUT from `users` when the function returns no number or a negative one.
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

/**
 * Users as an expression of `progress`, such as `5 + 45 * sin(pi * progress)`.
 * @param where its name in errors
 * @throws {ConcertinaError} INVALID_INPUT when it is not an expression, or no number of users wherever it is tried.
 */
export function usersExpression(text: string, where = 'users'): (progress: number) => number {
  const compiled = compileExpression(text, ['progress'], where)
  const users = (progress: number) => compiled({ progress })
  for (let i = 0; i <= TRIED; i++) {
    const value = users(i / TRIED)
    if (!(value >= 0 && value < Infinity))
      throw invalidInput(
        where,
        `it is ${value} at progress ${i / TRIED}`,
        'at least 0 from progress 0 to 1, by max(0, …) if need be',
      )
  }
  return users
}

/** The pattern that an expression over `progress` describes. */
export function customExpression(text: string, duration: number, where?: string): LoadPattern {
  return {
    ...custom(usersExpression(text, where), { duration }),
    description: `users = ${shown(text.trim(), false)}`,
  }
}

const options = optionSet({
  users: z
    .string()
    .min(1)
    .describe('concurrent users as an expression of progress, 0 to 1: 5 + 45 * sin(pi * progress)'),
  duration: seconds.describe('seconds'),
})

/** Users by an expression over `progress`, as a config file gives it. */
export const customKind = specKind('custom', options, ({ users, duration }) =>
  customExpression(users, duration),
)
