import type { StrategyName } from '../balancing/strategy-names.ts'
import { Buckets } from '../base/buckets.ts'
import { wallClock } from '../base/clock.ts'
import { Faults } from '../base/faults.ts'
import type { Logger } from '../base/logger.ts'
import { seededRng } from '../base/rng.ts'
import type { Signal } from '../base/signal.ts'
import { Fleet } from '../fleet/fleet.ts'
import type { ProviderFactory, ServerRef } from '../fleet/provider.ts'
import { ControlLoop, type LoadSample } from '../live/control-loop.ts'
import { liveFleetOptions, type RebalanceOptions } from '../live/fleet-options.ts'
import { captureState, resumeFrom } from '../live/fleet-state.ts'
import { traceScaling } from '../live/scaling-spans.ts'
import type { Decision, ScaledTick } from '../pipeline/items.ts'
import type { AutoScaler } from '../scaling/auto-scaler.ts'
import { createPolicy, specOf } from '../scaling/policies.ts'
import type { Tracer } from '../telemetry/tracer.ts'
import type { Broker } from './broker.ts'
import type { ClusterServers } from './cluster-servers.ts'
import { guardedProvider } from './guarded-provider.ts'
import { type ClusterState, LeaderState } from './leader-state.ts'
import type { ServerStatus } from './messages.ts'
import { UserBalancer } from './user-balancer.ts'

/** What a provider needs to know of the cluster that it is for. */
export interface ProviderContext {
  readonly servers: ClusterServers
  /** Servers that the last leader launched and that have not reported yet. */
  coming(): readonly ServerRef[]
  drainSeconds(ref: ServerRef): number
}

export interface TermOptions {
  readonly broker: Broker
  readonly servers: ClusterServers
  readonly autoScaler: AutoScaler
  provider(context: ProviderContext): ProviderFactory
  /** Whether this process leads at this very moment; nothing is done when it does not. */
  leads(): boolean
  /** Another process has written the state: this one leads no more. */
  onDeposed(): void
  readonly rebalance?: RebalanceOptions | undefined
  /** Default least-loaded. */
  readonly strategy?: StrategyName | undefined
  /** Users/s that a server accepts when others are drained; default 200. */
  readonly acceptRate?: number | undefined
  readonly weights?: number[] | undefined
  readonly seed?: number | string | undefined
  readonly tracer?: Tracer | undefined
  readonly logger: Logger
}

const STATE_MS = 2000
/** Seconds after which what the last leader launched is no longer waited for. */
const COMING_SECONDS = 60
const MIN_DRAIN_SECONDS = 1
const MAX_DRAIN_SECONDS = 60
/** Upper bounds for the time that a server takes to be ready, seconds. */
const STARTUP_BOUNDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300]

/** One controller's time as the leader: the fleet as it found it, and the control loop on it. */
export class Term {
  readonly clock = wallClock()
  readonly fleet: Fleet
  readonly servers: ClusterServers
  readonly autoScaler: AutoScaler
  readonly faults: Faults
  readonly placement: UserBalancer
  readonly startups = new Buckets(STARTUP_BOUNDS)
  decisions: Record<Decision['action'], number> = { scale_up: 0, scale_down: 0, none: 0 }
  lastDecision: Decision | undefined
  failures = 0
  readonly #options: TermOptions
  readonly #logger: Logger
  readonly #loop: ControlLoop
  readonly #state: LeaderState
  /** The policy of the config, as JSON. */
  readonly #configured: string
  #timer: NodeJS.Timeout | undefined
  #coming: readonly ServerRef[] = []
  /** Servers that were replaced because their machines end. */
  readonly #replaced = new Set<ServerRef>()
  readonly #unsubscribe: () => void
  #ended = false

