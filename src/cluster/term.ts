import { createStrategy, requireStrategyName } from '../balancing/strategies.ts'
import type { StrategyName } from '../balancing/strategy-names.ts'
import { Buckets } from '../base/buckets.ts'
import { wallClock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import { seededRng } from '../base/rng.ts'
import type { Signal } from '../base/signal.ts'
import { Fleet } from '../fleet/fleet.ts'
import type { ProviderFactory, ServerRef } from '../fleet/provider.ts'
import { ControlLoop, type LoadSample } from '../live/control-loop.ts'
import { Faults } from '../live/faults.ts'
import { captureState, type FleetState, parseState, resumeFrom } from '../live/fleet-state.ts'
import { planMoves, type RebalanceOptions, rebalanceOptions } from '../live/rebalance.ts'
import type { ScaledTick } from '../pipeline/items.ts'
import type { AutoScaler } from '../scaling/auto-scaler.ts'
import type { Decision } from '../scaling/types.ts'
import type { Broker } from './broker.ts'
import type { ClusterServers } from './cluster-servers.ts'
import { commandTopic, type ServerCommand, TARGETS_TOPIC, type Targets } from './messages.ts'

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
  /** One that goes by rooms leaves users where they are; default least-loaded. */
  readonly strategy?: StrategyName | undefined
  /** Users/s that a server accepts when others are drained; default 200. */
  readonly acceptRate?: number | undefined
  readonly weights?: number[] | undefined
  readonly seed?: number | string | undefined
  readonly logger: Logger
}

/** What the next leader needs of this one. */
interface ClusterState {
  readonly fleet: FleetState
  readonly starting: readonly ServerRef[]
  readonly decisions: Record<Decision['action'], number>
  /** Whether the autoscaler was paused by hand. */
  readonly paused: boolean
}

