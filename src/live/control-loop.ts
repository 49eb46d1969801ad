import type { WallClock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Rng } from '../base/rng.ts'
import { Signal } from '../base/signal.ts'
import { timerMs } from '../base/timers.ts'
import type { Fleet } from '../fleet/fleet.ts'
import { MetricsCollector, type MetricsResult, type UsersSample } from '../metrics/metrics-collector.ts'
import { type ScalingEventsResult, ScalingEventsSink } from '../metrics/scaling-events-sink.ts'
import type { ScaledTick, Tick } from '../pipeline/items.ts'
import type { AutoScaler } from '../scaling/auto-scaler.ts'

/** What a live fleet is asked at every tick. */
export interface LoadSample {
  /** Users there are, and users that were asked for. */
  readonly load: number
  readonly requestedLoad: number
  /** Messages so far. */
  readonly messages: number
  /** Why `load` is not all of it, as in `Tick`. */
  readonly incomplete?: string
}

export interface ControlLoopContext {
  readonly fleet: Fleet
  readonly clock: WallClock
  readonly rng: Rng
  readonly logger: Logger
  /** Gets what a policy, a listener or an operator threw: the loop continues. */
  onFault(where: string, error: unknown): void
  /** The time of day, seconds since 1970, where policies should follow it. */
  readonly wallTime?: (() => number) | undefined
  /** What users met, where they are virtual ones. */
  readonly usersSample?: (() => UsersSample) | undefined
}

/**
 * The autoscaler at work on a live fleet: the very operators of the pipeline, fed with a tick at every interval of real time.
 * Ticks carry the time they were due at. Those that were missed, because the machine or this process stood still, are skipped:
 * after a pause there is one decision, not many.
 */
export class ControlLoop {
  readonly #scaler: AutoScaler
  readonly #context: ControlLoopContext
  readonly #now: () => LoadSample
  readonly #collector: MetricsCollector
  readonly #events = new ScalingEventsSink()
  #timer: NodeJS.Timeout | undefined
  /** The number of the next tick. */
  #next = 0
  #began = false
  /** Whether it has decided early since the last tick. */
  #wasEarly = false
  /** Emits every tick with its decision. */
  readonly ticks: Signal<ScaledTick>

  constructor(scaler: AutoScaler, context: ControlLoopContext, now: () => LoadSample) {
    this.#scaler = scaler
    this.#context = context
    this.#now = now
    this.#collector = new MetricsCollector(context.usersSample)
    this.ticks = new Signal((error) => context.onFault('a listener of ticks', error))
  }

  /** Launches the servers that the fleet begins with. */
  open(): void {
    this.#scaler.open(this.#context)
  }

  #beginMeasuring(): void {
    this.#began = true
    this.#collector.open(this.#context)
    this.#events.open?.(this.#context)
  }

  /** Begins to decide; `delay` is how long after its due time each tick looks, seconds. */
  start(delay = 0): void {
    this.#beginMeasuring()
    const { interval } = this.#scaler
    const { clock } = this.#context
    const wait = () => {
      this.#timer = setTimeout(
        () => {
          const latest = Math.floor((clock.now() - delay) / interval + 1e-6)
          const tick = Math.max(this.#next, latest)
          this.#next = tick + 1
          this.#tick(tick * interval)
          wait()
        },
        timerMs((this.#next * interval + delay - clock.now()) * 1000),
      )
    }
    wait()
  }

  /**
   * Decides now, when the load has passed what the policy lets the servers hold and it need not wait: once in an interval, so that
   * the fleet never grows faster than that by more than one step.
   */
  decideEarly(): void {
    const { clock, onFault } = this.#context
    if (this.#timer === undefined || this.#wasEarly || !this.#scaler.isCrossedBy(this.#now().load)) return
    this.#wasEarly = true
    try {
      const tick = this.#scaler.decideEarly(this.#tickAt(clock.now()))
      this.#events.execute(tick)
      this.ticks.emit(tick)
    } catch (error) {
      onFault('the control loop', error)
    }
  }

  /** Stops deciding, whether it has begun or not. */
  close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** Stops deciding, and returns what the run amounted to. */
  stop(): MetricsResult & ScalingEventsResult {
    this.close()
    if (!this.#began) this.#beginMeasuring()
    this.#collector.close()
    return { ...this.#collector.result(), ...this.#events.result() }
  }

  #tickAt(time: number): Tick {
    const { wallTime } = this.#context
    return { kind: 'tick', time, ...this.#now(), ...(wallTime && { wallTime: wallTime() }) }
  }

  #tick(time: number): void {
    const { onFault } = this.#context
    this.#wasEarly = false
    try {
      const tick = this.#scaler.execute(this.#tickAt(time)) as ScaledTick
      this.#collector.execute(tick)
      this.#events.execute(tick)
      this.ticks.emit(tick)
    } catch (error) {
      onFault('the control loop', error)
    }
  }
}
