import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { ControlApi } from '../control/control-api.ts'
import { HTTP_DEADLINES } from '../http/deadlines.ts'
import { pages } from '../http/pages.ts'
import { splitTarget } from '../http/request-target.ts'
import { sendText } from '../http/text.ts'
import type { MeteredFleet, MetricsText } from './metrics.ts'

/** Answers `/healthz` and `/readyz`, for load balancers and orchestrators. @returns whether it was one of them */
function answerHealth({ url }: IncomingMessage, response: ServerResponse, isReady: () => boolean): boolean {
  const path = splitTarget(url).path
  if (path !== '/healthz' && path !== '/readyz') return false
  const ready = path === '/healthz' || isReady()
  const body = path === '/healthz' ? 'ok\n' : ready ? 'ready\n' : 'no server is ready\n'
  sendText(response, ready ? 200 : 503, body)
  return true
}

function isReady(fleet: MeteredFleet | undefined): boolean {
  return fleet === undefined || (fleet.isReady ?? fleet.fleet.ready.length > 0)
}

/** The chat page of a fleet, and its health, for who comes to the port of the chat with plain HTTP. */
export function chatPageServer(isReady: () => boolean): Server {
  const page = pages('chat.html')
  return createServer((request, response) => {
    if (!answerHealth(request, response, isReady)) page(request, response)
  })
}

/**
 * Answers `/healthz` and `/readyz` to all, `/metrics` and the API to those who may ask, and the rest by `page`.
 * @param supervisor of a live fleet; a simulation has no metrics
 */
export function controlServer(
  supervisor: MeteredFleet | undefined,
  api: ControlApi,
  page: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  // Loaded when somebody asks: a start needs none of it.
  let metrics: Promise<MetricsText> | undefined
  const metricsOf = (fleet: MeteredFleet) => {
    metrics ??= import('./metrics.ts').then(({ liveMetrics }) => liveMetrics(fleet))
    return metrics
  }
  return createServer(HTTP_DEADLINES, (request, response) => {
    if (answerHealth(request, response, () => isReady(supervisor))) return
    if (splitTarget(request.url).path !== '/metrics') {
      if (supervisor?.serverApi?.handle(request, response)) return
      if (!api.handle(request, response)) page(request, response)
      return
    }
    const refused = api.refuse(request)
    if (refused) sendText(response, refused.status, `${JSON.stringify(refused.body)}\n`)
    else if (!supervisor) notFound(request, response)
    else
      metricsOf(supervisor)
        .then(async (text) => sendText(response, 200, await text.text(), text.contentType))
        .catch((error: Error) => sendText(response, 500, `${error.message}\n`))
  })
}

export function notFound(_: IncomingMessage, response: ServerResponse): void {
  response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end('not found\n')
}
