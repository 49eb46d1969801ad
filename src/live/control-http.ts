import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { liveMetrics } from './metrics.ts'
import type { Supervisor } from './supervisor.ts'

/** Answers `/metrics`, `/healthz` and `/readyz`; everything else goes to `next`. */
export function controlServer(
  supervisor: Supervisor,
  next: (request: IncomingMessage, response: ServerResponse) => void = notFound,
): Server {
  const metrics = liveMetrics(supervisor)
  return createServer((request, response) => {
    const text = (status: number, body: string, type = 'text/plain; charset=utf-8') =>
      response.writeHead(status, { 'content-type': type, 'x-content-type-options': 'nosniff' }).end(body)
    switch (request.url?.split('?')[0]) {
      case '/healthz':
        text(200, 'ok\n')
        return
      case '/readyz': {
        const { ready } = supervisor.fleet
        text(ready.length > 0 ? 200 : 503, ready.length > 0 ? 'ready\n' : 'no server is ready\n')
        return
      }
      case '/metrics':
        metrics.metrics().then(
          (body) => text(200, body, metrics.contentType),
          (error: Error) => text(500, `${error.message}\n`),
        )
        return
      default:
        next(request, response)
    }
  })
}

export function notFound(_: IncomingMessage, response: ServerResponse): void {
  response.writeHead(404, { 'content-type': 'text/plain; charset=utf-8' }).end('there is nothing here\n')
}
