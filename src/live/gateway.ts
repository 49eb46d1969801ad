import type { ChildProcess } from 'node:child_process'
import type { Server as HttpServer } from 'node:http'
import { createServer, type Server } from 'node:net'
import { requireNumber } from '../base/errors.ts'
import { CHAT_PATH, streamRequest } from '../chat/sse/requests.ts'
import type { ServerId } from '../fleet/provider.ts'
import type { AccessEntry } from '../http/access-log.ts'
import { Deadlines } from '../http/deadlines.ts'
import { descriptorLimit } from '../http/descriptors.ts'
import { asksForWebSocket, type RequestHead } from '../http/http-head.ts'
import { listen } from '../http/listen.ts'
import { acceptRaw, peerAddress, RAW_SERVER, type RawSocket, rejectRaw } from '../http/raw-socket.ts'
import { splitTarget } from '../http/request-target.ts'
import { Arrivals, type ChooseServer } from './arrivals.ts'
import { type EntryOptions, EntryRules } from './entry-rules.ts'
import { readFirstRequest } from './first-request.ts'
import { liveFleetOptions } from './fleet-options.ts'
import { GatewayHttp } from './gateway-http.ts'
import type { Visit } from './handoffs.ts'
import type { FromServer } from './messages.ts'
import { onMessages } from './on-messages.ts'
import { REJECTIONS, type RejectionReason } from './rejection-log.ts'
import { type RejectionListeners, Rejections } from './rejections.ts'
import { StreamPosts } from './stream-posts.ts'

export interface GatewayOptions extends EntryOptions {
  /** The address to listen on; default loopback. */
  host?: string
  /** 0 takes any free one. */
  port: number
  /** Bytes of a request's head. */
  maxHeadBytes?: number | undefined
  /** Whether connections of trusted proxies begin with a PROXY header, version 1 or 2; default false. */
  proxyProtocol?: boolean | undefined
  /** Bytes of what a client of an event stream sends at once. */
  maxPostBytes: number
}

/** Seconds to send the head of the first request. */
const HEAD_SECONDS = 5

/**
 * Where every connection comes in: reads the head of the request, lets the balancer choose, hands the socket itself to that server's
 * process and lets go of it as soon as the server has confirmed. A server that dies before it did costs another choice. What
 * is not a WebSocket is answered by an HTTP server; when such a connection asks for one later, as those of a proxy that keeps its
 * connections do, it is handed over then. Event streams, for clients whose WebSockets do not come through, are handed over
 * alike; what these clients send comes by requests, which are passed on to the server that has the stream.
 */
export class Gateway {
  readonly #server: Server
  readonly #options: GatewayOptions
  readonly #maxHeadBytes: number
  readonly #rules: EntryRules
  readonly #deadlines = new Deadlines()
  readonly #rejections: Rejections
  readonly #onAccess: ((entry: AccessEntry) => void) | undefined
  readonly #arrivals: Arrivals
  readonly #posts = new StreamPosts()
  readonly #http: GatewayHttp
  /** Sockets that this process may hold: half of its descriptors, so that the other half is there for servers and files. */
  readonly #maxHeld = Math.max(32, Math.floor(descriptorLimit() / 2))
  #held = 0
  #tickets = 0

  /**
   * @param http answers what does not ask for a WebSocket
   * @param listeners `onAccess` also gets every request, and every connection of the chat that ended
   * @throws {ConcertinaError} INVALID_INPUT, naming the option.
   */
  constructor(options: GatewayOptions, place: ChooseServer, http: HttpServer, listeners: RejectionListeners) {
    const { maxPostBytes } = options
    requireNumber('port', options.port, { min: 0, max: 65_535, integer: true })
    this.#options = options
    this.#maxHeadBytes = liveFleetOptions.parse(
      liveFleetOptions.given({ maxHeadBytes: options.maxHeadBytes }),
    ).maxHeadBytes
    this.#rules = new EntryRules(options)
    this.#onAccess = listeners.onAccess
    this.#rejections = new Rejections(this.#deadlines, this.#release, listeners)
    this.#arrivals = new Arrivals(place, ({ raw, visit }, why) => this.#rejections.reject(raw, why, visit))
    this.#http = new GatewayHttp(http, {
      rules: this.#rules,
      deadlines: this.#deadlines,
      posts: this.#posts,
      maxPostBytes,
      onAccess: listeners.onAccess,
      release: this.#release,
      reject: (raw, why, visit) => this.#rejections.reject(raw, why, visit),
      enter: (raw, visit, rest) => this.#enter(raw, visit, rest),
    })
    this.#server = createServer(RAW_SERVER)
  }

  /**
   * Other origins, proxies and rates apply from now on.
   * @throws {ConcertinaError} INVALID_INPUT; nothing has changed then
   */
  configure(options: EntryOptions): void {
    this.#rules.configure(options)
  }

  /** Connections rejected, by reason. */
  get rejected(): Readonly<Record<RejectionReason, number>> {
    return this.#rejections.counts
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
    const { host = '127.0.0.1', port: requested } = this.#options
    this.#arrivals.start()
    const port = await listen(this.#server, host, requested)
    acceptRaw(this.#server, (raw) => this.#onConnection(raw))
    return port
  }

  /** A server process that may be given sockets once the balancer chooses it. */
  attach(id: ServerId, child: ChildProcess): void {
    this.#arrivals.attach(id, child)
    this.#posts.attach(id, child)
    onMessages<FromServer>(child, {
      access: ({ entries }) => {
        for (const entry of entries) this.#onAccess?.(entry)
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
    const peer = peerAddress(raw)
    // The oldest connection that has done nothing yet, or nothing recently, makes room.
    if (this.#held >= this.#maxHeld && !this.#deadlines.destroyOldest()) {
      this.#rejections.count('busy', { ip: peer })
      raw.close()
      return
    }
    this.#held++
    const trusted = this.#rules.proxies.trusts(peer)
    if (!trusted && this.#rules.isOverRate(peer)) this.#rejections.reject(raw, 'rate-limited', { ip: peer })
    else this.#readHead(raw, peer, trusted)
  }

  readonly #release = () => {
    this.#held--
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
        this.#rejections.reject(raw, first.why, { ip: peer }, first.detail)
        return
      }
      const { head, read, rest } = first
      const client = trusted ? (first.client ?? this.#rules.proxies.client(head.headers)) : undefined
      const visit = { ip: client ?? peer, head }
      // What comes beside an event stream has the budget of its connection, and may come on many.
      const counts = client !== undefined && streamRequest(head, CHAT_PATH)?.kind !== 'post'
      if (counts && this.#rules.isOverRate(client)) this.#rejections.reject(raw, 'rate-limited', visit)
      else if (asksForWebSocket(head) || asksForStream(head)) this.#enter(raw, visit, rest)
      else this.#http.serve(raw, read, first.client)
    })
  }

  /** A WebSocket or an event stream is asked for. */
  #enter(raw: RawSocket, visit: Required<Visit>, rest: Buffer): void {
    const { head: request, ip } = visit
    const { path, query } = splitTarget(request.url)
    if (path !== CHAT_PATH && !asksForStream(request)) {
      this.#rejections.reject(raw, 'not-found', visit)
      return
    }
    if (!this.#rules.origins.allows(request.headers)) {
      this.#rejections.reject(raw, 'origin', visit, request.headers.origin)
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
}

const asksForStream = (head: RequestHead) => streamRequest(head, CHAT_PATH)?.kind === 'open'
