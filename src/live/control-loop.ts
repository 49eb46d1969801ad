import type { WallClock } from '../base/clock.ts'
import type { Logger } from '../base/logger.ts'
import type { Rng } from '../base/rng.ts'
import type { Fleet } from '../fleet/fleet.ts'
import { MetricsCollector, type MetricsResult } from '../metrics/metrics-collector.ts'
import { type ScalingEventsResult, ScalingEventsSink } from '../metrics/scaling-events-sink.ts'
import type { ScaledTick } from '../pipeline/items.ts'
import type { AutoScaler } from '../scaling/auto-scaler.ts'

/** What a live fleet is asked at every tick. */
export interface LoadSample {
  /** Users there are, and users that were asked for. */
  readonly load: number
  readonly requestedLoad: number
  /** Messages so far. */
  readonly messages: number
}

/**
 * The autoscaler at work on a live fleet: the very operators of the pipeline, fed with a tick at every interval of real time.
 * Ticks carry the time they were due at.
 */
export class ControlLoop {
  readonly #scaler: AutoScaler
  readonly #clock: WallClock
  readonly #now: () => LoadSample
  readonly #collector = new MetricsCollector()
  readonly #events = new ScalingEventsSink()
  readonly #open: () => void
  #timer: NodeJS.Timeout | undefined
  #ticks = 0
  /** Called after every tick. */
  onTick: (tick: ScaledTick) => void = () => {}

  constructor(
    scaler: AutoScaler,
    context: { fleet: Fleet; clock: WallClock; rng: Rng; logger: Logger },
    now: () => LoadSample,
  ) {
    this.#scaler = scaler
    this.#clock = context.clock
    this.#now = now
    this.#open = () => {
      this.#collector.open(context)
      this.#events.open?.(context)
    }
    scaler.open(context)
  }

  /** Begins to decide; `delay` is how long after its due time each tick looks, seconds. */
  start(delay = 0): void {
    this.#open()
    const next = () => {
      const due = this.#ticks++ * this.#scaler.interval
      this.#timer = setTimeout(
        () => {
          this.#tick(due)
          next()
        },
        (due + delay - this.#clock.now()) * 1000,
      )
    }
    next()
  }

  /** Stops deciding, and tells what the run amounted to. */
  stop(): MetricsResult & ScalingEventsResult {
    clearTimeout(this.#timer)
    this.#collector.close()
    return { ...this.#collector.result(), ...this.#events.result() }
  }

  #tick(time: number): void {
    const tick = this.#scaler.execute({ kind: 'tick', time, ...this.#now() }) as ScaledTick
    this.#collector.execute(tick)
    this.#events.execute(tick)
    this.onTick(tick)
  }
}
