import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { answerPost, CHAT_PATH, type StreamRequest, streamRequest } from '../chat/sse/requests.ts'
import { type AccessEntry, logAnswer } from '../http/access-log.ts'
import type { Deadlines } from '../http/deadlines.ts'
import { asksForWebSocket, headOf } from '../http/http-head.ts'
import { interceptRequests } from '../http/intercept.ts'
import { serveWithoutUpgrade } from '../http/other-upgrade.ts'
import { HAS_HANDLES, type RawSocket, streamOf, takeRaw, takeRawOfRequest } from '../http/raw-socket.ts'
import type { EntryRules } from './entry-rules.ts'
import type { Visit } from './handoffs.ts'
import type { RejectionReason } from './rejection-log.ts'
import type { StreamPosts } from './stream-posts.ts'

/** Seconds from one answer to the end of the next request on a kept-alive connection, and for an answer to be taken. */
const REQUEST_SECONDS = 10
const ANSWER_SECONDS = 60

/** What the plain HTTP of a gateway shares with its other connections. */
interface SharedByGateway {
  readonly rules: EntryRules
  readonly deadlines: Deadlines
  readonly posts: StreamPosts
  readonly maxPostBytes: number
  /** Gets every request, for the access log. */
  readonly onAccess: ((entry: AccessEntry) => void) | undefined
  /** To be called when a connection has asked for a WebSocket or an event stream; `rest` was read after the head. */
  enter(raw: RawSocket, visit: Required<Visit>, rest: Buffer): void
  reject(raw: RawSocket, why: RejectionReason, visit: Visit): void
  /** To be called when a connection's descriptor is free. */
  readonly release: () => void
}

/**
 * The plain HTTP of the gateway: requests for pages, what clients of event streams send, and kept-alive connections that ask
 * for a WebSocket or an event stream later, as those of a proxy do.
 */
export class GatewayHttp {
  readonly #http: HttpServer
  readonly #gateway: SharedByGateway
  /** Who a kept-alive connection belongs to, where a PROXY header said so. */
  readonly #clients = new WeakMap<Duplex, string | undefined>()

  /** @param http answers what is not for the chat */
  constructor(http: HttpServer, gateway: SharedByGateway) {
    this.#http = http
    this.#gateway = gateway
    // A connection that the HTTP server has read from cannot be handed over then: the next request comes on another one.
    if (!HAS_HANDLES) http.maxRequestsPerSocket = 1
    interceptRequests(http, (request, response) => this.#onRequest(request, response))
    http.on('upgrade', (request, socket, rest) => this.#onUpgrade(request, socket as Socket, rest))
  }

  /**
   * Serves a connection whose first request is plain HTTP.
   * @param read what was read of it
   * @param client its address, where a PROXY header named it
   */
  serve(raw: RawSocket, read: Buffer, client: string | undefined): void {
    const socket = streamOf(raw)
    socket.once('close', this.#gateway.release)
    socket.pause()
    this.#clients.set(socket, client)
    this.#gateway.deadlines.set(socket, REQUEST_SECONDS)
    this.#http.emit('connection', socket)
    socket.unshift(read)
    socket.resume()
  }

  /** Returns whether it answers the request itself. */
  #onRequest(request: IncomingMessage, response: ServerResponse): boolean {
    const { socket } = request
    if (this.#clients.has(socket)) {
      this.#gateway.deadlines.set(socket, ANSWER_SECONDS)
      response.once('finish', () => this.#gateway.deadlines.set(socket, REQUEST_SECONDS))
    }
    const { onAccess } = this.#gateway
    if (onAccess) logAnswer(this.#visitOf(request).ip, request, response, onAccess)
    const requested = streamRequest(request, CHAT_PATH)
    if (requested?.kind === 'open') setImmediate(() => this.#onStream(request))
    else if (requested) this.#onPost(request, response, requested)
    return requested !== undefined
  }

  #onPost(request: IncomingMessage, response: ServerResponse, post: StreamRequest & { kind: 'post' }): void {
    const { posts, maxPostBytes: maxBytes, rules } = this.#gateway
    const deliver = posts.deliver.bind(posts)
    answerPost(request, response, post, { origins: rules.origins, maxBytes, deliver }).catch(() => {
      // The client is gone.
    })
  }

  /** A kept-alive connection asks for an event stream. */
  #onStream(request: IncomingMessage): void {
    const { socket } = request
    const visit = this.#visitOf(request)
    const raw = takeRawOfRequest(request)
    if (!raw) return
    socket.off('close', this.#gateway.release)
    this.#leaveHttp(raw, visit, Buffer.alloc(0))
  }

  /** A kept-alive connection asks for a WebSocket. */
  #onUpgrade(request: IncomingMessage, socket: Socket, rest: Buffer): void {
    if (serveWithoutUpgrade(this.#http, request, socket, rest)) return
    this.#gateway.deadlines.clear(socket)
    const visit = this.#visitOf(request)
    const raw = takeRaw(socket)
    if (!raw) return
    if (asksForWebSocket(visit.head)) this.#leaveHttp(raw, visit, rest)
    else this.#gateway.reject(raw, 'no-websocket', visit)
  }

  #leaveHttp(raw: RawSocket, visit: Required<Visit>, rest: Buffer): void {
    const gateway = this.#gateway
    if (gateway.rules.isOverRate(visit.ip)) gateway.reject(raw, 'rate-limited', visit)
    else if (!HAS_HANDLES) gateway.reject(raw, 'no-server', visit)
    else gateway.enter(raw, visit, rest)
  }

  #visitOf(request: IncomingMessage): Required<Visit> {
    return {
      ip: this.#clients.get(request.socket) ?? this.#gateway.rules.proxies.addressOf(request),
      head: headOf(request),
    }
  }
}
