import type { ChildProcess } from 'node:child_process'
import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { requireNumber } from '../base/errors.ts'
import { RateLimiter } from '../base/rate-limit.ts'
import { answerPost, type StreamRequest, streamRequest } from '../chat/sse/requests.ts'
import type { ServerId } from '../fleet/provider.ts'
import { type AccessEntry, accessEntry, logAnswer } from '../http/access-log.ts'
import { addressKey, TrustedProxies } from '../http/client-address.ts'
import { type ConnectionRates, rateOf } from '../http/connection-rates.ts'
import { Deadlines } from '../http/deadlines.ts'
import { descriptorLimit } from '../http/descriptors.ts'
import { asksForWebSocket, headOf, MAX_HEAD_BYTES, type RequestHead } from '../http/http-head.ts'
import { interceptRequests } from '../http/intercept.ts'
import { listen } from '../http/listen.ts'
import { Origins } from '../http/origin.ts'
import { serveWithoutUpgrade } from '../http/other-upgrade.ts'
import {
  acceptRaw,
  HAS_HANDLES,
  peerAddress,
  RAW_SERVER,
  type RawSocket,
  rejectRaw,
  streamOf,
  takeRaw,
  takeRawOfRequest,
} from '../http/raw-socket.ts'
import { splitTarget } from '../http/request-target.ts'
import { Arrivals, type Place } from './arrivals.ts'
import { readFirstRequest } from './first-request.ts'
import type { Visit } from './handoffs.ts'
import type { FromServer } from './messages.ts'
import { onMessages } from './on-messages.ts'
import { REJECTIONS, type Rejection } from './rejection-log.ts'
import { StreamPosts } from './stream-posts.ts'

export interface GatewayOptions extends ConnectionRates {
  /** The address to listen on; default loopback. */
  host?: string
  /** 0 takes any free one. */
  port: number
  /** Bytes of a request's head; default 16,384. */
  maxHeadBytes?: number | undefined
  /** Proxies whose `X-Forwarded-For` or `Forwarded` is believed; none by default. */
  trustedProxies?: readonly string[] | undefined
  /** Whether connections of trusted proxies begin with a PROXY header, version 1 or 2; default false. */
  proxyProtocol?: boolean | undefined
  /** Origins whose pages may connect; the fleet's own pages on this machine may anyway. */
  origins?: readonly string[] | undefined
  /** Bytes of what a client of an event stream sends at once. */
  maxPostBytes: number
}

/** The path of the chat; no other is upgraded, and event streams are below it. */
const CHAT_PATH = '/chat'
/** Seconds to send the head of the first request. */
const HEAD_SECONDS = 5
/** Seconds from one answer to the end of the next request on a kept-alive connection, and for an answer to be taken. */
const REQUEST_SECONDS = 10
const ANSWER_SECONDS = 60
/** Seconds to take a rejection. */
const REJECTED_SECONDS = 2

/**
 * Where every connection comes in: reads the head of the request, lets the balancer choose, hands the socket itself to that server's
 * process and lets go of it as soon as the server has confirmed. A server that dies before it did costs another choice. What
 * is no WebSocket is answered by an HTTP server; when such a connection asks for one later, as those of a proxy that keeps its
 * connections do, it is handed over then. Event streams, for clients whose WebSockets do not come through, are handed over
 * alike; what these clients send comes by requests, which are passed on to the server that has the stream.
 */
export class Gateway {
  readonly #server: Server
  readonly #http: HttpServer
  readonly #options: GatewayOptions
  readonly #rates: RateLimiter
  #proxies: TrustedProxies
  #origins: Origins
  readonly #maxHeadBytes: number
  readonly #deadlines = new Deadlines()
  readonly #arrivals: Arrivals
  readonly #posts = new StreamPosts()
  /** Sockets that this process may hold: half of its descriptors, so that the other half is there for servers and files. */
  readonly #maxHeld = Math.max(32, Math.floor(descriptorLimit() / 2))
  #held = 0
  #tickets = 0
  /** Who a kept-alive HTTP connection belongs to, where a PROXY header said so. */
  readonly #clients = new WeakMap<Duplex, string | undefined>()
  readonly rejected: Record<Rejection, number>
  /** Called for each rejection, with what it was about where that helps. */
  onRejected: (why: Rejection, detail?: string) => void = () => {}
  /** Called with what is for the access log: every request, every rejection, every connection of the chat that ended. */
  onAccess: ((entry: AccessEntry) => void) | undefined

