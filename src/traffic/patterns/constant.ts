import { requireNumber } from '../../base/errors.ts'
import { atLeastZero, seconds, specKind } from '../../base/spec-kind.ts'
import type { LoadPattern } from '../load-pattern.ts'

/** The same number of users throughout; without `duration` (s) it has no end. */
export function constant(options: { users: number; duration?: number }): LoadPattern {
  const users = requireNumber('users', options.users, { min: 0 })
  const duration =
    options.duration === undefined ? Infinity : requireNumber('duration', options.duration, { above: 0 })
  return { duration, description: `${users} users`, users: () => users }
}

/** How a config file names it; times in seconds. */
export const constantKind = specKind(
  'constant',
  { users: atLeastZero, duration: seconds.optional() },
  constant,
)
