import { z } from 'zod'
import { invalidInput, requireNumber } from '../../errors.ts'
import { atLeastZero, option, specKind } from '../../spec-kind.ts'
import type { Policy } from '../policy.ts'

export interface ThresholdOptions {
  /** Users a server above which one server is added; 30. */
  scaleUpThreshold?: number
  /** Users a server below which one server is removed; 10, or half of `scaleUpThreshold` where that is 10 or less. */
  scaleDownThreshold?: number
}

/** The `scaleDownThreshold` that goes with a `scaleUpThreshold` when it is not given. */
export function defaultScaleDownThreshold(scaleUpThreshold: number): number {
  return scaleUpThreshold > 10 ? 10 : scaleUpThreshold / 2
}

/** One server more when the average load of a server is above a threshold, one fewer when it is below another. */
export function thresholdPolicy(options: ThresholdOptions = {}): Policy {
  const up = requireNumber('scaleUpThreshold', options.scaleUpThreshold ?? 30, { above: 0 })
  const down = requireNumber(
    'scaleDownThreshold',
    options.scaleDownThreshold ?? defaultScaleDownThreshold(up),
    {
      min: 0,
    },
  )
  if (down >= up) {
    throw invalidInput(
      'scaleDownThreshold',
      `${down} is not below scaleUpThreshold (${up})`,
      `a number from 0 to below ${up}`,
    )
  }
  return {
    name: 'threshold',
    usersPerServer: up,
    evaluate({ load, size }) {
      if (load === undefined) return { servers: size, reason: 'the load is unknown, so nothing changes' }
      const average = size > 0 ? load / size : Infinity
      const numbers = { usersPerServer: average, scaleUpThreshold: up, scaleDownThreshold: down }
      const what = `${load} users on ${size} ${size === 1 ? 'server' : 'servers'} are ${average.toFixed(1)} a server`
      if (average > up) {
        return { servers: size + 1, reason: `${what}, above the scale-up threshold of ${up}`, numbers }
      }
      if (average < down) {
        return { servers: size - 1, reason: `${what}, below the scale-down threshold of ${down}`, numbers }
      }
      return { servers: size, reason: `${what}, within ${down} and ${up}`, numbers }
    },
  }
}

export const thresholdKind = specKind(
  'threshold',
  {
    scaleUpThreshold: option(z.number().positive(), 'users a server above which one is added', 30),
    scaleDownThreshold: option(atLeastZero, 'users a server below which one is removed', 10),
  },
  thresholdPolicy,
)
