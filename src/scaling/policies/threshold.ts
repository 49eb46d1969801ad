import { z } from 'zod'
import { invalidInput } from '../../base/errors.ts'
import { atLeastZero, type OptionsOf, option, optionSet } from '../../base/options.ts'
import { specKind } from '../../base/spec-kind.ts'
import { METRICS, type MetricName, measure, unknown, unknownLoad } from '../metric.ts'
import { reasons, serversText } from '../reasons.ts'
import type { Observation, Policy } from '../types.ts'

/** The thresholds, which the autoscaler takes as its own options, too. */
export const thresholdShape = {
  scaleUpThreshold: option(
    z.number().positive(),
    'average of the metric a server (users by default) above which a server is added',
    30,
  ),
  scaleDownThreshold: option(
    atLeastZero,
    'average of the metric a server below which a server is removed; default 10, or half of scaleUpThreshold where that is 10 or less',
  ),
}

const thresholdOptions = optionSet({
  metric: option(
    z.enum(METRICS),
    'what is averaged: users over all desired servers, others over the ready ones',
    'users',
  ),
  ...thresholdShape,
})

/** Options of `threshold`. */
export type ThresholdOptions = OptionsOf<typeof thresholdOptions.shape>

/** The thresholds with what was not given filled in. */
export function thresholdsOf(options: OptionsOf<typeof thresholdShape>): { up: number; down: number } {
  const up = options.scaleUpThreshold ?? thresholdOptions.defaultOf('scaleUpThreshold')
  return { up, down: options.scaleDownThreshold ?? (up > 10 ? 10 : up / 2) }
}

/** What a server has of the metric, and in words. */
interface Average {
  readonly value: number
  readonly what: string
  /** Ready servers that do not report it. */
  readonly missing: number
}

function averageOf(observation: Observation, metric: MetricName): Average | undefined {
  if (metric === 'users') {
    const { load, desiredCount } = observation
    if (!Number.isFinite(load)) return undefined
    const value = desiredCount > 0 ? load! / desiredCount : Infinity
    const servers = serversText(desiredCount)
    return {
      value,
      what: reasons.say('usersOn', { load: load!, servers, average: value.toFixed(1) }),
      missing: 0,
    }
  }
  const { sum, known, missing } = measure(observation.servers, metric)
  if (known === 0) return undefined
  return {
    value: sum / known,
    what: reasons.say('aServer', { value: (sum / known).toFixed(2), metric }),
    missing,
  }
}

/**
 * One server more when the average load of a server is above a threshold, one fewer when it is below another. While a ready
 * server does not report the metric, none is removed.
 */
export function thresholdPolicy(options: ThresholdOptions = {}): Policy {
  const { metric, ...thresholds } = thresholdOptions.parse(options)
  const { up, down } = thresholdsOf(thresholds)
  if (down >= up) {
    throw invalidInput(
      'scaleDownThreshold',
      `${down} is not below scaleUpThreshold (${up})`,
      `a number from 0 to below ${up}`,
    )
  }
  return {
    name: 'threshold',
    ...(metric === 'users' && { usersPerServer: up, instant: true }),
    evaluate(observation) {
      const { desiredCount } = observation
      const average = averageOf(observation, metric)
      if (!average) return metric === 'users' ? unknownLoad(observation) : unknown(metric, observation)
      const { value, what, missing } = average
      const numbers = {
        [metric === 'users' ? 'usersPerServer' : metric]: value,
        scaleUpThreshold: up,
        scaleDownThreshold: down,
      }
      if (value > up) {
        return {
          servers: desiredCount + 1,
          reason: reasons.say('above', { what, up }),
          numbers,
        }
      }
      if (value >= down)
        return {
          servers: desiredCount,
          reason: reasons.say('within', { what, low: down, high: up }),
          numbers,
        }
      const below = reasons.say('below', { what, down })
      if (missing > 0)
        return {
          servers: desiredCount,
          reason: reasons.say('notReported', { what: below, missing }),
          numbers,
        }
      return { servers: desiredCount - 1, reason: below, numbers }
    },
  }
}

export const thresholdKind = specKind('threshold', thresholdOptions, thresholdPolicy)
