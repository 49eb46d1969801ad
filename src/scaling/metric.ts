import { reasons } from './reasons.ts'
import type { Observation, Recommendation, ServerObservation } from './types.ts'

/** What of a server can be added up over a fleet. */
export const ADDITIVE_METRICS = [
  'users',
  'messagesPerSecond',
  'utilization',
  'queued',
  'cpu',
  'memoryBytes',
  'eventLoopUtilization',
] as const satisfies readonly (keyof ServerObservation)[]

/** What of a server a policy may aim for. */
export const METRICS = [
  ...ADDITIVE_METRICS,
  'latencyP99Ms',
] as const satisfies readonly (keyof ServerObservation)[]

export type AdditiveMetric = (typeof ADDITIVE_METRICS)[number]
export type MetricName = (typeof METRICS)[number]

/** A figure of those servers that are ready. */
export interface Measured {
  /** Over the servers that report it. */
  readonly sum: number
  /** Servers that report it, and that do not. */
  readonly known: number
  readonly missing: number
}

/** How much of something there is. */
export interface Amount {
  readonly value: number
  /** Ready servers that do not report it, and count as the others do on average. */
  readonly missing: number
}

/** Adds up a figure over those of `servers` that are ready; what is not a finite number is missing. */
export function measure(servers: readonly ServerObservation[], metric: MetricName): Measured {
  let sum = 0
  let known = 0
  let missing = 0
  for (const server of servers) {
    if (server.state !== 'ready') continue
    const value = server[metric]
    if (value !== undefined && Number.isFinite(value)) {
      sum += value
      known++
    } else {
      missing++
    }
  }
  return { sum, known, missing }
}

/** The load for `users`, otherwise the total over the ready servers; `undefined` when no server reports it. */
export function amountOf(observation: Observation, metric: AdditiveMetric): Amount | undefined {
  if (metric === 'users') {
    const { load } = observation
    return Number.isFinite(load) ? { value: load!, missing: 0 } : undefined
  }
  const { sum, known, missing } = measure(observation.servers, metric)
  return known > 0 ? { value: (sum * (known + missing)) / known, missing } : undefined
}

/**
 * The size that a policy desires by an amount: nothing is removed while a ready server does not report it.
 * @returns with the reason that becomes of what was seen
 */
export function sizeBy(
  { missing }: Amount,
  servers: number,
  desiredCount: number,
): { readonly servers: number; because(what: string): string } {
  return missing > 0 && servers < desiredCount
    ? { servers: desiredCount, because: (what) => reasons.say('notReported', { what, missing }) }
    : { servers, because: (what) => what }
}

/** A policy's answer when no server reports the metric it uses. */
export function unknown(metric: MetricName, { desiredCount }: Observation): Recommendation {
  return {
    servers: desiredCount,
    reason: `${reasons.say('noReport', { metric })}; ${reasons.say('unchanged')}`,
    insufficientData: true,
  }
}

/** What a policy answers when the load is missing. */
export function unknownLoad({ desiredCount }: Observation): Recommendation {
  return { servers: desiredCount, reason: reasons.say('unknownLoad'), insufficientData: true }
}

/** What a policy answers when there is no `amountOf` the metric. */
export function unknownAmount(metric: AdditiveMetric, observation: Observation): Recommendation {
  return metric === 'users' ? unknownLoad(observation) : unknown(metric, observation)
}
