import type { LimitOptions } from '../../scaling/limit-options.ts'
import type { PolicySpec } from '../../scaling/policies.ts'
import type { FieldNote, Fields } from './fields.ts'

/** What an importer made of a document. */
export interface Imported {
  /** What it was: `HorizontalPodAutoscaler chat`. */
  readonly source: string
  readonly autoScaler: LimitOptions & { policy: PolicySpec; interval?: number }
  readonly notes: readonly FieldNote[]
}

export interface ImportOptions {
  /** What the metric of the file is here, where its name does not say it. */
  readonly metric?: MetricName | undefined
}

/** A kind of file that a config is made from. */
export interface Importer {
  readonly description: string
  matches(document: unknown): boolean
  /** Throws INVALID_INPUT that names the place. */
  read(fields: Fields, where: string, options: ImportOptions): Imported
}

/** Metrics that a file may name, in our words. */
export const METRIC_NAMES = [
  'users',
  'messagesPerSecond',
  'queued',
  'cpu',
  'memoryBytes',
  'latencyP99Ms',
] as const
export type MetricName = (typeof METRIC_NAMES)[number]

const HINTS: readonly (readonly [RegExp, MetricName])[] = [
  [/latency|duration|p99/i, 'latencyP99Ms'],
  [/queue|lag|backlog|pending|visible/i, 'queued'],
  [/conn|users?\b|_users|session|websocket|\bws|socket|vus|clients|subscribers|players/i, 'users'],
  [/request|message|rps|qps|per_?second|throughput|rate/i, 'messagesPerSecond'],
  [/memory|rss/i, 'memoryBytes'],
  [/cpu/i, 'cpu'],
]

/** The metric that a name is probably about. */
export function metricNamed(...names: readonly (string | undefined)[]): MetricName | undefined {
  for (const name of names) {
    const found = name === undefined ? undefined : HINTS.find(([pattern]) => pattern.test(name))
    if (found) return found[1]
  }
  return undefined
}

/** One policy of several: the highest counts. */
export function highest(policies: readonly PolicySpec[]): PolicySpec {
  return policies.length === 1 ? policies[0]! : { kind: 'max', policies: [...policies] }
}
