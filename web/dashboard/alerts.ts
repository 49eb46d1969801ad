import type { FleetEvent, FleetSnapshot } from '../../src/control/control-target.ts'

/** The alerts that the page can judge by itself; the same as in deploy/prometheus/alerts.yml. Times in seconds. */
export const ALERTS = {
  ConcertinaMessagesRefused: { window: 300, for: 120 },
  ConcertinaSlow: { above: 0.5, for: 300 },
  ConcertinaAtMaxServers: { for: 300 },
  ConcertinaServersFail: { window: 600, above: 2, for: 0 },
} as const

export type AlertName = keyof typeof ALERTS

export interface Alert {
  readonly name: AlertName
  /** Since when the condition holds, seconds since the run began. */
  readonly since: number
}

/** Watches the fleet as the Prometheus rules do, for who has no Prometheus at hand. */
export class Alerts {
  readonly #since = new Map<AlertName, number>()
  #rejections: { time: number; rejected: number }[] = []
  #failures: number[] = []

  /** Takes events; `first` when they are all there were. */
  add(events: readonly FleetEvent[], first: boolean): void {
    if (first) this.#failures = []
    for (const { kind, time } of events) if (kind === 'failure') this.#failures.push(time)
  }

  /** What is wrong now. */
  show(state: FleetSnapshot): Alert[] {
    const { time, rejected, latency, decision, limits } = state
    if (rejected !== undefined) this.#count(time, rejected)
    const [oldest] = this.#rejections
    this.#failures = this.#failures.filter((each) => each > time - ALERTS.ConcertinaServersFail.window)
    const holds: Record<AlertName, boolean> = {
      ConcertinaMessagesRefused: oldest !== undefined && rejected! > oldest.rejected,
      ConcertinaSlow: latency.p99Ms > ALERTS.ConcertinaSlow.above * 1000,
      ConcertinaAtMaxServers: (decision?.desired ?? 0) > limits.maxServers,
      ConcertinaServersFail: this.#failures.length > ALERTS.ConcertinaServersFail.above,
    }
    const found: Alert[] = []
    for (const name of Object.keys(ALERTS) as AlertName[]) {
      const since = this.#since.get(name)
      if (!holds[name]) this.#since.delete(name)
      // A fleet that began anew has another clock.
      else if (since === undefined || since > time) this.#since.set(name, time)
      const begun = this.#since.get(name)
      if (begun !== undefined && time - begun >= ALERTS[name].for) found.push({ name, since: begun })
    }
    return found
  }

  #count(time: number, rejected: number): void {
    const last = this.#rejections.at(-1)
    if (last && (time < last.time || rejected < last.rejected)) this.#rejections = []
    if (!last || time - last.time >= 1 || this.#rejections.length === 0)
      this.#rejections.push({ time, rejected })
    const from = time - ALERTS.ConcertinaMessagesRefused.window
    while (this.#rejections[0] && this.#rejections[0].time < from) this.#rejections.shift()
  }
}
