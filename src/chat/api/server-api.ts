import type { IncomingMessage, ServerResponse } from 'node:http'
import { ConcertinaError } from '../../base/errors.ts'
import { VERSION } from '../../base/version.ts'
import { parseBody, readBody, sendJson, statusOf } from '../../http/json.ts'
import { splitTarget } from '../../http/request-target.ts'
import { isName, isRequestId } from '../../protocol/rules.ts'
import type { Tracer } from '../../telemetry/tracer.ts'
import { SYSTEM_PREFIX } from '../access/moderation-log.ts'
import { LogOverloaded, LogUnavailable } from '../log/room-log.ts'
import { ChangeRejected, IdTaken } from '../rooms/append-once.ts'
import type { ChatService } from './chat-service.ts'
import type { ApiClient, ApiKeys } from './keys.ts'
import { serverOpenApi } from './openapi.ts'
import { type ApiRoute, checkQuery, ForbiddenRoom } from './route.ts'
import { API_ROUTES } from './routes.ts'

export interface ServerApiOptions {
  service: ChatService
  keys: ApiKeys
  /** Bytes of a message's body; default 8,192. */
  maxBodyBytes?: number | undefined
  /** Called for everything that was done or denied, but not for what was only read. */
  onAudit?: ((entry: AuditEntry) => void) | undefined
  /** Traces the requests, as parts of the traces that they name. */
  tracer?: Tracer | undefined
}

/** One request that changed something, or was not allowed to. */
export interface AuditEntry {
  readonly key: string
  readonly method: string
  readonly path: string
  readonly status: number
  /** Address that the request came from. */
  readonly address: string | undefined
}

interface Found {
  readonly route: ApiRoute
  readonly parts: Readonly<Record<string, string>>
}

const PATTERNS = API_ROUTES.map((route) => ({
  route,
  pattern: new RegExp(`^${route.path.replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`),
}))

/** The HTTP face of the chat for an app's backend: `/v1/…`, with a key in `Authorization: Bearer KEY`. */
export class ServerApi {
  readonly #options: ServerApiOptions

  constructor(options: ServerApiOptions) {
    this.#options = options
  }

