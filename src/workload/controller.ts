import { wallClock } from '../base/clock.ts'
import { Faults } from '../base/faults.ts'
import { type Logger, silentLogger } from '../base/logger.ts'
import { seededRng } from '../base/rng.ts'
import { timerMs } from '../base/timers.ts'
import { FleetControl } from '../control/fleet-control.ts'
import { steadyStart } from '../control/steady-start.ts'
import { Fleet } from '../fleet/fleet.ts'
import type { ProviderFactory } from '../fleet/provider.ts'
import { ControlLoop, type LoadSample } from '../live/control-loop.ts'
import type { ScaledFleet } from '../live/scaling-metrics.ts'
import { traceScaling } from '../live/scaling-spans.ts'
import type { LoadSource } from '../load-sources/load-source.ts'
import type { Decision } from '../pipeline/items.ts'
import type { AutoScaler } from '../scaling/auto-scaler.ts'
import { reasons } from '../scaling/reasons.ts'
import type { Tracer } from '../telemetry/tracer.ts'

/** After this many decisions the fleet counts as caught up with the load, however that grows. */
const CATCH_UP_DECISIONS = 10

interface WorkloadOptions {
  source: LoadSource
  provider: ProviderFactory
  autoScaler: AutoScaler
  logger?: Logger
  tracer?: Tracer | undefined
}

/**
 * Scales any workload: reads its load from a source, decides by a policy, and scales a fleet of any provider. While the load
 * is missing nothing is scaled in.
 */
export class WorkloadController implements ScaledFleet {
  readonly clock = wallClock()
  readonly fleet: Fleet
  readonly autoScaler: AutoScaler
  readonly control: FleetControl
  readonly faults: Faults
  readonly decisions: Record<Decision['action'], number> = { scale_up: 0, scale_down: 0, none: 0 }
  lastDecision: Decision | undefined
  failures = 0
  /** Times that the load was asked for, and that it was missing. */
  readonly reads = { all: 0, failed: 0 }
  providerProblems = 0
  readonly #options: WorkloadOptions
  readonly #logger: Logger
  readonly #loop: ControlLoop
  readonly #abort = new AbortController()
  /** As it was read last. */
  #load = 0
  /** Why the load is missing now. */
  #missing: string | undefined = 'it was not read yet'
  /** Decisions on a load that was known; Infinity once one of them had no more to add. */
  #decisions = 0
  #reader: Promise<void> | undefined
  #next: NodeJS.Timeout | undefined

  constructor(options: WorkloadOptions) {
    this.#options = options
    this.#logger = options.logger ?? silentLogger
    const { autoScaler } = options
    this.autoScaler = autoScaler
    this.faults = new Faults(this.#logger)
    this.fleet = new Fleet(this.clock, options.provider, {
      replaceFailed: true,
      onProblem: (reason) => {
        this.providerProblems++
        this.#logger.warn(`Provider: ${reason}`)
      },
    })
    this.fleet.onChange(({ state, killedByHand }) => {
      if (state === 'failed' && !killedByHand) this.failures++
    })
    const context = {
      fleet: this.fleet,
      clock: this.clock,
      rng: seededRng(42),
      logger: this.#logger,
      onFault: this.faults.report,
      wallTime: () => Date.now() / 1000,
    }
    this.#loop = new ControlLoop(autoScaler, context, () => this.#sample())
    this.control = new FleetControl({
      fleet: this.fleet,
      autoScaler,
      balancer: { strategy: 'round-robin', setStrategy: () => {} },
      now: () => this.clock.now(),
      startMs: steadyStart(() => this.clock.now()),
      load: () => this.#sample(),
      users: (server) => server.users,
      deliveriesPerSecond: () => 0,
      latency: () => ({ p50Ms: 0, p95Ms: 0, p99Ms: 0 }),
    })
    if (options.tracer) traceScaling(this.ticks, this.fleet, options.tracer)
    this.#loop.ticks.subscribe((tick) => {
      this.control.onTick(tick)
      this.lastDecision = tick.decision
      this.decisions[tick.decision.action]++
      if (this.#missing !== undefined) return
      const { action, to, desired } = tick.decision
      this.#decisions += action !== 'scale_up' && to >= desired ? Number.POSITIVE_INFINITY : 1
    })
  }

  /**
   * Adopts what runs and begins to decide.
   * @throws {ConcertinaError} when the provider cannot be used.
   */
  async start(): Promise<void> {
    try {
      await this.fleet.start()
    } catch (error) {
      await this.fleet.close()
      throw error
    }
    await this.#read()
    this.clock.setToZero()
    this.#loop.open()
    this.#schedule()
    this.#loop.start()
  }

  /** Emits after every decision. */
  get ticks(): ControlLoop['ticks'] {
    return this.#loop.ticks
  }

  /**
   * Servers that are desired; undefined until the fleet has caught up with the load after the start, as until then it is
   * smaller than what may run already. While the load is missing, this does not fall.
   */
  get desired(): number | undefined {
    return this.#decisions < CATCH_UP_DECISIONS ? undefined : this.fleet.desiredCount
  }

  /** The load; undefined while it is missing. */
  get load(): number | undefined {
    return this.#missing === undefined ? this.#load : undefined
  }

  /** Whether it decides on a load that was read, at least once. */
  get isReady(): boolean {
    return this.reads.all > this.reads.failed
  }

  /** Ends; what it scaled keeps its size. */
  async close(): Promise<void> {
    this.#abort.abort()
    clearTimeout(this.#next)
    this.#loop.stop()
    await this.#reader
    await this.fleet.close()
  }

  #schedule(): void {
    this.#next = setTimeout(
      () => {
        this.#reader = this.#read().then(() => {
          if (!this.#abort.signal.aborted) this.#schedule()
        })
      },
      timerMs(this.#options.autoScaler.interval * 1000),
    )
  }

  async #read(): Promise<void> {
    const reading = await this.#options.source.read(this.#abort.signal)
    if (this.#abort.signal.aborted) return
    this.reads.all++
    if (reading.load === undefined) {
      this.reads.failed++
      if (reading.reason !== this.#missing) this.#logger.warn(`Load: missing: ${reading.reason}`)
      this.#missing = reading.reason
      return
    }
    if (this.#missing !== undefined) this.#logger.info(`Load: ${reading.load}`)
    this.#missing = undefined
    this.#load = reading.load
  }

  /** The load as it was read last; marked as incomplete while it is missing, so that nothing is scaled in. */
  #sample(): LoadSample {
    // Spread evenly: nothing more is known of servers that do not report.
    const { ready } = this.fleet
    for (const server of ready) server.users = this.#load / ready.length
    const sample = { load: this.#load, requestedLoad: this.#load, messages: 0 }
    if (this.#missing === undefined) return sample
    return { ...sample, incomplete: reasons.say('loadMissing', { why: this.#missing }) }
  }
}
