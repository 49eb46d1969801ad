import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { ControlApi } from '../control/control-api.ts'
import { HTTP_DEADLINES } from '../http/deadlines.ts'
import { liveMetrics, type MeteredFleet } from './metrics.ts'

/**
 * Answers `/healthz` and `/readyz` to everybody, `/metrics` and the API to those who may ask, and the rest by `page`.
 * @param supervisor of a live fleet; a simulation has no metrics
 */
export function controlServer(
  supervisor: MeteredFleet | undefined,
  api: ControlApi,
  page: (request: IncomingMessage, response: ServerResponse) => void,
): Server {
  const metrics = supervisor && liveMetrics(supervisor)
  return createServer(HTTP_DEADLINES, (request, response) => {
    const text = (status: number, body: string, type = 'text/plain; charset=utf-8') =>
      response.writeHead(status, { 'content-type': type, 'x-content-type-options': 'nosniff' }).end(body)
    switch (request.url?.split('?')[0]) {
      case '/healthz':
        text(200, 'ok\n')
        return
      case '/readyz': {
        const ready = !supervisor || supervisor.fleet.ready.length > 0
        text(ready ? 200 : 503, ready ? 'ready\n' : 'no server is ready\n')
        return
      }
      case '/metrics': {
        const refused = api.refuse(request)
        if (refused) {
          text(refused.status, `${JSON.stringify(refused.body)}\n`)
          return
        }
        if (!metrics) {
          notFound(request, response)
          return
        }
        metrics.text().then(
          (body) => text(200, body, metrics.contentType),
          (error: Error) => text(500, `${error.message}\n`),
        )
        return
      }
      default:
        if (supervisor?.serverApi?.handle(request, response)) return
        if (!api.handle(request, response)) page(request, response)
    }
  })
}

export function notFound(_: IncomingMessage, response: ServerResponse): void {
  response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end('not found\n')
}
