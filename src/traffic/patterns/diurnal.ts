import { atLeastZero, type OptionsOf, option, optionSet, seconds } from '../../base/options.ts'
import { specKind } from '../../base/spec-kind.ts'
import type { LoadPattern } from '../load-pattern.ts'

const options = optionSet({
  mean: atLeastZero.describe('concurrent users in the mean'),
  amplitude: atLeastZero.describe('users that the peak is above the mean'),
  period: option(seconds, 'seconds', 86_400),
  peakAt: option(atLeastZero, 'when the peak is, seconds into the period; default three quarters of it'),
  duration: option(seconds, 'seconds; default one period'),
})

/** A day's wave: users in numbers, times in seconds. */
export type DiurnalOptions = OptionsOf<typeof options.shape>

/** A sine wave with the period of a day, never below 0. */
export function diurnal(given: DiurnalOptions): LoadPattern {
  const { mean, amplitude, period, ...rest } = options.parse(given)
  const { peakAt = period * 0.75, duration = period } = rest
  return {
    duration,
    description: `diurnal, ${mean} ± ${amplitude} users`,
    users: (time) => Math.max(0, mean + amplitude * Math.cos((2 * Math.PI * (time - peakAt)) / period)),
  }
}

export const diurnalKind = specKind('diurnal', options, diurnal)
