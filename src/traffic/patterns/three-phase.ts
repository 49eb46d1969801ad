import { requireNumber } from '../../base/errors.ts'
import { atLeastZero, seconds, specKind } from '../../base/spec-kind.ts'
import type { LoadPattern } from '../load-pattern.ts'

/** Ramps from `baseRate` to `peakRate` users until 30 % of `duration` (s), stays until 70 %, and ramps down again. */
export function threePhase(options: { duration: number; baseRate: number; peakRate: number }): LoadPattern {
  const duration = requireNumber('duration', options.duration, { above: 0 })
  const base = requireNumber('baseRate', options.baseRate, { min: 0 })
  const peak = requireNumber('peakRate', options.peakRate, { min: 0 })
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

/** How a config file names it; times in seconds. */
export const threePhaseKind = specKind(
  'three-phase',
  { duration: seconds, baseRate: atLeastZero, peakRate: atLeastZero },
  threePhase,
)
