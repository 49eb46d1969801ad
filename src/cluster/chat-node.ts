import { randomInt, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { hostname } from 'node:os'
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Logger, silentLogger } from '../base/logger.ts'
import { check, within } from '../base/options.ts'
import { type WebhookOptions, webhookListOptions } from '../chat/hooks/webhook-options.ts'
import { outboxOf } from '../chat/hooks/webhooks.ts'
import { traced } from '../chat/log/traced-log.ts'
import type { ChatOptions } from '../chat/options.ts'
import { checkNamespaces } from '../chat/rooms/namespaces.ts'
import { ChatServer } from '../chat/server.ts'
import { RateLimiter } from '../chat/session/rate-limit.ts'
import { answerByResponse, answerPost, type StreamRequest, streamRequest } from '../chat/sse/requests.ts'
import { type AccessEntry, accessEntry, logAnswer } from '../http/access-log.ts'
import { addressKey, TrustedProxies } from '../http/client-address.ts'
import { type ConnectionRates, rateOf } from '../http/connection-rates.ts'
import { HTTP_DEADLINES } from '../http/deadlines.ts'
import { mostConnections } from '../http/descriptors.ts'
import { hostAndPort, listen } from '../http/listen.ts'
import { serveWithoutUpgrade } from '../http/other-upgrade.ts'
import { rejectSocket } from '../http/rejection.ts'
import { splitTarget } from '../http/request-target.ts'
import { sendText } from '../http/text.ts'
import { ReportMeter } from '../live/report-meter.ts'
import type { Tracer } from '../telemetry/tracer.ts'
import type { Broker } from './broker.ts'
import { BrokerLink } from './broker-link.ts'
import {
  commandTopic,
  type ServerCommand,
  type ServerStatus,
  STATUS_TOPIC,
  TARGETS_TOPIC,
  type Targets,
} from './messages.ts'
import { nodeMetrics } from './node-metrics.ts'
import { StreamForwarding } from './stream-forwarding.ts'

export interface ChatNodeOptions {
  /** Address to listen on; default loopback. */
  host?: string
  /** 0 takes any free one. */
  port: number
  /** The address that clients can reach this very server by, past any load balancer. */
  advertise?: string | undefined
  /** The provider's name of this process, like its pod's; default generated. */
  ref?: string | undefined
  chat?: ChatOptions
  /** Receivers of what happens in rooms: it is noted here, and delivered by the controller that leads. */
  webhooks?: readonly WebhookOptions[] | undefined
  /** Seconds over which users are moved away when the process is asked to end; default 10. */
  drainSeconds?: number | undefined
  /** Seconds between being not ready and the first move, for load balancers to notice; default 0. */
  leaveSeconds?: number | undefined
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
  /** Traces messages and requests of hooks; default nothing is traced. */
  tracer?: Tracer | undefined
  logger?: Logger
}

const STATUS_MS = 1000
/** Statuses sent without a word of the controller after which its targets mean nothing any more. */
const STALE_STATUSES = 3

/** The path of the chat; event streams are below it. */
const CHAT_PATH = '/chat'

/** Why a user is not taken, and with what status. */
const REJECTIONS = {
  'not-found': '404 Not Found',
  'rate-limited': '429 Too Many Requests',
  'not-ready': '503 Service Unavailable',
  'other-server': '503 Service Unavailable',
} as const
type Rejection = keyof typeof REJECTIONS

/** One chat server as a process of its own: WebSockets on its own port, everything shared through a broker. */
export class ChatNode {
  readonly ref: string
  readonly number = randomInt(1, 2 ** 31)
  readonly #broker: Broker
  readonly #options: ChatNodeOptions
  readonly #logger: Logger
  readonly #http: Server
  readonly #proxies: TrustedProxies
  #rates: RateLimiter | undefined
  readonly #meter = new ReportMeter()
  readonly #stops: (() => void)[] = []
  #chat: ChatServer | undefined
  #forwarding: StreamForwarding | undefined
  #state: 'starting' | ServerStatus['state'] = 'starting'
  #status: NodeJS.Timeout | undefined
  #url = ''
  #taken = 0
  #handedOn = 0
  #above = false
  #targetsAge = 0
  #ending: string | undefined
  #leaving: Promise<void> | undefined
  /** Settles when its users are gone, after a controller asked for that. */
  #emptied: Promise<void> | undefined
  #closing: Promise<void> | undefined
  /** Called when a controller asked this server to drain. */
  onDrain: (seconds: number) => void = () => {}

