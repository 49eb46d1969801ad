import type { ServerObservation } from './policy.ts'

/** What of a server a policy may aim for. */
export const METRICS = [
  'users',
  'messagesPerSecond',
  'utilization',
  'queued',
  'cpu',
  'memoryBytes',
  'eventLoopUtilization',
  'latencyP99Ms',
] as const satisfies readonly (keyof ServerObservation)[]

export type MetricName = (typeof METRICS)[number]

/** The figure, or `undefined` when it is missing. */
export function metricOf(server: ServerObservation, metric: MetricName): number | undefined {
  const value = server[metric]
  return value !== undefined && Number.isFinite(value) ? value : undefined
}
