import { requireNumber } from '../../base/errors.ts'
import { atLeastZero, seconds, specKind } from '../../base/spec-kind.ts'
import type { LoadPattern } from '../load-pattern.ts'

/** A straight line from `from` to `to` users over `duration` (s). */
export function ramp(options: { from: number; to: number; duration: number }): LoadPattern {
  const duration = requireNumber('duration', options.duration, { above: 0 })
  const from = requireNumber('from', options.from, { min: 0 })
  const to = requireNumber('to', options.to, { min: 0 })
  return {
    duration,
    description: `ramp, ${from} to ${to} users`,
    users: (time) => from + (to - from) * Math.min(1, time / duration),
  }
}

/** How a config file names it; times in seconds. */
export const rampKind = specKind('ramp', { from: atLeastZero, to: atLeastZero, duration: seconds }, ramp)
