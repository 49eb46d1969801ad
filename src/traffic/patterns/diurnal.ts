import { requireNumber } from '../../base/errors.ts'
import { atLeastZero, seconds, specKind } from '../../base/spec-kind.ts'
import type { LoadPattern } from '../load-pattern.ts'

/** A day's wave: users in numbers, times in seconds. */
export interface DiurnalOptions {
  /** Users in the mean, and how far the peak is above it. */
  mean: number
  amplitude: number
  /** Seconds; a day (86,400) unless told. */
  period?: number
  /** When the peak is, seconds into the period; three quarters of it unless told. */
  peakAt?: number
  /** Seconds; one period unless told. */
  duration?: number
}

/** A sine wave with the period of a day, never below 0. */
export function diurnal(options: DiurnalOptions): LoadPattern {
  const mean = requireNumber('mean', options.mean, { min: 0 })
  const amplitude = requireNumber('amplitude', options.amplitude, { min: 0 })
  const period = requireNumber('period', options.period ?? 86_400, { above: 0 })
  const peakAt = requireNumber('peakAt', options.peakAt ?? period * 0.75, { min: 0 })
  const duration = requireNumber('duration', options.duration ?? period, { above: 0 })
  return {
    duration,
    description: `diurnal, ${mean} ± ${amplitude} users`,
    users: (time) => Math.max(0, mean + amplitude * Math.cos((2 * Math.PI * (time - peakAt)) / period)),
  }
}

/** How a config file names it; times in seconds. */
export const diurnalKind = specKind(
  'diurnal',
  {
    mean: atLeastZero,
    amplitude: atLeastZero,
    period: seconds.optional(),
    peakAt: atLeastZero.optional(),
    duration: seconds.optional(),
  },
  diurnal,
)
