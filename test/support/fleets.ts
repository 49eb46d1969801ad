import { METRICS, type MetricName } from '../../src/scaling/metric.ts'
import type { Observation, Policy, ServerObservation } from '../../src/scaling/types.ts'

/** R is ready, S starts, D drains. */
const STATES = { R: 'ready', S: 'starting', D: 'draining' } as const

/** A fleet whose servers report these values of one figure, `undefined` where it is missing; default all ready: `'RRS'`. */
export function observing(
  metric: MetricName,
  values: readonly (number | undefined)[],
  { time = 0, states = '', load = 0 }: { time?: number; states?: string; load?: number } = {},
): Observation {
  const servers = values.map((value, i): ServerObservation => {
    const state = STATES[(states[i] ?? 'R') as keyof typeof STATES]
    return { id: i + 1, state, users: 0, [metric]: value }
  })
  const size = servers.filter((server) => server.state !== 'draining').length
  return { time, load, desiredCount: size, servers }
}

/** A fleet of ready servers that share a load; every figure of a server is its number of users. */
export function loaded(time: number, load: number | undefined, size: number): Observation {
  const users = load === undefined ? Number.NaN : load / size
  const figures = Object.fromEntries(METRICS.map((metric) => [metric, users]))
  const servers = Array.from({ length: size }, (_, i): ServerObservation => {
    return { ...figures, id: i + 1, state: 'ready', users }
  })
  return { time, load, desiredCount: size, servers }
}

/** `count` times the same. */
export const times = <T>(count: number, value: T): T[] => new Array<T>(count).fill(value)

/** How many servers a policy desires. */
export const desiredBy = (policy: Policy, observation: Observation) => policy.evaluate(observation).servers
