import type { Server as HttpServer } from 'node:http'
import type { Duplex } from 'node:stream'
import type { StrategyName } from '../balancing/strategies.ts'
import { Buckets } from '../base/buckets.ts'
import { wallClock } from '../base/clock.ts'
import { ConcertinaError } from '../base/errors.ts'
import { type Logger, silentLogger } from '../base/logger.ts'
import { seededRng } from '../base/rng.ts'
import { Hub } from '../chat/hub/hub.ts'
import { EmbeddedRoomLog } from '../chat/log/embedded/embedded.ts'
import { MemoryRoomLog } from '../chat/log/memory.ts'
import type { RoomLog } from '../chat/log/room-log.ts'
import type { ChatOptions } from '../chat/options.ts'
import { Fleet } from '../fleet/fleet.ts'
import type { ProviderFactory, ServerId } from '../fleet/provider.ts'
import { type LocalProviderOptions, localProvider } from '../fleet/providers/local.ts'
import type { Server } from '../fleet/server.ts'
import type { MetricsResult } from '../metrics/metrics-collector.ts'
import type { ScalingEventsResult } from '../metrics/scaling-events-sink.ts'
import type { ScaledTick } from '../pipeline/items.ts'
import type { AutoScaler } from '../scaling/auto-scaler.ts'
import type { Decision } from '../scaling/types.ts'
import { ControlLoop, type LoadSample } from './control-loop.ts'
import { Gateway, type GatewayOptions } from './gateway.ts'
import { LiveServers } from './live-servers.ts'
import { processModule } from './process-module.ts'
import { planMoves, type RebalanceOptions, rebalanceOptions } from './rebalance.ts'
import { UserRouter } from './user-router.ts'

export interface SupervisorOptions {
  gateway: GatewayOptions
  /** Folder of the room log; without it rooms live in memory only. */
  data?: string | undefined
  chat?: ChatOptions
  autoScaler: AutoScaler
  strategy?: StrategyName
  weights?: readonly number[] | undefined
  rebalance?: RebalanceOptions
  /** Users that a server can take a second when others are drained; 200. */
  acceptRate?: number
  /** Seconds without a word from a server after which it is taken for hung and killed; 5. */
  hangSeconds?: number
  /**
   * Makes the provider from what a server process of this fleet needs, in place of `localProvider`: to wrap it, or to start
   * the processes in another way on this machine.
   */
  provider?: ((processes: LocalProviderOptions) => ProviderFactory) | undefined
  seed?: number | string
  logger?: Logger
  /** Users that were asked for, where that is known. */
  requestedLoad?: (time: number) => number
}

/** Upper bounds for the time that a server takes to be ready, seconds. */
const STARTUP_BOUNDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]
/** Failures before the fleet stands after which it is given up. */
const MAX_FAILED_STARTS = 3
/** Seconds that moves of users have to happen before the next ones are planned. */
const MOVES_SETTLE_SECONDS = 0.5
const MIN_DRAIN_SECONDS = 0.25
const MAX_DRAIN_SECONDS = 60

/** A live fleet on this machine: gateway, room-log hub, control loop, and the server processes. */
export class Supervisor {
  readonly clock = wallClock()
  readonly fleet: Fleet
  readonly servers: LiveServers
  readonly gateway: Gateway
  readonly placement: UserRouter
  readonly log: RoomLog
  readonly loop: ControlLoop
  readonly autoScaler: AutoScaler
  readonly #hub: Hub
  readonly #options: SupervisorOptions
  readonly #logger: Logger
  readonly #rebalance: Required<RebalanceOptions>
  #nextMoves = 0
  /** Users that were asked to move to even out the servers. */
  moves = 0
  /** Servers that failed. */
  failures = 0
  /** Seconds from launching a server until it was ready. */
  readonly startups = new Buckets(STARTUP_BOUNDS)
  /** Decisions by what they did. */
  readonly decisions: Record<Decision['action'], number> = { scale_up: 0, scale_down: 0, none: 0 }
  lastDecision: Decision | undefined
  /** Called after every decision. */
  onTick: (tick: ScaledTick) => void = () => {}

