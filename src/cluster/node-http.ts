import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { RateLimiter } from '../base/rate-limit.ts'
import { ChatServer } from '../chat/server.ts'
import {
  answerByResponse,
  answerPost,
  CHAT_PATH,
  type StreamRequest,
  streamRequest,
} from '../chat/sse/requests.ts'
import { type AccessEntry, accessEntry, logAnswer } from '../http/access-log.ts'
import { addressKey, TrustedProxies } from '../http/client-address.ts'
import { type ConnectionRates, connectionRateOf } from '../http/connection-rates.ts'
import { HTTP_DEADLINES } from '../http/deadlines.ts'
import { mostConnections } from '../http/descriptors.ts'
import { listen } from '../http/listen.ts'
import { serveWithoutUpgrade } from '../http/other-upgrade.ts'
import { rejectSocket } from '../http/rejection.ts'
import { splitTarget } from '../http/request-target.ts'
import { sendText } from '../http/text.ts'
import type { ServerStatus } from './messages.ts'
import type { StreamForwarding } from './stream-forwarding.ts'

export interface NodeHttpOptions {
  /** Answers requests that are for nothing else. */
  page?: (request: IncomingMessage, response: ServerResponse) => void
  /** Gets what is for an access log: requests but those of probes, rejections, and connections of the chat that ended. */
  onAccess?: ((entry: AccessEntry) => void) | undefined
  /** Proxies that are believed about the addresses of their clients. */
  trustedProxies?: readonly string[] | undefined
  /** New connections of an address; default any number, as a load balancer is before the servers. */
  rates?: ConnectionRates | undefined
  /** Bytes of a request's head; default 16,384. */
  maxHeadBytes?: number | undefined
}

/** The life of a chat server; `starting` is not reported. */
export type NodeState = 'starting' | ServerStatus['state']

/** What answers depend on beside the request. */
interface Node {
  readonly state: NodeState
  readonly number: number
  /** Whether users who are to move to another server are rejected. */
  readonly handsOn: boolean
  /** Empty until it has started. */
  metrics(): string
}

/** Why a user is rejected, and with what status. */
const REJECTIONS = {
  'not-found': '404 Not Found',
  'rate-limited': '429 Too Many Requests',
  'not-ready': '503 Service Unavailable',
  'other-server': '503 Service Unavailable',
} as const
type RejectionReason = keyof typeof REJECTIONS

/** The port of a chat server of a cluster: connections of the chat, probes, metrics and pages. */
export class NodeHttp {
  readonly #options: NodeHttpOptions
  readonly #node: Node
  readonly #server: Server
  readonly #proxies: TrustedProxies
  #rates: RateLimiter | undefined
  #chat: ChatServer | undefined
  #forwarding: StreamForwarding | undefined
  /** Users accepted so far. */
  accepted = 0
  /** Users rejected so far because a load balancer brought them here while they move to another server. */
  handedOn = 0

  constructor(options: NodeHttpOptions, node: Node) {
    this.#options = options
    this.#node = node
    this.#proxies = new TrustedProxies(options.trustedProxies)
    this.limit(options.rates)
    const { maxHeadBytes } = options
    this.#server = createServer({ ...HTTP_DEADLINES, maxHeaderSize: maxHeadBytes }, (request, response) =>
      this.#onRequest(request, response),
    )
    this.#server.maxConnections = mostConnections()
    this.#server.on('upgrade', (request, socket, head) => this.#onUpgrade(request, socket, head))
  }

  /**
   * @returns the port
   * @throws {ConcertinaError} ADDRESS_UNAVAILABLE
   */
  listen(host: string, port: number): Promise<number> {
    return listen(this.#server, host, port)
  }

  /** Gives connections to `chat` from now on, while the node is ready. */
  open(chat: ChatServer, forwarding: StreamForwarding): void {
    this.#chat = chat
    this.#forwarding = forwarding
  }

  /** Other rates apply from now on. */
  limit(rates: ConnectionRates | undefined): void {
    if (!rates) this.#rates = undefined
    else if (this.#rates) this.#rates.configure(...connectionRateOf(rates))
    else this.#rates = new RateLimiter(...connectionRateOf(rates))
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const stream = streamRequest(request, CHAT_PATH)
    if (stream) {
      this.#onStreamRequest(request, response, stream)
      return
    }
    const text = (status: number, body: string) => sendText(response, status, body)
    const { state } = this.#node
    switch (splitTarget(request.url).path) {
      case '/healthz':
        text(200, 'ok\n')
        return
      case '/readyz':
        text(state === 'ready' ? 200 : 503, `${state}\n`)
        return
      case '/metrics':
        if (this.#chat) text(200, this.#node.metrics())
        else text(503, `${state}\n`)
        return
      default:
        this.#log(request, response)
        if (this.#options.page) this.#options.page(request, response)
        else text(404, 'not found\n')
    }
  }

  #log(request: IncomingMessage, response: ServerResponse): void {
    const { onAccess } = this.#options
    if (onAccess) logAnswer(this.#proxies.addressOf(request), request, response, onAccess)
  }

  #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (serveWithoutUpgrade(this.#server, request, socket, head)) return
    const exists = splitTarget(request.url).path === CHAT_PATH
    const found = this.#chatFor(request, exists)
    if (found instanceof ChatServer) found.accept(request, socket, head, this.#proxies.addressOf(request))
    else rejectSocket(socket, REJECTIONS[found])
  }

  #onStreamRequest(request: IncomingMessage, response: ServerResponse, requested: StreamRequest): void {
    const answer = answerByResponse(response, request.headers.origin)
    const forwarding = this.#forwarding
    if (requested.kind === 'open') {
      const found = this.#chatFor(request)
      if (found instanceof ChatServer) found.acceptStream(request, answer, this.#proxies.addressOf(request))
      else answer.reject(REJECTIONS[found])
    } else if (this.#chat && forwarding) {
      this.#log(request, response)
      const { origins, maxFrameBytes: maxBytes } = this.#chat
      const deliver = forwarding.deliver.bind(forwarding)
      answerPost(request, response, requested, { origins, maxBytes, deliver }).catch(() => {
        // The client is gone.
      })
    } else {
      answer.reject('503 Service Unavailable')
    }
  }

  /** The chat for a user who arrives, or why it is not here. */
  #chatFor(request: IncomingMessage, exists = true): ChatServer | RejectionReason {
    const ip = this.#proxies.addressOf(request)
    const why = exists ? this.#rejects(request, ip) : 'not-found'
    if (this.#chat && !why) {
      this.accepted++
      return this.#chat
    }
    const reason = why ?? 'not-ready'
    this.#options.onAccess?.(
      accessEntry(ip, request, { status: Number.parseInt(REJECTIONS[reason], 10), reason }),
    )
    return reason
  }

  #rejects(request: IncomingMessage, ip: string): RejectionReason | undefined {
    if (this.#rates && this.#rates.take(addressKey(ip)) > 0) return 'rate-limited'
    if (this.#node.state !== 'ready') return 'not-ready'
    if (!this.#handsOn(request)) return undefined
    this.handedOn++
    return 'other-server'
  }

  /**
   * Whether a user who was asked to move to another server has been brought here by a load balancer, and has no place here. The
   * client tries again a few times, and then stays where it is.
   */
  #handsOn(request: IncomingMessage): boolean {
    const to = splitTarget(request.url).query.get('to')
    return to !== null && Number(to) !== this.#node.number && this.#node.handsOn
  }
}