  constructor(broker: Broker, options: ChatNodeOptions) {
    checkNamespaces(options.chat?.namespaces)
    within('webhooks', () => check(webhookListOptions, options.webhooks ?? []))
    this.#broker = broker
    this.#options = options
    this.#logger = options.logger ?? silentLogger
    this.#proxies = new TrustedProxies(options.trustedProxies)
    this.#limit(options.rates)
    this.ref = options.ref ?? `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`
    const { maxHeadBytes } = options
    this.#http = createServer({ ...HTTP_DEADLINES, maxHeaderSize: maxHeadBytes }, (request, response) =>
      this.#onRequest(request, response),
    )
    this.#http.maxConnections = mostConnections()
    this.#http.on('upgrade', (request, socket, head) => this.#onUpgrade(request, socket, head))
  }

  /** Where it listens; from `start` on. */
  get url(): string {
    return this.#url
  }

  /**
   * Opens the room log, listens, and reports to the controllers. What it opened is closed when it fails.
   * @returns the port
   * @throws {ConcertinaError} ADDRESS_UNAVAILABLE or BROKER_UNAVAILABLE.
   */
  async start(): Promise<number> {
    const { bus } = this.#broker
    const { host = '127.0.0.1', port, advertise, chat = {} } = this.#options
    try {
      const taken = await listen(this.#http, host, port)
      this.#url = advertise ?? `ws://${hostAndPort(host, taken)}/chat`
      const roomLog = await this.#broker.openLog()
      const { webhooks = [], tracer } = this.#options
      const log = traced(webhooks.length > 0 ? outboxOf(roomLog, webhooks) : roomLog, tracer)
      this.#chat = await ChatServer.connect(
        this.number,
        async (onEvent) => new BrokerLink(log, bus, { name: this.ref, number: this.number }, onEvent),
        chat,
        tracer,
      )
      const local = this.#chat
      local.onAccess = this.#options.onAccess
      this.#forwarding = new StreamForwarding(bus, this.number, (id, post) => local.post(id, post))
      this.#stops.push(
        this.#forwarding.start(),
        bus.subscribe(commandTopic(this.ref), (text) => this.#onCommand(JSON.parse(text) as ServerCommand)),
        bus.subscribe(TARGETS_TOPIC, (text) => {
          this.#above = (JSON.parse(text) as Targets).above.includes(this.ref)
          this.#targetsAge = 0
        }),
      )
      this.#state = 'ready'
      this.#status = setInterval(() => this.#publish(), STATUS_MS)
      this.#publish()
      return taken
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /**
   * Other origins, tokens, options of rooms and limits hold from now on; users who are connected stay who they are.
   * @throws {ConcertinaError} INVALID_INPUT; nothing has changed then
   */
  configure(chat: ChatOptions, rates?: ConnectionRates): void {
    this.#chat?.configure(chat)
    this.#limit(rates)
  }

  #limit(rates: ConnectionRates | undefined): void {
    if (!rates) this.#rates = undefined
    else if (this.#rates) this.#rates.configure(...rateOf(rates))
    else this.#rates = new RateLimiter(...rateOf(rates))
  }

  /** Its machine will probably be gone soon: the controller that leads is to replace it. */
  announceEnd(reason: string): void {
    this.#ending = reason
    this.#publish()
  }

  /**
   * Takes no more users, moves those it has over `seconds`, closes who did not go at a pace, waits for every append, and ends.
   */
  drain(seconds = this.#options.drainSeconds ?? 10): Promise<void> {
    this.#leaving ??= this.#drain(seconds)
    return this.#leaving
  }

  async #drain(seconds: number): Promise<void> {
    this.#logger.info(`Draining: users move to other servers within ${seconds} s`)
    this.#state = 'draining'
    this.#publish()
    await sleep((this.#options.leaveSeconds ?? 0) * 1000)
    await this.#chat?.drain(seconds)
    await this.close()
  }

  /** Ends without moving users: they reconnect elsewhere. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    clearInterval(this.#status)
    for (const stop of this.#stops) stop()
    this.#state = 'stopped'
    this.#publish()
    await this.#chat?.close()
    this.#http.close()
    this.#http.closeAllConnections()
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    const stream = streamRequest(request, CHAT_PATH)
    if (stream) {
      this.#onStreamRequest(request, response, stream)
      return
    }
    const text = (status: number, body: string) => sendText(response, status, body)
    switch (splitTarget(request.url).path) {
      case '/healthz':
        text(200, 'ok\n')
        return
      case '/readyz':
        text(this.#state === 'ready' ? 200 : 503, `${this.#state}\n`)
        return
      case '/metrics':
        if (this.#chat) text(200, this.metrics())
        else text(503, `${this.#state}\n`)
        return
      default:
        this.#log(request, response)
        if (this.#options.page) this.#options.page(request, response)
        else text(404, 'not found\n')
    }
  }

  /** What `/metrics` answers. */
  metrics(): string {
    const stats = this.#chat?.stats
    return stats ? nodeMetrics(stats, this.#state === 'ready', this.#handedOn) : ''
  }

  #log(request: IncomingMessage, response: ServerResponse): void {
    const { onAccess } = this.#options
    if (onAccess) logAnswer(this.#proxies.addressOf(request), request, response, onAccess)
  }

  #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (serveWithoutUpgrade(this.#http, request, socket, head)) return
    const exists = splitTarget(request.url).path === CHAT_PATH
    const found = this.#chatFor(request, exists)
    if (found instanceof ChatServer) found.accept(request, socket, head, this.#proxies.addressOf(request))
    else rejectSocket(socket, REJECTIONS[found])
  }

  #onStreamRequest(request: IncomingMessage, response: ServerResponse, wanted: StreamRequest): void {
    const answer = answerByResponse(response, request.headers.origin)
    const forwarding = this.#forwarding
    if (wanted.kind === 'open') {
      const found = this.#chatFor(request)
      if (found instanceof ChatServer) found.acceptStream(request, answer, this.#proxies.addressOf(request))
      else answer.reject(REJECTIONS[found])
    } else if (this.#chat && forwarding) {
      this.#log(request, response)
      const { origins, maxFrameBytes: maxBytes } = this.#chat
      const deliver = forwarding.deliver.bind(forwarding)
      answerPost(request, response, wanted, { origins, maxBytes, deliver }).catch(() => {
        // The client is gone.
      })
    } else {
      answer.reject('503 Service Unavailable')
    }
  }

  /** The chat for a user who comes, or why there is none here. */
  #chatFor(request: IncomingMessage, exists = true): ChatServer | Rejection {
    const ip = this.#proxies.addressOf(request)
    const why = exists ? this.#rejects(request, ip) : 'not-found'
    if (this.#chat && !why) {
      this.#taken++
      return this.#chat
    }
    const reason = why ?? 'not-ready'
    this.#options.onAccess?.(
      accessEntry(ip, request, { status: Number.parseInt(REJECTIONS[reason], 10), reason }),
    )
    return reason
  }

  #rejects(request: IncomingMessage, ip: string): Rejection | undefined {
    if (this.#rates && this.#rates.take(addressKey(ip)) > 0) return 'rate-limited'
    if (this.#state !== 'ready') return 'not-ready'
    if (!this.#handsOn(request)) return undefined
    this.#handedOn++
    return 'other-server'
  }

  /**
   * Whether a user who was asked to move to another server has been brought here by a load balancer, though this server has
   * too many users already. The client tries again, and after a few attempts without naming a server.
   */
  #handsOn(request: IncomingMessage): boolean {
    const to = splitTarget(request.url).query.get('to')
    return to !== null && Number(to) !== this.number && this.#above
  }

  #publish(): void {
    if (!this.#chat || this.#state === 'starting') return
    if (++this.#targetsAge > STALE_STATUSES) this.#above = false
    const status: ServerStatus = {
      ref: this.ref,
      number: this.number,
      state: this.#state,
      host: hostname(),
      pid: process.pid,
      url: this.#url,
      direct: this.#options.advertise !== undefined,
      handedOn: this.#handedOn,
      ending: this.#ending,
      report: this.#meter.report(this.#chat, this.#taken),
    }
    this.#broker.bus.publish(STATUS_TOPIC, JSON.stringify(status))
  }

  #onCommand(command: ServerCommand): void {
    switch (command.type) {
      case 'drain':
        this.onDrain(command.seconds)
        break
      case 'empty':
        if (this.#state === 'ready') this.#emptied = this.#empty(command.seconds)
        break
      case 'serve':
        void this.#emptied?.then(() => this.#serve())
        break
      case 'rebalance':
        if (this.#state !== 'ready') break
        this.#chat?.rebalance(command.count, { to: command.to, url: command.url }, command.seconds)
    }
  }

  /** Moves its users away and accepts no others; keeps running. */
  async #empty(seconds: number): Promise<void> {
    this.#logger.info(`Emptying: users move to other servers within ${seconds} s`)
    this.#state = 'draining'
    this.#publish()
    await sleep((this.#options.leaveSeconds ?? 0) * 1000)
    await this.#chat?.drain(seconds)
    this.#publish()
  }

  /** Accepts users again, unless it ends. */
  #serve(): void {
    this.#emptied = undefined
    if (this.#state !== 'draining' || this.#leaving !== undefined) return
    this.#logger.info('Serving again')
    this.#state = 'ready'
    this.#publish()
  }
}
