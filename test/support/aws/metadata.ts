import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { listen } from '../../../src/http/listen.ts'

/** The metadata service (version 2) of several instances; each has an endpoint of its own. */
export async function startMetadata() {
  /** By instance and path. */
  const values = new Map<string, object>()
  const tokens = new Set<string>()
  const server = createServer((request, response) => {
    const answer = (status: number, body = '') => {
      response.writeHead(status, { 'content-type': 'text/plain' })
      response.end(body)
    }
    const [, instance, path] = /^\/([^/]+)\/latest\/(.+)$/.exec(request.url ?? '') ?? []
    if (request.method === 'PUT' && path === 'api/token') {
      const token = randomUUID()
      tokens.add(token)
      const seconds = Number(request.headers['x-aws-ec2-metadata-token-ttl-seconds'])
      if (seconds >= 1 && seconds <= 21_600) answer(200, token)
      else answer(400)
    } else if (!tokens.has(String(request.headers['x-aws-ec2-metadata-token']))) answer(401)
    else {
      const value = values.get(`${instance}/${path}`)
      if (value) answer(200, JSON.stringify(value))
      else answer(404)
    }
  })
  const port = await listen(server, '127.0.0.1', 0)
  return {
    endpoint: (instance: string) => `http://127.0.0.1:${port}/${instance}`,
    put(instance: string, path: string, value: object) {
      values.set(`${instance}/meta-data/${path}`, value)
    },
    /** As when the service restarts. */
    forgetTokens: () => tokens.clear(),
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}
