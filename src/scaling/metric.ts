import type { Observation, ServerObservation } from './policy.ts'

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

/** The mean of a figure over the ready servers that tell it; `undefined` when none does. */
export function averageOf({ servers }: Observation, metric: MetricName): number | undefined {
  let sum = 0
  let known = 0
  for (const server of servers) {
    const value = server.state === 'ready' ? metricOf(server, metric) : undefined
    if (value === undefined) continue
    sum += value
    known++
  }
  return known > 0 ? sum / known : undefined
}

/** Why a policy changes nothing when the figure is missing. */
export function unknown(metric: MetricName, { size }: Observation): { servers: number; reason: string } {
  return { servers: size, reason: `no ready server tells its ${metric}, so nothing changes` }
}
