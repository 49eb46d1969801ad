import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

interface Attribute {
  readonly key: string
  readonly value: { readonly stringValue?: string; readonly intValue?: string }
}

/** A span as it came. */
export interface ReceivedSpan {
  /** `service.name` of the process that sent it. */
  readonly service: string | undefined
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: readonly Attribute[]
  readonly status?: { readonly code: number; readonly message: string }
}

interface DataPoint {
  readonly asDouble?: number
  readonly count?: string
  readonly sum?: number
  readonly explicitBounds?: readonly number[]
  readonly bucketCounts?: readonly string[]
  readonly attributes: readonly Attribute[]
}

/** A metric as it came. */
export interface ReceivedMetric {
  readonly name: string
  readonly gauge?: { readonly dataPoints: readonly DataPoint[] }
  readonly sum?: { readonly isMonotonic: boolean; readonly dataPoints: readonly DataPoint[] }
  readonly histogram?: { readonly dataPoints: readonly DataPoint[] }
}

export const attributeOf = ({ attributes }: Pick<ReceivedSpan, 'attributes'>, key: string) => {
  const value = attributes.find((each) => each.key === key)?.value
  return value?.stringValue ?? value?.intValue
}

/** A receiver of OTLP/HTTP in JSON that keeps what comes. */
export async function startOtlpReceiver(port = 0) {
  const spans: ReceivedSpan[] = []
  const metrics = new Map<string, ReceivedMetric>()
  const metricsOf = new Map<string | undefined, Set<string>>()
  const resources: ReceivedSpan['attributes'][] = []
  const headers: Record<string, unknown>[] = []
  const state = { status: 200 }
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += chunk
    if (state.status === 200) {
      const body = JSON.parse(text)
      headers.push(request.headers)
      if (request.url === '/v1/traces') {
        for (const { resource, scopeSpans } of body.resourceSpans) {
          resources.push(resource.attributes)
          const service = attributeOf(resource, 'service.name')
          for (const scope of scopeSpans) for (const span of scope.spans) spans.push({ service, ...span })
        }
      } else {
        for (const { resource, scopeMetrics } of body.resourceMetrics) {
          const service = attributeOf(resource, 'service.name')
          const names = metricsOf.get(service) ?? new Set()
          metricsOf.set(service, names)
          for (const scope of scopeMetrics)
            for (const metric of scope.metrics) {
              metrics.set(metric.name, metric)
              names.add(metric.name)
            }
        }
      }
    }
    response.writeHead(state.status, { 'content-type': 'application/json' }).end('{}')
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const taken = (server.address() as AddressInfo).port
  return {
    url: `http://127.0.0.1:${taken}`,
    spans,
    metrics,
    /** Names of the metrics that a service has sent, by its name. */
    metricsOf,
    resources,
    headers,
    /** `status` of the answers; nothing is kept but with 200. */
    state,
    named: (name: string) => spans.filter((span) => span.name === name),
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}
