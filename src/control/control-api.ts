import { createHash, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { ConcertinaError, invalidInput } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import type { ServerApi } from '../chat/api/server-api.ts'
import { addressKey } from '../http/client-address.ts'
import { parseBody, readBody, sendJson, statusOf } from '../http/json.ts'
import { isLoopbackName, isSameOrigin } from '../http/origin.ts'
import { splitTarget } from '../http/request-target.ts'
import type { ControlTarget } from './control-target.ts'
import { Fleets } from './fleets.ts'
import { GuessLimiter } from './guess-limiter.ts'
import { CHAT_BASE, MODERATOR, openApi, ROUTES, type Route } from './routes.ts'
import { SseStreams } from './sse-streams.ts'
import { StateHistory } from './state-history.ts'

export interface ControlApiOptions {
  target: ControlTarget
  /** The server API of the chat, for `/api/chat/…`; a fleet without a chat has none. */
  chat?: (() => Promise<ServerApi>) | undefined
  /** Who controls the fleet must show it (`Authorization: Bearer …`); at least 16 characters. Without it only this machine may ask. */
  token?: string | undefined
  version: string
  /** This fleet's name and the others, for who watches several; default this one alone. */
  fleets?: Fleets | undefined
  /** The past; default empty. */
  day?: StateHistory | undefined
  /** Gets every request that changed something or was not allowed to, with `audit: true` and the address it came from. */
  logger?: Logger | undefined
}

const digest = (text: string) => createHash('sha256').update(text).digest()

/** The HTTP face of a fleet for people and programs: `/api/…` and `/openapi.json`. */
export class ControlApi {
  readonly #target: ControlTarget
  readonly #chat: ControlApiOptions['chat']
  readonly #token: Buffer | undefined
  readonly #version: string
  readonly #day: StateHistory
  readonly #fleets: Fleets
  readonly #streams: SseStreams
  readonly #guesses = new GuessLimiter()
  readonly #seconds: NodeJS.Timeout
  readonly #logger: Logger | undefined

  constructor(options: ControlApiOptions) {
    const { target, chat, token, version, day = new StateHistory(), fleets = new Fleets(), logger } = options
    if (token !== undefined && token.length < 16)
      throw invalidInput('controlToken', 'it is too short', 'at least 16 characters')
    this.#target = target
    this.#chat = chat
    this.#logger = logger
    this.#token = token === undefined ? undefined : digest(token)
    this.#version = version
    this.#day = day
    this.#fleets = fleets
    this.#streams = new SseStreams(target)
    this.#seconds = setInterval(() => this.#day.add(target.snapshot()), 1000)
    this.#seconds.unref()
  }

  close(): void {
    clearInterval(this.#seconds)
    this.#streams.close()
  }

  /** Answers a request for the API; `false` when it is for something else. */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    const { path, query } = splitTarget(request.url)
    if (!path.startsWith('/api/') && path !== '/openapi.json') return false
    const rejected = this.rejection(request)
    if (rejected) {
      this.#audit(request, path, rejected.status)
      sendJson(response, rejected.status, rejected.body)
    } else if (path === '/openapi.json')
      sendJson(response, 200, openApi(this.#version, this.#chat !== undefined))
    else if (path.startsWith(CHAT_BASE) && this.#chat) void this.#askChat(this.#chat, request, response)
    else if (path === '/api/stream' && request.method === 'GET') this.#streams.open(request, response)
    else void this.#route(request, response, path, query)
    return true
  }

  /** Logs a request that changes something; what is only read is not logged. */
  #audit({ method, socket }: IncomingMessage, path: string, status: number, input?: unknown): void {
    if (method === 'GET' || method === 'HEAD') return
    const address = socket.remoteAddress
    const what = input === undefined ? '' : ` ${JSON.stringify(input)}`
    this.#logger?.info(`Control API: ${method} ${path}${what}: ${status}`, {
      audit: true,
      method,
      path,
      status,
      address,
      ...(input !== undefined && { input }),
    })
  }

  /** Why this request may not ask, if so: a page from elsewhere, a name that is not this machine's, no token. */
  rejection(request: IncomingMessage): { status: number; body: object } | undefined {
    const { host = '', authorization = '' } = request.headers
    if (!this.#token && !isLoopbackName(host)) {
      return {
        status: 403,
        body: {
          code: 'FORBIDDEN',
          message: `host ${JSON.stringify(host)} is not allowed`,
          hint: 'localhost',
        },
      }
    }
    // A page of this server may ask, under any name that was let through above; browsers say where a request is from.
    const site = request.headers['sec-fetch-site'] ?? 'none'
    const foreign = request.headers.origin !== undefined && !isSameOrigin(request.headers)
    if (foreign || !['same-origin', 'none'].includes(String(site))) {
      return { status: 403, body: { code: 'FORBIDDEN', message: 'cross-origin request rejected' } }
    }
    if (!this.#token) return undefined
    if (authorization !== '') {
      const right = timingSafeEqual(digest(authorization.replace(/^bearer +/i, '').trim()), this.#token)
      const outcome = this.#guesses.check(addressKey(request.socket.remoteAddress ?? ''), right)
      if (outcome === 'accepted') return undefined
      if (outcome === 'blocked') {
        return {
          status: 429,
          body: { code: 'TOO_MANY_REQUESTS', message: 'too many wrong control tokens', hint: 'wait 10 s' },
        }
      }
    }
    return {
      status: 401,
      body: {
        code: 'UNAUTHORIZED',
        message: 'the control token is needed',
        hint: 'Authorization: Bearer TOKEN',
      },
    }
  }

  async #askChat(
    chat: NonNullable<ControlApiOptions['chat']>,
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    try {
      await (await chat()).answer(request, response, MODERATOR, CHAT_BASE)
    } catch (error) {
      const message = `the rooms cannot be reached: ${(error as Error).message}`
      sendJson(response, 503, { code: 'LOG_UNAVAILABLE', message, hint: 'repeat it' })
    }
  }

  async #route(
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
    query: URLSearchParams,
  ): Promise<void> {
    const found = find(path)
    const route = found.find(({ route: { method } }) => method === request.method)
    if (!route) {
      const allowed = found.map(({ route: { method } }) => method).join(', ')
      const [status, message] = allowed
        ? [405, `${request.method} is not allowed`]
        : [404, `there is no ${path}`]
      sendJson(response, status as number, {
        code: 'NOT_FOUND',
        message,
        hint: allowed || 'see /openapi.json',
      })
      return
    }
    let body: unknown
    const answer = (status: number, content?: object) => {
      this.#audit(request, path, status, body)
      sendJson(response, status, content)
    }
    try {
      body = route.route.body ? parseBody(await readBody(request), route.route.body) : undefined
      const input = { target: this.#target, day: this.#day, fleets: this.#fleets, query, id: route.id }
      const result = await route.route.run(input, body as never)
      answer(result === undefined ? 204 : 200, result as object | undefined)
    } catch (error) {
      if (error instanceof ConcertinaError)
        answer(statusOf(error), { code: error.code, message: error.message, hint: error.hint })
      // A client that left in the middle of a request gets no answer, and the others are unaffected.
      else if (!request.destroyed || request.complete)
        answer(500, { code: 'INTERNAL', message: (error as Error).message })
    }
  }
}

function find(path: string): { route: Route; id: number }[] {
  return ROUTES.flatMap((route) => {
    const match = new RegExp(`^${route.path.replace('{id}', '(\\d{1,9})')}$`).exec(path)
    return match ? [{ route, id: Number(match[1] ?? 0) }] : []
  })
}
