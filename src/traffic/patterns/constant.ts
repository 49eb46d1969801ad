import { atLeastZero, type OptionsOf, option, optionSet, seconds } from '../../base/options.ts'
import { specKind } from '../../base/spec-kind.ts'
import type { LoadPattern } from '../load-pattern.ts'

const options = optionSet({
  users: atLeastZero.describe('concurrent users'),
  duration: option(seconds, 'seconds; without end by default'),
})

/** The same number of users throughout. */
export function constant(given: OptionsOf<typeof options.shape>): LoadPattern {
  const { users, duration = Infinity } = options.parse(given)
  return { duration, description: `${users} users`, users: () => users }
}

export const constantKind = specKind('constant', options, constant)