  /** Answers a request for the server API; `false` when it is for something else. */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    const { path } = splitTarget(request.url)
    if (!path.startsWith('/v1/')) return false
    const client = this.#options.keys.client(request.headers.authorization)
    // The description holds no secret, and tools that read it send no key.
    if (path === '/v1/openapi.json' && request.method === 'GET')
      sendJson(response, 200, serverOpenApi(VERSION))
    else if (client) void this.answer(request, response, client, '/v1/')
    else {
      const body = { code: 'UNAUTHORIZED', message: 'a key of the server API is needed' }
      const hint = 'Authorization: Bearer KEY'
      sendJson(response, 401, { ...body, hint }, { 'www-authenticate': 'Bearer' })
    }
    return true
  }

  /**
   * Answers a request whose sender is known.
   * @param base what the path begins with in place of `/v1/`
   */
  async answer(
    request: IncomingMessage,
    response: ServerResponse,
    client: ApiClient,
    base: string,
  ): Promise<void> {
    const send = (status: number, body?: object, headers?: Record<string, string>) =>
      sendJson(response, status, body, headers)
    const { path, query } = splitTarget(request.url)
    if (decoded(path) === undefined)
      return send(400, {
        code: 'INVALID_INPUT',
        message: 'path: it is not text',
        hint: 'percent-encoded UTF-8',
      })
    const found = find(`/v1/${path.slice(base.length)}`)
    const match = found.find(({ route }) => route.method === request.method)
    if (!match) {
      const allow = found.map(({ route }) => route.method).join(', ')
      const hint = allow || 'see /v1/openapi.json'
      return allow
        ? send(405, { code: 'NOT_ALLOWED', message: `${request.method} is not allowed`, hint }, { allow })
        : send(404, { code: 'NOT_FOUND', message: 'not found', hint })
    }
    const { tracer } = this.#options
    const span = tracer?.begin(request.headers.traceparent)
    const began = performance.now()
    const { status, body, headers } = await this.#run(match, client, request, query)
    const { method, path: pattern } = match.route
    span?.end(`${method} ${pattern}`, {
      kind: 'server',
      began,
      attributes: {
        'http.request.method': method,
        'http.route': pattern,
        'http.response.status_code': status,
        'concertina.key': client.name,
      },
      error: status >= 500 ? `status ${status}` : undefined,
    })
    if (match.route.method !== 'GET') {
      this.#options.onAudit?.({
        key: client.name,
        method: match.route.method,
        path,
        status,
        address: request.socket.remoteAddress,
      })
    }
    if (!request.destroyed || request.complete) send(status, body, headers)
  }

  async #run(
    { route, parts }: Found,
    client: ApiClient,
    request: IncomingMessage,
    query: URLSearchParams,
  ): Promise<{ status: number; body?: object; headers?: Record<string, string> }> {
    const { service, maxBodyBytes = 8192 } = this.#options
    const forbidden = (message: string, hint: string) => ({
      status: 403,
      body: { code: 'FORBIDDEN', message, hint },
    })
    const bad = (message: string, hint: string) => ({
      status: 400,
      body: { code: 'INVALID_INPUT', message, hint },
    })
    if (!client.scopes.has(route.scope))
      return forbidden('the key lacks a scope', `a key with the scope ${route.scope}`)
    const { room = '', user = '', id = '', seq = '' } = parts
    for (const [where, value] of Object.entries(parts)) {
      if (!isName(value)) return bad(`${where} is not allowed`, '1 to 128 characters, no control characters')
    }
    if (room.startsWith(SYSTEM_PREFIX))
      return bad('room is not allowed', `a name that does not begin with ${SYSTEM_PREFIX}`)
    if ((room && !client.mayUse(room)) || (route.everyRoom && !client.everyRoom))
      return forbidden(`the key is not for ${room || 'every room'}`, 'another key')
    const key = request.headers['idempotency-key']
    const idempotencyKey = typeof key === 'string' ? key : undefined
    if (idempotencyKey !== undefined && !isRequestId(idempotencyKey))
      return bad('Idempotency-Key is not allowed', '1 to 64 characters, no control characters')
    try {
      checkQuery(query, Object.keys(route.query ?? {}))
      const text = await readBody(request, 4 * maxBodyBytes + 65_536)
      const body = route.body && parseBody(text === '' && route.bodyOptional ? '{}' : text, route.body)
      const call = { service, client, room, user, id, seq, query, idempotencyKey, maxBodyBytes, body }
      const result = (await route.run(call as never)) as object | undefined
      return result === undefined ? { status: 204 } : { status: 200, body: result }
    } catch (error) {
      return problemOf(error)
    }
  }
}

function problemOf(error: unknown) {
  if (error instanceof ConcertinaError) {
    const { code, message, hint } = error
    return { status: statusOf(error), body: { code, message, hint } }
  }
  if (error instanceof IdTaken)
    return { status: 409, body: { code: 'ID_TAKEN', message: error.message, hint: 'an id of its own' } }
  if (error instanceof ForbiddenRoom)
    return { status: 403, body: { code: 'FORBIDDEN', message: error.message, hint: 'another key' } }
  if (error instanceof ChangeRejected) {
    const { code, statusCode: status, message } = error
    return { status, body: { code: code === 'not-found' ? 'NOT_FOUND' : 'FORBIDDEN', message } }
  }
  if (error instanceof LogUnavailable) {
    const retry = error instanceof LogOverloaded ? error.retryMs / 1000 : 1
    return {
      status: 503,
      body: { code: 'LOG_UNAVAILABLE', message: error.message, hint: 'repeat it' },
      headers: { 'retry-after': String(Math.max(1, Math.ceil(retry))) },
    }
  }
  return { status: 500, body: { code: 'INTERNAL', message: 'internal error' } }
}

/** What a path says; `undefined` when it is not text. Its value must be used: a bundler leaves out a call that only throws. */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

function find(path: string): Found[] {
  return PATTERNS.flatMap(({ route, pattern }) => {
    const groups = pattern.exec(path)?.groups
    if (!pattern.test(path)) return []
    const parts = Object.entries(groups ?? {}).map(([key, part]) => [key, decodeURIComponent(part)])
    return [{ route, parts: Object.fromEntries(parts) as Record<string, string> }]
  })
}
