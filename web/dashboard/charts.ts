import { Chart, extent } from '../lib/chart.ts'
import { byId, milliseconds, short } from './format.ts'
import type { Column, History, View } from './history.ts'

/** What can be chosen, in seconds. */
const SPANS: readonly (readonly [string, number])[] = [
  ['5 min', 300],
  ['1 hour', 3600],
  ['1 day', 86_400],
]
const KEY = 'concertina-span'
/** A drawing is as good as new until time has moved on by a third of a pixel, or a second. */
const THIRDS = 3000
const LATEST_MS = 1000

const range = (view: View, column: Column, format: (value: number) => string) => {
  const found = extent(view, column)
  return found ? `${format(found.low)} to ${format(found.high)}` : 'unknown'
}

/** The charts of the dashboard, and the buttons that choose how much time they show. */
export class Charts {
  readonly #history: () => History | undefined
  readonly #charts: readonly Chart[]
  #span = Number(localStorage.getItem(KEY)) || SPANS[0]![1]
  #asked = false
  #drawn = -LATEST_MS
  #every = 0

  constructor(history: () => History | undefined) {
    this.#history = history
    this.#charts = [loadChart(), latencyChart(), trafficChart()]
    this.#offerSpans()
  }

  #offerSpans(): void {
    for (const [label, seconds] of SPANS) {
      const button = document.createElement('button')
      button.type = 'button'
      button.textContent = label
      button.setAttribute('aria-pressed', String(seconds === this.#span))
      button.onclick = () => {
        this.#span = seconds
        localStorage.setItem(KEY, String(seconds))
        for (const each of byId('spans').children) each.setAttribute('aria-pressed', String(each === button))
        this.draw(true)
      }
      byId('spans').append(button)
    }
  }

  /** Draws with the next frame, when that is worth it. @param now whether in any case */
  draw(now = false): void {
    if (now) this.#drawn = -LATEST_MS
    if (this.#asked) return
    this.#asked = true
    requestAnimationFrame((time) => {
      this.#asked = false
      const history = this.#history()
      if (!history?.last || time - this.#drawn < this.#every) return
      this.#drawn = time
      const view = history.view(this.#span)
      this.#every = Math.min(LATEST_MS, ((view.to - view.from) / THIRDS) * 1000 - 50)
      for (const chart of this.#charts) chart.draw(view)
    })
  }
}

function loadChart(): Chart {
  return new Chart(byId('load-chart'), {
    title: 'Users and capacity over time',
    height: 230,
    format: short,
    whole: true,
    lines: [
      { column: 'load', label: 'load, users', color: '--load', filled: true },
      { column: 'asked', label: 'asked for', color: '--quiet', width: 1, dash: [2, 3] },
      { column: 'capacity', label: 'capacity, users', color: '--capacity', stepped: true },
      { column: 'servers', label: 'servers', color: '--capacity', stepped: true, scale: 'right' },
      {
        column: 'expected',
        label: 'expected for then',
        color: '--expected',
        width: 1.5,
        dash: [6, 3],
        value: (at) => `${short(at('expected')!)} (${short(at('low') ?? 0)}–${short(at('high') ?? 0)})`,
      },
      { column: 'high' },
      { column: 'low' },
      ...(['shadowCapacity', 'shadowServers'] as const).map(
        (column) =>
          ({
            column,
            label: column === 'shadowCapacity' ? "shadow's capacity" : "shadow's servers",
            color: '--shadow',
            width: 1,
            dash: [3, 3],
            stepped: true,
            scale: column === 'shadowCapacity' ? 'left' : 'right',
          }) as const,
      ),
    ],
    band: { high: 'high', low: 'low', color: '--expected' },
    above: { column: 'load', limit: 'capacity', color: '--bad' },
    summary: (view) =>
      `in the time shown the load went from ${range(view, 'load', short)} users, the capacity from ` +
      `${range(view, 'capacity', short)}`,
  })
}

function latencyChart(): Chart {
  return new Chart(byId('latency-chart'), {
    title: 'Latency over time',
    height: 120,
    format: milliseconds,
    lines: [
      { column: 'p99', label: 'p99', color: '--p99', width: 1.5, gaps: 'joined' },
      { column: 'p95', label: 'p95', color: '--p95', width: 1.5, gaps: 'joined' },
      { column: 'p50', label: 'p50', color: '--p50', width: 1.5, gaps: 'joined' },
    ],
    summary: (view) =>
      `p50 from ${range(view, 'p50', milliseconds)}, p99 from ${range(view, 'p99', milliseconds)}`,
  })
}

function trafficChart(): Chart {
  return new Chart(byId('traffic-chart'), {
    title: 'Messages and deliveries a second over time',
    height: 120,
    format: short,
    whole: true,
    lines: [
      { column: 'deliveries', label: 'deliveries/s', color: '--p50', width: 1.5 },
      { column: 'messages', label: 'messages/s', color: '--load', width: 1.5 },
    ],
    summary: (view) =>
      `messages from ${range(view, 'messages', short)}, deliveries from ${range(view, 'deliveries', short)} a second`,
  })
}
