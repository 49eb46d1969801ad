/** The alerts that a fleet can evaluate by itself; the same as in deploy/prometheus/alerts.yml. Times in seconds. */
export const ALERTS = {
  ConcertinaMessagesRejected: { window: 300, for: 120 },
  ConcertinaSlow: { above: 0.5, for: 300 },
  ConcertinaAtMaxServers: { for: 300 },
  ConcertinaServersFail: { window: 600, above: 2, for: 0 },
} as const

export type AlertName = keyof typeof ALERTS

const ALERT_NAMES = Object.keys(ALERTS) as AlertName[]

export interface Alert {
  readonly name: AlertName
  /** Since when the condition holds, seconds since the run began. */
  readonly since: number
}

/** What alerts are judged by. */
export interface AlertFigures {
  readonly time: number
  /** Messages that were rejected so far, where they are counted. */
  readonly rejected?: number | undefined
  readonly p99Ms: number
  /** Servers that the policy desires, before its limits. */
  readonly desired: number
  readonly maxServers: number
}

/** Watches a fleet as the Prometheus rules do, for those who have no Prometheus at hand. */
export class Alerts {
  readonly #since = new Map<AlertName, number>()
  #rejections: { time: number; rejected: number }[] = []
  #failures: number[] = []
  #now = Number.NEGATIVE_INFINITY

  /** Takes a server that failed by itself. */
  failed(time: number): void {
    this.#failures.push(time)
  }

  /** To be called at every decision. */
  evaluate({ time, rejected, p99Ms, desired, maxServers }: AlertFigures): void {
    this.#now = time
    if (rejected !== undefined) this.#count(time, rejected)
    const [oldest] = this.#rejections
    this.#failures = this.#failures.filter((each) => each > time - ALERTS.ConcertinaServersFail.window)
    const holds: Record<AlertName, boolean> = {
      ConcertinaMessagesRejected: oldest !== undefined && rejected! > oldest.rejected,
      ConcertinaSlow: p99Ms > ALERTS.ConcertinaSlow.above * 1000,
      ConcertinaAtMaxServers: desired > maxServers,
      ConcertinaServersFail: this.#failures.length > ALERTS.ConcertinaServersFail.above,
    }
    for (const name of ALERT_NAMES) {
      if (!holds[name]) this.#since.delete(name)
      else if (!this.#since.has(name)) this.#since.set(name, time)
    }
  }

  /** What is wrong now: what has held for long enough. */
  get active(): Alert[] {
    return ALERT_NAMES.flatMap((name) => {
      const since = this.#since.get(name)
      return since !== undefined && this.#now - since >= ALERTS[name].for ? [{ name, since }] : []
    })
  }

  #count(time: number, rejected: number): void {
    const last = this.#rejections.at(-1)
    // A counter that fell was reset.
    if (last && rejected < last.rejected) this.#rejections = []
    if (!last || time - last.time >= 1 || this.#rejections.length === 0)
      this.#rejections.push({ time, rejected })
    const from = time - ALERTS.ConcertinaMessagesRejected.window
    while (this.#rejections[0] && this.#rejections[0].time < from) this.#rejections.shift()
  }
}