  constructor(options: TermOptions) {
    this.#options = options
    const { servers, autoScaler, logger, leads, weights, seed = 42 } = options
    this.servers = servers
    this.autoScaler = autoScaler
    this.#logger = logger
    this.#configured = JSON.stringify(specOf(autoScaler.policy.current) ?? null)
    this.#state = new LeaderState(options.broker.store, logger, options.onDeposed)
    this.faults = new Faults(logger)
    const provider = options.provider({
      servers,
      coming: () => this.#coming,
      drainSeconds: (ref) => this.#drainSeconds(ref),
    })
    this.fleet = new Fleet(this.clock, guardedProvider(provider, leads), {
      weights,
      replaceFailed: true,
      onProblem: (reason) => logger.warn(`Provider: ${reason}`),
    })
    servers.follow(this.fleet)
    this.#unsubscribe = servers.statuses.subscribe((status) => this.#replaceEnding(status))
    const { fleet, clock } = this
    const parts = { fleet, servers, bus: options.broker.bus, now: () => clock.now(), leads }
    this.placement = new UserBalancer(parts, options.strategy ?? 'least-loaded', options.rebalance)
    this.fleet.onChange(({ id, ref, life, launchedAt, killedByHand }) => {
      if (ref !== undefined && 'endedAt' in life) this.#replaced.delete(ref)
      if (life.state === 'ready' && life.readyAt > launchedAt) this.startups.record(life.readyAt - launchedAt)
      if (life.state !== 'failed' || killedByHand || this.#ended) return
      this.failures++
      logger.warn(`❗ Server ${id} failed: ${life.reason}`, { server: id, failure: life.reason })
    })
    this.#loop = new ControlLoop(
      autoScaler,
      {
        fleet: this.fleet,
        clock: this.clock,
        rng: seededRng(seed),
        logger,
        onFault: this.faults.report,
        wallTime: () => Date.now() / 1000,
      },
      () => this.now(),
    )
    if (options.tracer) traceScaling(this.ticks, this.fleet, options.tracer)
    this.#loop.ticks.subscribe(({ decision }) => {
      this.decisions[decision.action]++
      this.lastDecision = decision
      if (decision.action !== 'none') void this.#keepState()
    })
  }

  /** Emits every tick with its decision. */
  get ticks(): Signal<ScaledTick> {
    return this.#loop.ticks
  }

  /** Users that were asked to move to even out the servers, or to follow their rooms. */
  get moves(): number {
    return this.placement.moves + this.servers.totals.followed
  }

  /** The load at this moment. */
  now(): LoadSample {
    const { load, totals, incomplete } = this.servers
    return {
      load,
      requestedLoad: load,
      messages: totals.messages,
      ...(incomplete !== undefined && { incomplete }),
    }
  }

  /**
   * Adopts the servers that run, continues what the last leader knew, and begins to decide.
   * @throws when the broker or the provider cannot be used.
   */
  async start(): Promise<void> {
    const state = await this.#state.read()
    const age = state ? Date.now() / 1000 - state.fleet.wallTime : Infinity
    if (state && age < COMING_SECONDS) this.#coming = state.starting
    if (state) {
      this.decisions = { ...state.decisions }
      this.autoScaler.policy.paused = state.paused
      this.#setByHand(state.policy)
    }
    await this.fleet.start()
    if (this.#ended) return
    // Before the first launch, or its server would be ready sooner than it was launched.
    this.clock.setToZero()
    if (state) {
      const { minServers, maxServers } = this.autoScaler.limits
      this.fleet.begin(Math.min(maxServers, Math.max(minServers, state.fleet.servers)))
      this.servers.expect(state.fleet.load)
    }
    this.#loop.open()
    if (state) resumeFrom(state.fleet, { autoScaler: this.autoScaler, onFault: this.faults.report })
    const adopted = this.fleet.servers.length
    this.#logger.info(`Leading: ${adopted} ${adopted === 1 ? 'server' : 'servers'} adopted or launched`, {
      adopted,
    })
    this.#loop.start()
    this.#timer = setInterval(() => void this.#keepState(), STATE_MS)
    this.placement.start()
  }

  /** Ends deciding. The servers keep running, to be adopted by the next leader. */
  async end(): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    clearInterval(this.#timer)
    this.#unsubscribe()
    this.placement.stop()
    this.#loop.stop()
    await this.fleet.close()
  }

  /** Replaces a server whose machine ends, once; while it is alone its users have nowhere to go, and it waits. */
  #replaceEnding({ ref, ending }: ServerStatus): void {
    if (ending === undefined || this.#replaced.has(ref) || !this.#options.leads()) return
    const { ready } = this.fleet
    const server = ready.find((each) => each.ref === ref)
    if (!server || ready.length < 2) return
    this.#replaced.add(ref)
    this.#logger.warn(`Server ${server.id} is replaced: ${ending}`, { server: server.id, ending })
    this.fleet.replace(server.id)
  }

  /** Writes what the next leader needs; before `end`, when there is time for it. */
  async keepLastState(): Promise<void> {
    await this.#state.written()
    await this.#keepState()
  }

  async #keepState(): Promise<void> {
    if (this.#ended || !this.#options.leads()) return
    const { autoScaler, fleet, decisions, servers } = this
    const spec = specOf(autoScaler.policy.current)
    const byHand = spec !== undefined && JSON.stringify(spec) !== this.#configured
    await this.#state.write({
      fleet: captureState(
        { autoScaler, onFault: this.faults.report },
        { time: this.clock.now(), servers: fleet.desiredCount, load: servers.load },
      ),
      starting: fleet.servers.flatMap(({ state, ref }) => (state === 'starting' && ref ? [ref] : [])),
      decisions,
      paused: autoScaler.policy.paused,
      ...(byHand && { policy: { set: spec, instead: this.#configured } }),
    })
  }

  /** The policy that was set by hand stays, until the config names another one than it had then. */
  #setByHand(policy: ClusterState['policy']): void {
    if (policy?.instead !== this.#configured) return
    try {
      this.autoScaler.setPolicy(createPolicy(policy.set))
    } catch (error) {
      this.#logger.warn(`The policy that was set by hand is not known here: ${(error as Error).message}`)
    }
  }

  /** The window in which the users of a server leave: as fast as the others can accept them. */
  #drainSeconds(ref: ServerRef): number {
    const users = this.servers.status(ref)?.report.staying ?? 0
    const receivers = this.fleet.ready.filter((server) => server.ref !== ref).length
    const seconds =
      users / Math.max(1, receivers * (this.#options.acceptRate ?? liveFleetOptions.defaultOf('acceptRate')))
    return Math.min(MAX_DRAIN_SECONDS, Math.max(MIN_DRAIN_SECONDS, seconds))
  }
}
