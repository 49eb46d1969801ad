import type { LoadBalancer } from '../balancing/load-balancer.ts'
import { Histogram } from '../base/histogram.ts'
import { FleetControl, type OverridablePattern } from '../control/fleet-control.ts'
import { latencySummary } from '../metrics/metrics-collector.ts'
import { MapFunction, type OperatorContext } from '../pipeline/functions.ts'
import type { ProcessedItem, ScaledTick } from '../pipeline/items.ts'
import type { AutoScaler } from '../scaling/auto-scaler.ts'

/** Ticks over which latency is reported. */
const LATENCY_TICKS = 5

/** Lets people watch and control a simulation while it runs: passes every item on, and keeps a `FleetControl` up to date. */
export class Watch extends MapFunction<ProcessedItem, ProcessedItem> {
  readonly #autoScaler: AutoScaler
  readonly #balancer: LoadBalancer
  readonly #pattern: OverridablePattern
  readonly #onControl: (control: FleetControl) => void
  #control!: FleetControl
  #last: Pick<ScaledTick, 'load' | 'requestedLoad'> = { load: 0, requestedLoad: 0 }
  #recent = new Histogram()
  #latency = latencySummary(this.#recent, 0)
  #ticks = 0
  #rate = { time: 0, messages: 0, perSecond: 0 }

  constructor(
    autoScaler: AutoScaler,
    balancer: LoadBalancer,
    pattern: OverridablePattern,
    onControl: (control: FleetControl) => void,
  ) {
    super()
    this.#autoScaler = autoScaler
    this.#balancer = balancer
    this.#pattern = pattern
    this.#onControl = onControl
  }

  override open({ fleet, clock }: OperatorContext): void {
    const balancer = this.#balancer
    this.#control = new FleetControl({
      fleet,
      autoScaler: this.#autoScaler,
      balancer,
      pattern: this.#pattern,
      now: () => clock.now(),
      load: () => this.#last,
      users: (server) =>
        balancer.routing === 'sticky' ? server.users : (server.work?.inFlight(clock.now()) ?? 0),
      deliveriesPerSecond: () => this.#rate.perSecond,
      latency: () => this.#latency,
    })
    this.#onControl(this.#control)
  }

  execute(item: ProcessedItem): ProcessedItem {
    if (item.kind === 'message' && !item.rejected) this.#recent.record(item.wait + item.service)
    if (item.kind === 'tick') this.#onTick(item)
    return item
  }

  #onTick(tick: ScaledTick): void {
    const { time, load, requestedLoad, messages } = tick
    this.#last = { load, requestedLoad }
    this.#control.onTick(tick)
    if (++this.#ticks % LATENCY_TICKS > 0) return
    this.#latency = latencySummary(this.#recent, 0)
    this.#recent = new Histogram()
    const { time: from, messages: before } = this.#rate
    this.#rate = { time, messages, perSecond: (messages - before) / Math.max(1e-9, time - from) }
  }
}
