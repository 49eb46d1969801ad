import type { Server as HttpServer } from 'node:http'
import type { Duplex } from 'node:stream'
import { Buckets } from '../base/buckets.ts'
import { wallClock } from '../base/clock.ts'
import { invalidInput } from '../base/errors.ts'
import { Faults } from '../base/faults.ts'
import { guardedLogger, type Logger, silentLogger } from '../base/logger.ts'
import { seededRng } from '../base/rng.ts'
import type { Signal } from '../base/signal.ts'
import { checkChatOptions } from '../chat/check-options.ts'
import { type ChatOptions, chatLimits } from '../chat/options.ts'
import { Fleet } from '../fleet/fleet.ts'
import type { ServerId } from '../fleet/provider.ts'
import { localProvider } from '../fleet/providers/local.ts'
import type { Server } from '../fleet/server.ts'
import type { MetricsResult } from '../metrics/metrics-collector.ts'
import type { ScalingEventsResult } from '../metrics/scaling-events-sink.ts'
import type { Decision, ScaledTick } from '../pipeline/items.ts'
import { maxFrameBytes } from '../protocol/rules.ts'
import type { AutoScaler } from '../scaling/auto-scaler.ts'
import type { ChooseServer } from './arrivals.ts'
import { ControlLoop, type LoadSample } from './control-loop.ts'
import { allReady } from './first-servers.ts'
import { liveFleetOptions } from './fleet-options.ts'
import { FleetRooms } from './fleet-rooms.ts'
import { Gateway, type GatewayOptions } from './gateway.ts'
import { KeptState } from './kept-state.ts'
import { LiveServers } from './live-servers.ts'
import { processModule } from './process-module.ts'
import { rejectionLogger } from './rejection-log.ts'
import { traceScaling } from './scaling-spans.ts'
import type { SupervisorOptions } from './supervisor-options.ts'
import { UserMoves } from './user-moves.ts'
import { UserRouter } from './user-router.ts'

/** Upper bounds for the time that a server takes to be ready, seconds. */
const STARTUP_BOUNDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
/** Milliseconds from a connection until the load is looked at. */
const LOOK_MS = 20

/** A live fleet on this machine: gateway, room-log hub, control loop, and the server processes. Nothing is opened before `start`. */
export class Supervisor {
  readonly clock = wallClock()
  readonly fleet: Fleet
  readonly servers: LiveServers
  readonly gateway: Gateway
  readonly placement: UserRouter
  readonly loop: ControlLoop
  readonly autoScaler: AutoScaler
  readonly faults: Faults
  readonly rooms: FleetRooms
  readonly #kept: KeptState | undefined
  #looking: NodeJS.Timeout | undefined
  #closing: Promise<void> | undefined
  readonly #options: SupervisorOptions
  /** What server processes are started with. */
  #chat: ChatOptions
  /** Connections of a full server. */
  #maxConnections: number
  readonly #logger: Logger
  readonly #moves: UserMoves
  /** Servers that failed. */
  failures = 0
  /** Seconds from launching a server until it was ready. */
  readonly startups = new Buckets(STARTUP_BOUNDS)
  /** Decisions by what they did. */
  readonly decisions: Record<Decision['action'], number> = { scale_up: 0, scale_down: 0, none: 0 }
  lastDecision: Decision | undefined