const STATE_KEY = 'controller'
const STATE_MS = 2000
const BALANCE_MS = 1000
/** Seconds after which what the last leader launched is not waited for any more. */
const COMING_SECONDS = 60
/** Seconds that moves of users have to happen before the next ones are planned: at least one status of each server. */
const MOVES_SETTLE_SECONDS = 1.5
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
  /** A cluster's users come by the platform's load balancer: the strategy says only whether rooms or users are balanced. */
  readonly placement: { readonly strategy: StrategyName; setStrategy(name: StrategyName): void }
  readonly keepsRooms = false
  readonly log = undefined
  readonly startups = new Buckets(STARTUP_BOUNDS)
  decisions: Record<Decision['action'], number> = { scale_up: 0, scale_down: 0, none: 0 }
  lastDecision: Decision | undefined
  /** Users that were asked to move to even out the servers. */
  moves = 0
  failures = 0
  readonly #options: TermOptions
  readonly #logger: Logger
  readonly #loop: ControlLoop
  readonly #rebalance: Required<RebalanceOptions>
  readonly #timers: NodeJS.Timeout[] = []
  #coming: readonly ServerRef[] = []
  #stateVersion = 0
  #writing = false
  #nextMoves = 0
  #ended = false

  constructor(options: TermOptions) {
    this.#options = options
    const { servers, autoScaler, logger, leads, weights, seed = 42 } = options
    this.servers = servers
    this.autoScaler = autoScaler
    this.#logger = logger
    this.#rebalance = rebalanceOptions(options.rebalance)
    this.faults = new Faults(logger)
    let strategy = requireStrategyName(options.strategy ?? 'least-loaded')
    this.placement = {
      get strategy() {
        return strategy
      },
      setStrategy: (name) => {
        strategy = requireStrategyName(name)
      },
    }
    const provider = options.provider({
      servers,
      coming: () => this.#coming,
      drainSeconds: (ref) => this.#drainSeconds(ref),
    })
    this.fleet = new Fleet(this.clock, guarded(provider, leads), {
      weights,
      replaceFailed: true,
      onProblem: (reason) => logger.warn(`Provider: ${reason}`),
    })
    servers.follow(this.fleet)
    this.fleet.onChange(({ id, life, launchedAt }) => {
      if (life.state === 'ready' && life.readyAt > launchedAt) this.startups.record(life.readyAt - launchedAt)
      if (life.state !== 'failed' || this.#ended) return
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
    const { store } = this.#options.broker
    const stored = await store.get(STATE_KEY)
    this.#stateVersion = stored?.version ?? 0
    const state = stored && this.#parse(stored.text)
    const age = state ? Date.now() / 1000 - state.fleet.wallTime : Infinity
    if (state && age < COMING_SECONDS) this.#coming = state.starting
    await this.fleet.start()
    if (this.#ended) return
    if (state) {
      this.decisions = { ...state.decisions }
      this.autoScaler.policy.paused = state.paused
      const { minServers, maxServers } = this.autoScaler.limits
      this.fleet.begin(Math.min(maxServers, Math.max(minServers, state.fleet.servers)))
      this.servers.expect(state.fleet.load)
    }
    this.#loop.open()
    this.clock.setToZero()
    if (state) resumeFrom(state.fleet, { autoScaler: this.autoScaler, onFault: this.faults.report })
    const adopted = this.fleet.servers.length
    this.#logger.info(`Leading: ${adopted} ${adopted === 1 ? 'server' : 'servers'} adopted or launched`, {
      adopted,
    })
    this.#loop.start()
    this.#timers.push(
      setInterval(() => void this.#keepState(), STATE_MS),
      setInterval(() => this.#rebalanceUsers(), BALANCE_MS),
    )
  }

  /** Ends deciding. The servers keep running, to be adopted by the next leader. */
  async end(): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    for (const timer of this.#timers) clearInterval(timer)
    this.#loop.stop()
    await this.fleet.close()
  }

  /** Writes what the next leader needs; before `end`, when there is time for it. */
  async keepLastState(): Promise<void> {
    while (this.#writing) await new Promise((resolve) => setTimeout(resolve, 10))
    await this.#keepState()
  }

  #parse(text: string): ClusterState | undefined {
    try {
      const state = JSON.parse(text) as ClusterState
      parseState(JSON.stringify(state.fleet))
      return state
    } catch {
      this.#logger.warn('The state of the last leader cannot be read; starting from what runs')
      return undefined
    }
  }

  async #keepState(): Promise<void> {
    if (this.#writing || this.#ended || !this.#options.leads()) return
    this.#writing = true
    try {
      const state: ClusterState = {
        fleet: captureState(
          { autoScaler: this.autoScaler, onFault: this.faults.report },
          { time: this.clock.now(), servers: this.fleet.desiredCount, load: this.servers.load },
        ),
        starting: this.fleet.servers.flatMap(({ state, ref }) => (state === 'starting' && ref ? [ref] : [])),
        decisions: this.decisions,
        paused: this.autoScaler.policy.paused,
      }
      const version = await this.#options.broker.store.put(
        STATE_KEY,
        JSON.stringify(state),
        this.#stateVersion,
      )
      if (version !== undefined) this.#stateVersion = version
      else await this.#readVersion(state)
    } catch {
      // The broker is away: the next write has it all.
    } finally {
      this.#writing = false
    }
  }

  /** Another state is there: the one of a write that was not answered, or another leader's. */
  async #readVersion(mine: ClusterState): Promise<void> {
    const stored = await this.#options.broker.store.get(STATE_KEY)
    const other = stored && this.#parse(stored.text)
    if (other && other.fleet.wallTime > mine.fleet.wallTime) this.#options.onDeposed()
    else this.#stateVersion = stored?.version ?? 0
  }

  /** The window in which the users of a server leave: as fast as the others can accept them. */
  #drainSeconds(ref: ServerRef): number {
    const users = this.servers.status(ref)?.report.staying ?? 0
    const receivers = this.fleet.ready.filter((server) => server.ref !== ref).length
    const seconds = users / Math.max(1, receivers * (this.#options.acceptRate ?? 200))
    return Math.min(MAX_DRAIN_SECONDS, Math.max(MIN_DRAIN_SECONDS, seconds))
  }

  /** Moves a paced share of users from servers above their target to those below, and names those above it. */
  #rebalanceUsers(): void {
    const { leads, broker } = this.#options
    const { deadband, pace } = this.#rebalance
    const byRoom = createStrategy(this.placement.strategy, seededRng(1)).byRoom ?? false
    if (byRoom || !leads() || !broker.bus.connected) return
    const now = this.clock.now()
    const ready = this.fleet.ready.filter(
      ({ ref }) => ref !== undefined && this.servers.status(ref)?.state === 'ready',
    )
    const plan = planMoves(ready, deadband, pace * (BALANCE_MS / 1000))
    const total = ready.reduce((sum, { users }) => sum + users, 0)
    const weight = ready.reduce((sum, each) => sum + each.weight, 0)
    // While users are moved, no server that has its share accepts more of those.
    const above = ready.filter(({ users, weight: own }) => users >= Math.floor((total * own) / weight))
    const targets: Targets = { above: plan.length > 0 ? above.map(({ ref }) => ref!) : [] }
    broker.bus.publish(TARGETS_TOPIC, JSON.stringify(targets))
    if (now < this.#nextMoves) return
    for (const { from, to, count } of plan) {
      const source = ready.find(({ id }) => id === from)!
      const target = this.servers.status(ready.find(({ id }) => id === to)!.ref!)!
      const command: ServerCommand = {
        type: 'rebalance',
        count,
        to: target.number,
        ...(target.direct && { url: target.url }),
        seconds: 1,
      }
      broker.bus.publish(commandTopic(source.ref!), JSON.stringify(command))
      this.moves += count
      this.#nextMoves = now + BALANCE_MS / 1000 + MOVES_SETTLE_SECONDS
    }
  }
}

/** A provider that does nothing once this process does not lead: it may have stood still and not know it yet. */
function guarded(factory: ProviderFactory, leads: () => boolean): ProviderFactory {
  return (lifecycle) => {
    const provider = factory(lifecycle)
    const whileLeading =
      <A extends unknown[]>(act: (...args: A) => void) =>
      (...args: A) => {
        if (leads()) act(...args)
      }
    return {
      name: provider.name,
      ...(provider.replacesFailed !== undefined && { replacesFailed: provider.replacesFailed }),
      ...(provider.start && { start: () => provider.start!() }),
      launch: whileLeading((count: number, options?: { initial?: boolean }) =>
        provider.launch(count, options),
      ),
      cancel: whileLeading((count: number) => provider.cancel(count)),
      drain: whileLeading((ref: ServerRef) => provider.drain(ref)),
      kill: whileLeading((ref: ServerRef) => provider.kill(ref)),
      close: () => provider.close(),
    }
  }
}
