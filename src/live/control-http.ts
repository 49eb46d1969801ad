import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { ServerApi } from '../chat/api/server-api.ts'
import type { ControlApi } from '../control/control-api.ts'
import { HTTP_DEADLINES } from '../http/deadlines.ts'
import { pages } from '../http/pages.ts'
import { splitTarget } from '../http/request-target.ts'
import { sendText } from '../http/text.ts'
import type { MeteredFleet } from './metrics.ts'
import type { MetricsText } from './scaling-metrics.ts'

/** Answers `/healthz` and `/readyz`, for load balancers and orchestrators. @returns whether it was one of them */
function answerHealth({ url }: IncomingMessage, response: ServerResponse, isReady: () => boolean): boolean {
  const path = splitTarget(url).path
  if (path !== '/healthz' && path !== '/readyz') return false
  const ready = path === '/healthz' || isReady()
  const body = path === '/healthz' ? 'ok\n' : ready ? 'ready\n' : 'not ready\n'
  sendText(response, ready ? 200 : 503, body)
  return true
}

/** What a control server answers for beside the control API. */
export interface ServedFleet {
  /** Made when they are asked for: a start needs none of it. */
  metrics(): Promise<MetricsText>
  /** What `/readyz` answers. */
  isReady(): boolean
  readonly serverApi?: ServerApi | undefined
}

/** What a control server answers for a live fleet. */
export function servedFleet(fleet: MeteredFleet): ServedFleet {
  let metrics: Promise<MetricsText> | undefined
  return {
    metrics: () => {
      metrics ??= import('./metrics.ts').then(({ liveMetrics }) => liveMetrics(fleet))
      return metrics
    },
    isReady: () => fleet.isReady ?? fleet.fleet.ready.length > 0,
    get serverApi() {
      return fleet.rooms?.serverApi // from its start on
    },
  }
}

/** The pages for who runs a fleet: its dashboard, the rooms and users of its chat, and all fleets at a glance. */
export const controlPages = () =>
  pages('dashboard.html', { '/admin': 'admin.html', '/fleets': 'fleets.html' })

/** The chat page of a fleet, and its health, for plain HTTP on the port of the chat. */
export function chatPageServer(isReady: () => boolean, maxHeadBytes?: number): Server {
  const page = pages('chat.html')
  return createServer({ maxHeaderSize: maxHeadBytes }, (request, response) => {
    if (!answerHealth(request, response, isReady)) page(request, response)
  })
}

/**
 * Answers `/healthz` and `/readyz` to all, `/metrics` and the API to those who may ask, and the rest by `page`.
 * @param served of a live fleet; a simulation has no metrics, and is ready
 */
export function controlServer(
  served: ServedFleet | undefined,
  api: ControlApi,
  page: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  return createServer(HTTP_DEADLINES, (request, response) => {
    if (answerHealth(request, response, () => served?.isReady() ?? true)) return
    if (splitTarget(request.url).path !== '/metrics') {
      if (served?.serverApi?.handle(request, response)) return
      if (!api.handle(request, response)) page(request, response)
      return
    }
    const rejected = api.rejection(request)
    if (rejected) sendText(response, rejected.status, `${JSON.stringify(rejected.body)}\n`)
    else if (!served) notFound(request, response)
    else {
      served
        .metrics()
        .then(async (all) => sendText(response, 200, await all.text(), all.contentType))
        .catch((error: Error) => sendText(response, 500, `${error.message}\n`))
    }
  })
}

export function notFound(_: IncomingMessage, response: ServerResponse): void {
  response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end('not found\n')
}