  /**
   * @param http answers what does not ask for a WebSocket
   * @throws {ConcertinaError} INVALID_INPUT, naming the option.
   */
  constructor(options: GatewayOptions, place: Place, http: HttpServer) {
    const { maxHeadBytes = MAX_HEAD_BYTES } = options
    requireNumber('port', options.port, { min: 0, max: 65_535, integer: true })
    this.#options = options
    this.#http = http
    this.#rates = new RateLimiter(...rateOf(options))
    this.#proxies = new TrustedProxies(options.trustedProxies)
    this.#origins = new Origins(options.origins)
    this.#maxHeadBytes = requireNumber('maxHeadBytes', maxHeadBytes, { min: 1024, integer: true })
    this.#arrivals = new Arrivals(place, ({ raw, visit }, why) => this.#reject(raw, why, visit))
    this.rejected = Object.fromEntries(Object.keys(REJECTIONS).map((why) => [why, 0])) as typeof this.rejected
    this.#server = createServer(RAW_SERVER)
    // A connection that the HTTP server has read from cannot be handed over then: the next request comes on another one.
    if (!HAS_HANDLES) http.maxRequestsPerSocket = 1
    interceptRequests(this.#http, (request, response) => this.#onRequest(request, response))
    this.#http.on('upgrade', (request, socket, rest) => this.#onLateUpgrade(request, socket as Socket, rest))
  }

  /**
   * Other origins, proxies and rates hold from now on.
   * @throws {ConcertinaError} INVALID_INPUT; nothing has changed then
   */
  configure(options: ConnectionRates & Pick<GatewayOptions, 'origins' | 'trustedProxies'>): void {
    const origins = new Origins(options.origins)
    this.#proxies = new TrustedProxies(options.trustedProxies)
    this.#origins = origins
    this.#rates.configure(...rateOf(options))
  }

  /** Sockets handed over and confirmed. */
  get handedOver(): number {
    return this.#arrivals.handedOver
  }

  /** Choices of a server made again. */
  get retried(): number {
    return this.#arrivals.retried
  }

  /**
   * Begins to listen.
   * @returns the port
   * @throws {ConcertinaError} ADDRESS_UNAVAILABLE.
   */
  async listen(): Promise<number> {
    const { host = '127.0.0.1', port: wanted } = this.#options
    this.#arrivals.start()
    const port = await listen(this.#server, host, wanted)
    acceptRaw(this.#server, (raw) => this.#onConnection(raw))
    return port
  }

  /** A server process that may be given sockets once the balancer chooses it. */
  attach(id: ServerId, child: ChildProcess): void {
    this.#arrivals.attach(id, child)
    this.#posts.attach(id, child)
    onMessages<FromServer>(child, {
      access: ({ entries }) => {
        for (const entry of entries) this.onAccess?.(entry)
      },
    })
  }

  /** Sockets handed to a server that it had not counted yet when it reported to have accepted `reported`. */
  inFlight(id: ServerId, reported: number): number {
    return this.#arrivals.inFlight(id, reported)
  }

  /** To be called when servers became ready: connections that wait are placed. */
  retry(): void {
    this.#arrivals.retry()
  }

  close(): void {
    this.#server.close()
    for (const { raw, released } of this.#arrivals.close()) rejectRaw(raw, REJECTIONS['no-server'], released)
    this.#deadlines.close()
  }

  #onConnection(raw: RawSocket): void {
    // The oldest connection that has done nothing yet, or nothing recently, makes room.
    if (this.#held >= this.#maxHeld && !this.#deadlines.destroyOldest()) {
      this.#count('busy', { ip: peerAddress(raw) })
      raw.close()
      return
    }
    this.#held++
    const peer = peerAddress(raw)
    const trusted = this.#proxies.trusts(peer)
    if (!trusted && this.#limited(peer)) this.#reject(raw, 'rate-limited', { ip: peer })
    else this.#readHead(raw, peer, trusted)
  }

  readonly #release = () => {
    this.#held--
  }

  #limited(address: string): boolean {
    return this.#rates.take(addressKey(address)) > 0
  }

  #readHead(raw: RawSocket, peer: string, trusted: boolean): void {
    const proxied = trusted && this.#options.proxyProtocol === true
    const reading = { destroy: () => raw.close(this.#release) }
    this.#deadlines.set(reading, HEAD_SECONDS)
    readFirstRequest(raw, { proxied, maxHeadBytes: this.#maxHeadBytes }, (first) => {
      this.#deadlines.clear(reading)
      if (first.kind === 'ended') {
        raw.close(this.#release)
        return
      }
      if (first.kind === 'rejected') {
        this.#reject(raw, first.why, { ip: peer }, first.detail)
        return
      }
      const { head, read, rest } = first
      const client = trusted ? (first.client ?? this.#proxies.client(head.headers)) : undefined
      const visit = { ip: client ?? peer, head }
      // What comes beside an event stream has the budget of its connection, and may come on many.
      const counts = client !== undefined && streamRequest(head, CHAT_PATH)?.kind !== 'post'
      if (counts && this.#limited(client)) this.#reject(raw, 'rate-limited', visit)
      else if (asksForWebSocket(head) || wantsStream(head)) this.#enter(raw, visit, rest)
      else this.#serveHttp(raw, read, first.client)
    })
  }

  #serveHttp(raw: RawSocket, read: Buffer, client: string | undefined): void {
    const socket = streamOf(raw)
    socket.once('close', this.#release)
    socket.pause()
    this.#clients.set(socket, client)
    this.#deadlines.set(socket, REQUEST_SECONDS)
    this.#http.emit('connection', socket)
    socket.unshift(read)
    socket.resume()
  }

  /** Returns whether it answers the request itself. */
  #onRequest(request: IncomingMessage, response: ServerResponse): boolean {
    const { socket } = request
    if (this.#clients.has(socket)) {
      this.#deadlines.set(socket, ANSWER_SECONDS)
      response.once('finish', () => this.#deadlines.set(socket, REQUEST_SECONDS))
    }
    if (this.onAccess) logAnswer(this.#visitOf(request).ip, request, response, this.onAccess)
    const wanted = streamRequest(request, CHAT_PATH)
    if (wanted?.kind === 'open') setImmediate(() => this.#onLateStream(request))
    else if (wanted) this.#onPost(request, response, wanted)
    return wanted !== undefined
  }

  #onPost(request: IncomingMessage, response: ServerResponse, post: StreamRequest & { kind: 'post' }): void {
    const { maxPostBytes: maxBytes } = this.#options
    const deliver = this.#posts.deliver.bind(this.#posts)
    answerPost(request, response, post, { origins: this.#origins, maxBytes, deliver }).catch(() => {
      // The client is gone.
    })
  }

  /** A kept-alive connection asks for an event stream. */
  #onLateStream(request: IncomingMessage): void {
    const { socket } = request
    const visit = this.#visitOf(request)
    const raw = takeRawOfRequest(request)
    if (!raw) return
    socket.off('close', this.#release)
    if (this.#limited(visit.ip)) this.#reject(raw, 'rate-limited', visit)
    else if (!HAS_HANDLES) this.#reject(raw, 'no-server', visit)
    else this.#enter(raw, visit, Buffer.alloc(0))
  }

  /** A kept-alive connection asks for a WebSocket. */
  #onLateUpgrade(request: IncomingMessage, socket: Socket, rest: Buffer): void {
    if (serveWithoutUpgrade(this.#http, request, socket, rest)) return
    this.#deadlines.clear(socket)
    const visit = this.#visitOf(request)
    const raw = takeRaw(socket)
    if (!raw) return
    if (!asksForWebSocket(visit.head)) this.#reject(raw, 'no-websocket', visit)
    else if (this.#limited(visit.ip)) this.#reject(raw, 'rate-limited', visit)
    else if (!HAS_HANDLES) this.#reject(raw, 'no-server', visit)
    else this.#enter(raw, visit, rest)
  }

  /** A request of a kept-alive connection. */
  #visitOf(request: IncomingMessage): Required<Visit> {
    return {
      ip: this.#clients.get(request.socket) ?? this.#proxies.addressOf(request),
      head: headOf(request),
    }
  }

  /** A WebSocket or an event stream is asked for. */
  #enter(raw: RawSocket, visit: Required<Visit>, rest: Buffer): void {
    const { head: request, ip } = visit
    const { path, query } = splitTarget(request.url)
    if (path !== CHAT_PATH && !wantsStream(request)) {
      this.#reject(raw, 'not-found', visit)
      return
    }
    if (!this.#origins.allows(request.headers)) {
      this.#reject(raw, 'origin', visit, request.headers.origin)
      return
    }
    const to = Number(query.get('to') ?? Number.NaN)
    const ticket = ++this.#tickets
    this.#arrivals.add({
      ticket,
      raw,
      message: { type: 'socket', ticket, request, rest: rest.toString('base64'), ip },
      visit,
      room: query.get('room') ?? undefined,
      to: Number.isSafeInteger(to) ? to : undefined,
      attempts: 0,
      waited: 0,
      released: this.#release,
    })
  }

  #reject(raw: RawSocket, why: Rejection, visit: Visit, detail?: string): void {
    this.#count(why, visit, detail)
    this.#deadlines.set(rejectRaw(raw, REJECTIONS[why], this.#release), REJECTED_SECONDS)
  }

  #count(why: Rejection, { ip, head }: Visit, detail?: string): void {
    this.rejected[why]++
    this.onRejected(why, detail)
    this.onAccess?.(accessEntry(ip, head, { status: Number.parseInt(REJECTIONS[why], 10), reason: why }))
  }
}

const wantsStream = (head: RequestHead) => streamRequest(head, CHAT_PATH)?.kind === 'open'
