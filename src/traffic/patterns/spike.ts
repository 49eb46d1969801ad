import { atLeastZero, type OptionsOf, optionSet, seconds } from '../../base/options.ts'
import { specKind } from '../../base/spec-kind.ts'
import type { LoadPattern } from '../load-pattern.ts'

const options = optionSet({
  base: atLeastZero.describe('concurrent users before and after the spike'),
  peak: atLeastZero.describe('concurrent users during the spike'),
  at: atLeastZero.describe('when the spike begins, seconds'),
  width: seconds.describe('how long the spike lasts, seconds'),
  duration: seconds.describe('seconds'),
})

/** A spike: users in numbers, times in seconds. */
export type SpikeOptions = OptionsOf<typeof options.shape>

/** `base` users, and `peak` for `width` seconds from `at` on. */
export function spike(given: SpikeOptions): LoadPattern {
  const { base, peak, at, width, duration } = options.parse(given)
  return {
    duration,
    description: `spike, ${base} to ${peak} users at ${at} s`,
    users: (time) => (time >= at && time < at + width ? peak : base),
  }
}

export const spikeKind = specKind('spike', options, spike)