  /**
   * Opens the room log and launches the first servers.
   * @param http answers what comes to the gateway and does not ask for a WebSocket
   * @throws {ConcertinaError} DATA_IN_USE, DATA_DAMAGED, FILE_ACCESS or INVALID_INPUT.
   */
  constructor(options: SupervisorOptions, http: HttpServer) {
    const { logger = silentLogger, seed = 42, strategy = 'round-robin' } = options
    this.#options = options
    this.autoScaler = options.autoScaler
    this.#logger = logger
    this.#rebalance = rebalanceOptions(options.rebalance)
    this.log = options.data === undefined ? new MemoryRoomLog() : this.#openLog(options.data)
    this.#hub = new Hub(this.log)
    const rng = seededRng(seed)
    const provider = (options.provider ?? localProvider)({
      ...processModule('server-process'),
      hangSeconds: options.hangSeconds,
      onFork: (id, child) => {
        this.#hub.attach(child.stdio[4] as Duplex, id)
        this.servers.attach(id, child)
        this.gateway.attach(id, child)
        child.send({ type: 'start', server: id, options: this.#chatOptions(id) })
      },
      drain: (id, child) => child.send({ type: 'drain', seconds: this.#drainSeconds(id) }),
      stop: (child) => child.connected && child.send({ type: 'stop' }),
    })
    this.fleet = new Fleet(this.clock, provider, { weights: options.weights, replaceFailed: true })
    this.servers = new LiveServers(this.fleet, (id, taken) => this.gateway.uncounted(id, taken))
    this.placement = new UserRouter(this.fleet, strategy, rng.stream('placement'), (server) =>
      this.servers.users(server),
    )
    this.gateway = new Gateway(options.gateway, (room, to) => this.placement.place(room, to), http)
    this.fleet.onChange((server) => {
      if (server.state === 'ready') this.#onReady(server)
      if (server.state === 'failed') this.#onFailed(server)
    })
    this.loop = new ControlLoop(
      options.autoScaler,
      { fleet: this.fleet, clock: this.clock, rng, logger },
      () => this.now(),
    )
    this.loop.onTick = (tick) => {
      this.decisions[tick.decision.action]++
      this.lastDecision = tick.decision
      this.#evenOut()
      this.onTick(tick)
    }
  }

  #openLog(folder: string): RoomLog {
    const log = new EmbeddedRoomLog(folder)
    for (const { file, from, to, tornTail } of log.damage) {
      const where = `${file}, bytes ${from} to ${to}`
      if (tornTail)
        this.#logger.info(`Room log: cut an unfinished write (${where}); nothing of it was acknowledged`)
      else
        this.#logger.error(`Room log: DAMAGED at ${where}: messages that stood there are lost`, {
          file,
          from,
          to,
        })
    }
    log.onTrouble = (why) => {
      if (why) this.#logger.error(`Room log: ${why}; messages are refused until it takes them again`, { why })
      else this.#logger.info('Room log: takes messages again')
    }
    return log
  }

  /** A server of weight 2 works on twice as many messages at once. */
  #chatOptions(id: ServerId): ChatOptions {
    const { chat = { auth: { anonymous: true } } } = this.#options
    const weight = this.fleet.servers.find((server) => server.id === id)?.weight ?? 1
    const { work } = chat
    return work
      ? { ...chat, work: { ...work, concurrency: Math.max(1, Math.round(work.concurrency * weight)) } }
      : chat
  }

  #onReady({ launchedAt, readyAt = launchedAt }: Server): void {
    this.startups.record(readyAt - launchedAt)
    this.gateway.retry()
  }

  #onFailed({ id, failure }: Server): void {
    this.failures++
    this.#logger.warn(`❗ Server ${id} failed: ${failure}`, { server: id, failure })
  }

  /** The load at this moment. */
  now(): LoadSample {
    const { load, totals } = this.servers
    const requestedLoad = this.#options.requestedLoad?.(this.clock.now()) ?? load
    return { load, requestedLoad, messages: totals.messages }
  }

  /**
   * Waits until the first servers are ready, listens, and sets the clock to zero.
   * @returns the port
   * @throws {ConcertinaError} ADDRESS_UNAVAILABLE, or SERVERS_FAIL when they die as they start.
   */
  async start(): Promise<number> {
    const port = await this.gateway.listen()
    await new Promise<void>((resolve, reject) => {
      const look = ({ failure }: { failure?: string } = {}) => {
        if (this.fleet.servers.every(({ state }) => state === 'ready')) resolve()
        else if (this.failures > MAX_FAILED_STARTS) {
          reject(
            new ConcertinaError('SERVERS_FAIL', `no server comes up: ${failure}`, {
              hint: 'see what the servers said above',
            }),
          )
        }
      }
      this.fleet.onChange(look)
      look()
    })
    this.clock.setToZero()
    return port
  }

  /** Begins to scale. */
  run(delay?: number): void {
    this.loop.start(delay)
  }

  /** Ends everything; resolves when no process is left, with what the run amounted to. */
  async stop(): Promise<MetricsResult & ScalingEventsResult> {
    const result = this.loop.stop()
    await this.close()
    return result
  }

  /** Ends everything without having run. */
  async close(): Promise<void> {
    this.gateway.close()
    await this.fleet.close()
    await this.#hub.close()
  }

  /** The window in which the users of a server leave: as fast as the others can take them. */
  #drainSeconds(id: ServerId): number {
    const users = this.servers.users({ id })
    const receivers = this.fleet.ready.filter((server) => server.id !== id).length
    const seconds = users / Math.max(1, receivers * (this.#options.acceptRate ?? 200))
    return Math.min(MAX_DRAIN_SECONDS, Math.max(MIN_DRAIN_SECONDS, seconds))
  }

  /** Moves a paced share of users from servers above their target to those below. */
  #evenOut(): void {
    const now = this.clock.now()
    if (this.placement.byRoom || now < this.#nextMoves) return
    const { deadband, pace } = this.#rebalance
    const held = this.fleet.ready.map((server) => ({ ...server, users: this.servers.users(server) }))
    const window = 1
    for (const { from, to, count } of planMoves(held, deadband, pace * window)) {
      this.servers.tell(from, { type: 'rebalance', count, to, seconds: window })
      this.moves += count
      this.#nextMoves = now + window + MOVES_SETTLE_SECONDS
    }
  }
}
