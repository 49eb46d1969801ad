import { requireNumber } from '../../base/errors.ts'
import { atLeastZero, seconds, specKind } from '../../base/spec-kind.ts'
import type { LoadPattern } from '../load-pattern.ts'

/** A spike: users in numbers, times in seconds. */
export interface SpikeOptions {
  base: number
  peak: number
  /** When it begins, and how long it lasts, seconds. */
  at: number
  width: number
  duration: number
}

/** `base` users, and `peak` for `width` seconds from `at` on. */
export function spike(options: SpikeOptions): LoadPattern {
  const duration = requireNumber('duration', options.duration, { above: 0 })
  const base = requireNumber('base', options.base, { min: 0 })
  const peak = requireNumber('peak', options.peak, { min: 0 })
  const at = requireNumber('at', options.at, { min: 0 })
  const width = requireNumber('width', options.width, { above: 0 })
  return {
    duration,
    description: `spike, ${base} to ${peak} users at ${at} s`,
    users: (time) => (time >= at && time < at + width ? peak : base),
  }
}

/** How a config file names it; times in seconds. */
export const spikeKind = specKind(
  'spike',
  { base: atLeastZero, peak: atLeastZero, at: atLeastZero, width: seconds, duration: seconds },
  spike,
)
