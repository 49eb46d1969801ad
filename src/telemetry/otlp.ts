import type { Metric } from './metrics-text.ts'
import type { Attributes, Span } from './span.ts'

/** Bodies of requests to an OTLP receiver: the JSON of OTLP/HTTP. */

const KINDS = { internal: 1, server: 2, client: 3 } as const
const ERROR = 2
/** A sum counts from the start of the process. */
const CUMULATIVE = 2

/** Nanoseconds since 1970 as digits: a number cannot hold them. */
const nanos = (ms: number): string => `${Math.round(ms * 1000)}000`

const anyValue = (value: string | number | boolean) =>
  typeof value === 'string'
    ? { stringValue: value }
    : typeof value === 'boolean'
      ? { boolValue: value }
      : Number.isSafeInteger(value)
        ? { intValue: String(value) }
        : { doubleValue: value }

const attributesOf = (attributes: Attributes) =>
  Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value: anyValue(value) }],
  )

const scopeOf = (resource: Attributes) => ({
  scope: { name: 'concertina', version: String(resource['service.version']) },
})

/** @param resource what the spans are of */
export function tracesBody(resource: Attributes, spans: readonly Span[]): string {
  const encoded = spans.map(
    ({ traceId, spanId, parentId, name, kind, startMs, endMs, attributes, error }) => ({
      traceId,
      spanId,
      ...(parentId !== undefined && { parentSpanId: parentId }),
      name,
      kind: KINDS[kind],
      startTimeUnixNano: nanos(startMs),
      endTimeUnixNano: nanos(endMs),
      attributes: attributesOf(attributes),
      ...(error !== undefined && { status: { code: ERROR, message: error } }),
    }),
  )
  const scopeSpans = [{ ...scopeOf(resource), spans: encoded }]
  return JSON.stringify({ resourceSpans: [{ resource: { attributes: attributesOf(resource) }, scopeSpans }] })
}

function metricOf({ name, help: description, type, points }: Metric, startMs: number, atMs: number) {
  const times = { startTimeUnixNano: nanos(startMs), timeUnixNano: nanos(atMs) }
  const at = ({ labels }: { labels: Attributes }) => ({ ...times, attributes: attributesOf(labels) })
  switch (type) {
    case 'gauge':
      return {
        name,
        description,
        gauge: { dataPoints: points.map((each) => ({ ...at(each), asDouble: each.value })) },
      }
    case 'counter':
      return {
        name,
        description,
        sum: {
          aggregationTemporality: CUMULATIVE,
          isMonotonic: true,
          dataPoints: points.map((each) => ({ ...at(each), asDouble: each.value })),
        },
      }
    case 'histogram':
      return {
        name,
        description,
        histogram: {
          aggregationTemporality: CUMULATIVE,
          dataPoints: points.map((each) => ({
            ...at(each),
            count: String(each.count),
            sum: each.sum,
            explicitBounds: each.bounds,
            bucketCounts: each.counts.map(String),
          })),
        },
      }
  }
}

/**
 * @param startMs since when counters count, milliseconds since 1970
 * @param atMs when they were read
 */
export function metricsBody(
  resource: Attributes,
  metrics: readonly Metric[],
  startMs: number,
  atMs: number,
): string {
  const encoded = metrics.map((metric) => metricOf(metric, startMs, atMs))
  const scopeMetrics = [{ ...scopeOf(resource), metrics: encoded }]
  return JSON.stringify({
    resourceMetrics: [{ resource: { attributes: attributesOf(resource) }, scopeMetrics }],
  })
}
