import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { Fleet } from '../fleet/fleet.ts'
import type { Decision } from '../pipeline/items.ts'
import type { AutoScaler } from '../scaling/auto-scaler.ts'

/** Metrics in the text format of Prometheus. */
export interface MetricsText {
  readonly contentType: string
  text(): Promise<string>
}

/** A fleet that an autoscaler scales, with what was counted of it. */
export interface ScaledFleet {
  readonly fleet: Fleet
  readonly autoScaler: AutoScaler
  readonly decisions: Readonly<Record<Decision['action'], number>>
  readonly lastDecision: Decision | undefined
  readonly failures: number
  readonly faults: { readonly counts: ReadonlyMap<string, number> }
}

/** What prom-client exports of the process by default, but names against the conventions of Prometheus. */
const MISNAMED = ['active_handles_total', 'active_requests_total', 'active_resources_total']

/** Metrics whose names begin with `concertina_`, each read when it is asked for. */
export class MetricSet {
  readonly registry = new Registry()
  readonly #registers = [this.registry]

  /** @param read returns undefined while there is no value */
  gauge(name: string, help: string, read: () => number | undefined): void {
    new Gauge({
      name: `concertina_${name}`,
      help,
      registers: this.#registers,
      collect() {
        const value = read()
        this.remove()
        if (value !== undefined) this.set(value)
      },
    })
  }

  counter(name: string, help: string, read: () => number): void {
    new Counter({
      name: `concertina_${name}_total`,
      help,
      registers: this.#registers,
      collect() {
        this.reset()
        this.inc(read())
      },
    })
  }

  /** A gauge with a value for each value of a label. */
  gauges(name: string, help: string, label: string, read: () => Iterable<readonly [string, number]>): void {
    new Gauge({
      name: `concertina_${name}`,
      help,
      labelNames: [label],
      registers: this.#registers,
      collect() {
        this.reset()
        for (const [key, value] of read()) this.set({ [label]: key }, value)
      },
    })
  }

  /** A counter with a value for each value of a label. */
  counters(name: string, help: string, label: string, read: () => Iterable<readonly [string, number]>): void {
    new Counter({
      name: `concertina_${name}_total`,
      help,
      labelNames: [label],
      registers: this.#registers,
      collect() {
        this.reset()
        for (const [key, value] of read()) this.inc({ [label]: key }, value)
      },
    })
  }

  /** Those of this process, under `concertina_NAME_`. */
  process(name: string): void {
    const prefix = `concertina_${name}_`
    collectDefaultMetrics({ register: this.registry, prefix })
    for (const each of MISNAMED) this.registry.removeSingleMetric(`${prefix}nodejs_${each}`)
  }
}

/** What every fleet has that is scaled. */
export function addScalingMetrics(metrics: MetricSet, scaled: ScaledFleet): void {
  const { fleet, autoScaler } = scaled
  const { limits } = autoScaler
  metrics.gauges('servers', 'Servers by state.', 'state', () =>
    ['starting', 'ready', 'draining'].map(
      (state) => [state, fleet.servers.filter((server) => server.state === state).length] as const,
    ),
  )
  metrics.gauge('servers_desired', 'Desired servers: starting and ready.', () => fleet.desiredCount)
  metrics.gauge(
    'policy_servers',
    'Servers the policy desired at the last decision, before the limits.',
    () => scaled.lastDecision?.desired ?? fleet.desiredCount,
  )
  metrics.gauge('servers_min', 'Fewest servers the autoscaler may want.', () => limits.minServers)
  metrics.gauge('servers_max', 'Most servers the autoscaler may want.', () => limits.maxServers)
  metrics.gauge('autoscaler_paused', 'Whether the autoscaler is paused: 1, or 0.', () =>
    autoScaler.policy.paused ? 1 : 0,
  )
  metrics.counters('scaling_decisions', 'Decisions of the autoscaler by what they did.', 'action', () =>
    Object.entries(scaled.decisions),
  )
  metrics.counter('servers_failed', 'Servers that failed.', () => scaled.failures)
  metrics.counters(
    'faults',
    'Errors thrown by policies, listeners and operators, which the fleet survived.',
    'where',
    () => scaled.faults.counts,
  )
}
