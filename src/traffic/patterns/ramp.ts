import { atLeastZero, type OptionsOf, optionSet, seconds } from '../../base/options.ts'
import { specKind } from '../../base/spec-kind.ts'
import type { LoadPattern } from '../load-pattern.ts'

const options = optionSet({
  from: atLeastZero.describe('concurrent users at the start'),
  to: atLeastZero.describe('concurrent users at the end'),
  duration: seconds.describe('seconds'),
})

/** A straight line from `from` to `to` users. */
export function ramp(given: OptionsOf<typeof options.shape>): LoadPattern {
  const { from, to, duration } = options.parse(given)
  return {
    duration,
    description: `ramp, ${from} to ${to} users`,
    users: (time) => from + (to - from) * Math.min(1, time / duration),
  }
}

export const rampKind = specKind('ramp', options, ramp)
