import type { FleetEvent } from '../../src/control/control-target.ts'
import { byId } from '../lib/dom.ts'
import { milliseconds, short } from '../lib/format.ts'
import { Chart, type Mark } from './chart.ts'
import type { Column, History, View } from './history.ts'
import { texts } from './texts.ts'

/** What can be chosen, in seconds. */
const SPANS: readonly (readonly [string, number])[] = [
  [texts.minutes5, 300],
  [texts.hour1, 3600],
  [texts.day1, 86_400],
]
const KEY = 'concertina-span'
/** A drawing is as good as new until time has moved on by a third of a pixel, or a second. */
const THIRDS = 3000
const LATEST_MS = 1000

/** The highest and the lowest of a column; `undefined` when it is empty. */
function extent(view: View, column: Column): { low: number; high: number } | undefined {
  let [low, high] = [Infinity, -Infinity]
  for (const value of view.columns[column]) {
    if (value === null) continue
    low = Math.min(low, value)
    high = Math.max(high, value)
  }
  return low <= high ? { low, high } : undefined
}

const range = (view: View, column: Column, format: (value: number) => string) => {
  const found = extent(view, column)
  return found ? texts.range(format(found.low), format(found.high)) : texts.unknown
}

/** The charts of the dashboard, and the buttons that choose how much time they show. */
export class Charts {
  readonly #history: () => History | undefined
  readonly #charts: readonly Chart[]
  #span = Number(localStorage.getItem(KEY)) || SPANS[0]![1]
  #asked = false
  #drawn = -LATEST_MS
  #every = 0
  #chosen: number | undefined

  /** @param events what happened, to be marked */
  constructor(history: () => History | undefined, events: () => readonly FleetEvent[]) {
    this.#history = history
    const marks = () => events().map(markOf)
    const chosen = () => this.#chosen
    this.#charts = [loadChart({ marks, chosen }), latencyChart({ chosen }), trafficChart({ chosen })]
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

  /** Marks a moment; `undefined` for none. */
  choose(time: number | undefined): void {
    this.#chosen = time
    this.draw(true)
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

interface Marked {
  marks?(): readonly Mark[]
  chosen(): number | undefined
}

function markOf({ kind, time, text, decision }: FleetEvent): Mark {
  const up = decision?.action === 'scale_up'
  const color = kind === 'failure' ? '--bad' : kind === 'hand' ? '--expected' : up ? '--load' : '--capacity'
  return { time, text, color }
}

function loadChart(marked: Marked): Chart {
  return new Chart(byId('load-chart'), {
    ...marked,
    title: texts.chartLoad,
    height: 230,
    format: short,
    whole: true,
    lines: [
      { column: 'load', label: texts.cLoad, color: '--load', filled: true },
      { column: 'asked', label: texts.cAsked, color: '--quiet', width: 1, dash: [2, 3] },
      { column: 'capacity', label: texts.cCapacity, color: '--capacity', stepped: true },
      { column: 'servers', label: texts.cServers, color: '--capacity', stepped: true, scale: 'right' },
      {
        column: 'expected',
        label: texts.cExpected,
        color: '--expected',
        width: 1.5,
        dash: [6, 3],
        value: (at) => `${short(at('expected')!)} (${short(at('low') ?? 0)}–${short(at('high') ?? 0)})`,
      },
      { column: 'whatIf', label: texts.cWhatIf, color: '--warm', width: 1.5, dash: [5, 3], stepped: true },
      { column: 'high' },
      { column: 'low' },
      ...(['shadowCapacity', 'shadowServers'] as const).map(
        (column) =>
          ({
            column,
            label: column === 'shadowCapacity' ? texts.cShadowCapacity : texts.cShadowServers,
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
    summary: (view) => texts.loadSummary(range(view, 'load', short), range(view, 'capacity', short)),
  })
}

function latencyChart(marked: Marked): Chart {
  return new Chart(byId('latency-chart'), {
    ...marked,
    title: texts.chartLatency,
    height: 120,
    format: milliseconds,
    lines: [
      { column: 'p99', label: 'p99', color: '--p99', width: 1.5, gaps: 'joined' },
      { column: 'p95', label: 'p95', color: '--p95', width: 1.5, gaps: 'joined' },
      { column: 'p50', label: 'p50', color: '--p50', width: 1.5, gaps: 'joined' },
    ],
    summary: (view) =>
      texts.latencySummary(range(view, 'p50', milliseconds), range(view, 'p99', milliseconds)),
  })
}

function trafficChart(marked: Marked): Chart {
  return new Chart(byId('traffic-chart'), {
    ...marked,
    title: texts.chartTraffic,
    height: 120,
    format: short,
    whole: true,
    lines: [
      { column: 'deliveries', label: texts.cDeliveries, color: '--p50', width: 1.5 },
      { column: 'messages', label: texts.cMessages, color: '--load', width: 1.5 },
    ],
    summary: (view) => texts.trafficSummary(range(view, 'messages', short), range(view, 'deliveries', short)),
  })
}