  /**
   * Checks the options.
   * @param http answers what comes to the gateway and does not ask for a WebSocket
   * @throws {ConcertinaError} INVALID_INPUT, naming the option.
   */
  constructor(options: SupervisorOptions, http: HttpServer) {
    const { seed = 42, strategy = 'round-robin' } = options
    const logger = guardedLogger(options.logger ?? silentLogger)
    checkChatOptions(options.chat ?? {})
    if (options.chat?.hooks && !('url' in options.chat.hooks))
      throw invalidInput(
        'hooks',
        'functions cannot be sent to server processes',
        'url and secret of a backend',
      )
    this.#options = options
    this.autoScaler = options.autoScaler
    this.#logger = logger
    this.faults = new Faults(logger)
    this.rooms = new FleetRooms(options, logger, this.faults)
    const { acceptRate, spares } = liveFleetOptions.parse(liveFleetOptions.given(options))
    const rng = seededRng(seed)
    const provider = (options.provider ?? localProvider)({
      ...processModule('server-process'),
      hangSeconds: options.hangSeconds,
      spares,
      started: options.started,
      onFork: (id, child) => {
        this.rooms.attach(child.stdio[4] as Duplex, id)
        this.servers.attach(id, child)
        this.gateway.attach(id, child)
        child.send({
          type: 'start',
          server: id,
          options: this.#chatOptions(id),
          access: options.onAccess !== undefined,
          sampling: options.tracer?.sampling,
        })
      },
      drain: (id, child) => child.send({ type: 'drain', seconds: this.#moves.drainSeconds(id) }),
      stop: (child) => child.connected && child.send({ type: 'stop' }),
    })
    this.fleet = new Fleet(this.clock, provider, {
      weights: options.weights,
      replaceFailed: true,
      onProblem: (reason) => logger.warn(`Provider: ${reason}`),
    })
    this.servers = new LiveServers(this.fleet, (id, accepted) => this.gateway.inFlight(id, accepted))
    this.servers.spans = options.tracer?.sink
    this.servers.warnings.subscribe((message) => logger.warn(message))
    const { maxBodyBytes, maxConnections } = chatLimits(options.chat?.limits)
    this.#maxConnections = maxConnections
    this.#chat = options.chat ?? { auth: { anonymous: true } }
    this.placement = new UserRouter(this.fleet, strategy, rng.stream('placement'), {
      users: (server) => this.servers.users(server),
      free: (server) => this.#maxConnections - this.servers.connections(server),
    })
    this.#moves = new UserMoves(this, options.rebalance, acceptRate)
    const { origins } = options.chat ?? {}
    const gateway = { origins, maxPostBytes: maxFrameBytes(maxBodyBytes), ...options.gateway }
    const place: ChooseServer = (room, to) => {
      if (options.decideEarly) this.#lookSoon()
      return this.placement.place(room, to)
    }
    this.gateway = new Gateway(gateway, place, http, {
      onRejected: rejectionLogger(logger),
      onAccess: options.onAccess,
    })
    this.fleet.onChange((server) => {
      if (server.state === 'ready') this.#onReady(server)
      if (server.life.state === 'failed') this.#onFailed(server, server.life.reason)
    })
    if (options.data !== undefined) this.#kept = new KeptState(options.data, this, logger)
    this.loop = new ControlLoop(
      options.autoScaler,
      {
        fleet: this.fleet,
        clock: this.clock,
        rng,
        logger,
        onFault: this.faults.report,
        usersSample: options.usersSample,
        wallTime: options.timeOfDay ? () => Date.now() / 1000 : undefined,
      },
      () => this.now(),
    )
    if (options.tracer) traceScaling(this.loop.ticks, this.fleet, options.tracer)
    this.loop.ticks.subscribe(({ decision }) => {
      this.decisions[decision.action]++
      this.lastDecision = decision
      if (decision.action !== 'none') this.#kept?.write()
      this.#moves.rebalance()
    })
  }

  /** Emits every tick with its decision. */
  get ticks(): Signal<ScaledTick> {
    return this.loop.ticks
  }

  /** Users that were asked to move to even out the servers, or to follow their rooms. */
  get moves(): number {
    return this.#moves.asked
  }

  /** Whether users can be served: some server is ready, and it is not closing. */
  get isReady(): boolean {
    return this.#closing === undefined && this.fleet.ready.length > 0
  }

  /** Whether rooms are kept on disk. */
  get keepsRooms(): boolean {
    return this.#options.data !== undefined
  }

  /** Users have come: the load is looked at once they are counted, for all who come in that time. */
  #lookSoon(): void {
    this.#looking ??= setTimeout(() => {
      this.#looking = undefined
      this.loop.decideEarly()
    }, LOOK_MS)
  }

  /** A server of weight 2 works on twice as many messages at once. */
  #chatOptions(id: ServerId): ChatOptions {
    const chat = this.#chat
    const weight = this.fleet.servers.find((server) => server.id === id)?.weight ?? 1
    const { work } = chat
    return work
      ? { ...chat, work: { ...work, concurrency: Math.max(1, Math.round(work.concurrency * weight)) } }
      : chat
  }

  #onReady({ launchedAt, readyAt = launchedAt }: Server): void {
    this.startups.record(readyAt - launchedAt)
    this.gateway.retry()
    this.#moves.rebalance()
  }

  #onFailed({ id, killedByHand }: Server, reason: string): void {
    if (killedByHand) {
      this.#logger.info(`Server ${id} was killed by hand`, { server: id })
      return
    }
    this.failures++
    this.#logger.warn(`❗ Server ${id} failed: ${reason}`, { server: id, failure: reason })
  }

  /**
   * Other origins, tokens, options of rooms, limits and proxies apply from now on, in the servers that run and in those to come.
   * Users who are connected stay who they are.
   * @throws {ConcertinaError} INVALID_INPUT; nothing has changed then
   */
  configure(chat: ChatOptions, gateway: Omit<GatewayOptions, 'maxPostBytes' | 'port'>): void {
    checkChatOptions(chat)
    const { maxBodyBytes } = chatLimits(this.#chat.limits)
    const { maxConnections } = chatLimits(chat.limits)
    this.gateway.configure({ origins: chat.origins, ...gateway })
    this.rooms.configure(chat.limits)
    this.#chat = { ...this.#chat, ...chat, limits: { ...chat.limits, maxBodyBytes } }
    this.#maxConnections = maxConnections
    for (const { id } of this.fleet.servers)
      this.servers.send(id, { type: 'configure', options: this.#chatOptions(id) })
  }

  /** The load at this moment. */
  now(): LoadSample {
    const { load, totals } = this.servers
    const requestedLoad = this.#options.requestedLoad?.(this.clock.now()) ?? load
    const { incomplete } = this.servers
    return { load, requestedLoad, messages: totals.messages, ...(incomplete !== undefined && { incomplete }) }
  }

  /**
   * Opens the room log, listens, launches the first servers (as many as the last run had), waits until they are ready, and sets
   * the clock to zero. What it opened is closed when it fails.
   * @returns the port
   * @throws {ConcertinaError} DATA_IN_USE, DATA_DAMAGED, FILE_ACCESS, ADDRESS_UNAVAILABLE, or SERVERS_FAIL when the servers die
   * as they start.
   */
  async start(): Promise<number> {
    try {
      await this.rooms.open()
      const port = await this.gateway.listen()
      this.#kept?.restore()
      this.loop.open()
      await allReady(this.fleet, () => this.failures)
      await this.rooms.openApi()
      this.clock.setToZero()
      this.#kept?.resume()
      return port
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /** Begins to scale. */
  run(delay?: number): void {
    this.loop.start(delay)
    this.#kept?.keepOn()
  }

  /** Ends everything; resolves when no process is left, with what the run amounted to. */
  async stop(): Promise<MetricsResult & ScalingEventsResult> {
    const result = this.loop.stop()
    this.#kept?.writeNow()
    await this.close()
    return result
  }

  /** Ends everything that was opened, without having run; calling it again is harmless. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#kept?.close()
    clearTimeout(this.#looking)
    this.loop.close()
    this.gateway.close()
    this.servers.close()
    await this.fleet.close()
    await this.rooms.close()
  }
}
