import { atLeastZero, type OptionsOf, optionSet, seconds } from '../../base/options.ts'
import { specKind } from '../../base/spec-kind.ts'
import type { LoadPattern } from '../load-pattern.ts'

const options = optionSet({
  duration: seconds.describe('seconds'),
  baseRate: atLeastZero.describe('concurrent users at the ends'),
  peakRate: atLeastZero.describe('concurrent users in the middle'),
})

/** Ramps from `baseRate` to `peakRate` users until 30 % of `duration`, stays until 70 %, and ramps down again. */
export function threePhase(given: OptionsOf<typeof options.shape>): LoadPattern {
  const { duration, baseRate: base, peakRate: peak } = options.parse(given)
  return {
    duration,
    description: `three-phase, ${base} to ${peak} users`,
    users(time) {
      const progress = Math.min(1, time / duration)
      if (progress < 0.3) return base + (peak - base) * (progress / 0.3)
      if (progress <= 0.7) return peak
      return base + (peak - base) * ((1 - progress) / 0.3)
    },
  }
}

export const threePhaseKind = specKind('three-phase', options, threePhase)
