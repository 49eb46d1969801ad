import { randomInt, randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { roomPlacement } from '../balancing/room-placement.ts'
import { type Logger, silentLogger } from '../base/logger.ts'
import { check, type OptionsOf, option, optionSet, within } from '../base/options.ts'
import { Signal } from '../base/signal.ts'
import { checkChatOptions } from '../chat/check-options.ts'
import { type WebhookOptions, webhookListOptions } from '../chat/hooks/webhook-options.ts'
import { outboxOf } from '../chat/hooks/webhooks.ts'
import { traced } from '../chat/log/traced-log.ts'
import type { ChatOptions } from '../chat/options.ts'
import { ChatServer } from '../chat/server.ts'
import type { ConnectionRates } from '../http/connection-rates.ts'
import { hostAndPort } from '../http/listen.ts'
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
import { NodeHttp, type NodeHttpOptions, type NodeState } from './node-http.ts'
import { nodeMetrics } from './node-metrics.ts'
import { StreamForwarding } from './stream-forwarding.ts'

const leavingSeconds = z.number().min(0).max(3600)

/** How a server ends that is asked to. */
export const leavingOptions = optionSet({
  drainSeconds: option(leavingSeconds, 'seconds over which users are moved away at the end', 10),
  leaveSeconds: option(leavingSeconds, 'seconds for load balancers to notice before users are moved', 0),
})

export interface ChatNodeOptions extends NodeHttpOptions, OptionsOf<typeof leavingOptions.shape> {
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
  /** Traces messages and requests of hooks; default nothing is traced. */
  tracer?: Tracer | undefined
  logger?: Logger
}

const STATUS_MS = 1000
/** Statuses sent without a word of the controller after which its targets have no meaning. */
const STALE_STATUSES = 3

/** One chat server as a process of its own: WebSockets on its own port, everything shared through a broker. */
export class ChatNode {
  readonly ref: string
  readonly number = randomInt(1, 2 ** 31)
  readonly #broker: Broker
  readonly #options: ChatNodeOptions
  readonly #leaving: ReturnType<typeof leavingOptions.parse>
  readonly #logger: Logger
  readonly #http: NodeHttp
  readonly #meter = new ReportMeter()
  readonly #stops: (() => void)[] = []
  #chat: ChatServer | undefined
  #state: NodeState = 'starting'
  #status: NodeJS.Timeout | undefined
  #url = ''
  #handsOn = false
  #targetsAge = 0
  #ending: string | undefined
  #drained: Promise<void> | undefined
  /** Settles when its users are gone, after a controller asked for that. */
  #emptied: Promise<void> | undefined
  #closing: Promise<void> | undefined
  /** Seconds within which a controller asked this server to drain. */
  readonly drainRequests = new Signal<number>()

  constructor(broker: Broker, options: ChatNodeOptions) {
    checkChatOptions(options.chat ?? {})
    within('webhooks', () => check(webhookListOptions, options.webhooks ?? []))
    this.#broker = broker
    this.#options = options
    this.#leaving = leavingOptions.parse(leavingOptions.given(options))
    this.#logger = options.logger ?? silentLogger
    this.ref = options.ref ?? `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`
    this.#http = new NodeHttp(options, this)
  }

  /** Where it listens; from `start` on. */
  get url(): string {
    return this.#url
  }

  get state(): NodeState {
    return this.#state
  }

  /** Whether it rejects users who were asked to move to another server: so says the controller that leads. */
  get handsOn(): boolean {
    return this.#handsOn
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
      const bound = await this.#http.listen(host, port)
      this.#url = advertise ?? `ws://${hostAndPort(host, bound)}/chat`
      const roomLog = await this.#broker.openLog()
      const { webhooks = [], tracer } = this.#options
      const log = traced(webhooks.length > 0 ? outboxOf(roomLog, webhooks) : roomLog, tracer)
      const chatServer = await ChatServer.connect(
        this.number,
        async (onEvent) => new BrokerLink(log, bus, { name: this.ref, number: this.number }, onEvent),
        chat,
        tracer,
      )
      this.#chat = chatServer
      chatServer.onAccess = this.#options.onAccess
      chatServer.warnings.subscribe((message) => this.#logger.warn(message))
      const forwarding = new StreamForwarding(bus, this.number, (id, post) => chatServer.post(id, post))
      this.#http.open(chatServer, forwarding)
      this.#stops.push(
        forwarding.start(),
        bus.subscribe(commandTopic(this.ref), (text) => this.#onCommand(JSON.parse(text) as ServerCommand)),
        bus.subscribe(TARGETS_TOPIC, (text) => this.#onTargets(JSON.parse(text) as Targets)),
      )
      this.#state = 'ready'
      this.#status = setInterval(() => this.#publish(), STATUS_MS)
      this.#publish()
      return bound
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /**
   * Other origins, tokens, options of rooms and limits apply from now on; users who are connected stay who they are.
   * @throws {ConcertinaError} INVALID_INPUT; nothing has changed then
   */
  configure(chat: ChatOptions, rates?: ConnectionRates): void {
    this.#chat?.configure(chat)
    this.#http.limit(rates)
  }

  /** Its machine will probably be gone soon: the controller that leads is to replace it. */
  announceEnd(reason: string): void {
    this.#ending = reason
    this.#publish()
  }

  /**
   * Takes no more users, moves those it has over `seconds`, closes who did not go at a pace, waits for every append, and ends.
   */
  drain(seconds = this.#leaving.drainSeconds): Promise<void> {
    this.#drained ??= this.#drain(seconds)
    return this.#drained
  }

  async #drain(seconds: number): Promise<void> {
    this.#logger.info(`Draining: users move to other servers within ${seconds} s`)
    this.#state = 'draining'
    this.#publish()
    await sleep(this.#leaving.leaveSeconds * 1000)
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
  }

  /** What `/metrics` answers. */
  metrics(): string {
    const stats = this.#chat?.stats
    return stats ? nodeMetrics(stats, this.#state === 'ready', this.#http.handedOn) : ''
  }

  #publish(): void {
    if (!this.#chat || this.#state === 'starting') return
    if (++this.#targetsAge > STALE_STATUSES) this.#handsOn = false
    const status: ServerStatus = {
      ref: this.ref,
      number: this.number,
      state: this.#state,
      host: hostname(),
      pid: process.pid,
      url: this.#url,
      direct: this.#options.advertise !== undefined,
      handedOn: this.#http.handedOn,
      free: this.#chat.free,
      ending: this.#ending,
      report: this.#meter.report(this.#chat, this.#http.accepted),
    }
    this.#broker.bus.publish(STATUS_TOPIC, JSON.stringify(status))
  }

  #onCommand(command: ServerCommand): void {
    switch (command.type) {
      case 'drain':
        this.drainRequests.emit(command.seconds)
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

  #onTargets({ above, follow }: Targets): void {
    this.#handsOn = above.includes(this.ref)
    this.#targetsAge = 0
    if (this.#state !== 'ready' || !follow?.servers.some(({ id }) => id === this.number)) return
    this.#chat?.followRooms(roomPlacement(follow.strategy, follow.servers), follow.count, follow.seconds)
  }

  /** Moves its users away and accepts no others; keeps running. */
  async #empty(seconds: number): Promise<void> {
    this.#logger.info(`Emptying: users move to other servers within ${seconds} s`)
    this.#state = 'draining'
    this.#publish()
    await sleep(this.#leaving.leaveSeconds * 1000)
    await this.#chat?.drain(seconds)
    this.#publish()
  }

  /** Accepts users again, unless it ends. */
  #serve(): void {
    this.#emptied = undefined
    if (this.#state !== 'draining' || this.#drained !== undefined) return
    this.#logger.info('Serving again')
    this.#state = 'ready'
    this.#publish()
  }
}
