import { type Html, html } from '../base/html.ts'
import type { RunResult } from '../metrics/run-result.ts'
import type { Decision } from '../scaling/types.ts'
import { htmlPage, pairs, type Repeat, row } from './html-page.ts'
import { lineChart } from './svg-chart.ts'
import { metricLines } from './terminal.ts'

/** Scaling events shown open, and those that can be opened; more would make the page slow. */
const OPEN_EVENTS = 100
const MOST_EVENTS = 5000

/** The scaling events with their reasons; the later ones folded up. */
function eventTable(events: readonly Decision[]): Html {
  const table = (some: readonly Decision[]) =>
    html`<table>${row(['at', 'servers', 'users', 'why'], 'th')}${some.map(
      ({ time, from, to, load, reason }) =>
        row([
          `${+time.toFixed(2)} s`,
          `${from} → ${to}`,
          load === undefined ? '?' : String(+load.toFixed(1)),
          reason,
        ]),
    )}</table>`
  const more = events.slice(OPEN_EVENTS, MOST_EVENTS)
  const rest = events.length - OPEN_EVENTS - more.length
  return html`${table(events.slice(0, OPEN_EVENTS))}${
    more.length > 0
      ? html`<details><summary>${more.length} more</summary>${table(more)}</details>`
      : undefined
  }${rest > 0 ? html`<p class="quiet">And ${rest} more, which --events FILE keeps.</p>` : undefined}`
}

/** A run as one HTML file that needs nothing else: charts, metrics, scaling events, and how to repeat it. */
export function htmlReport(result: RunResult, repeat: Repeat): string {
  const { samples, scalingEvents, nothingScaledBecause } = result
  const x = samples.map(({ time }) => time)
  const rate = samples.map(({ messages, time }, i) => {
    const before = samples[i - 1]
    return before && time > before.time ? (messages - before.messages) / (time - before.time) : 0
  })
  const charts = [
    lineChart('Concurrent users', x, [
      {
        name: 'asked for',
        y: samples.map(({ requestedLoad }) => requestedLoad),
        color: '#8893a5',
        dashed: true,
      },
      { name: 'there', y: samples.map(({ load }) => load), color: '#3b6fe0' },
    ]),
    lineChart('Servers', x, [
      {
        name: 'wanted',
        y: samples.map(({ servers }) => servers),
        color: '#c07a12',
        stepped: true,
        dashed: true,
      },
      { name: 'ready', y: samples.map(({ readyServers }) => readyServers), color: '#1f9d62', stepped: true },
    ]),
    lineChart('Messages a second', x, [{ name: 'sent', y: rate, color: '#8a55d7' }]),
  ]
  const events =
    scalingEvents.length === 0 ? html`<p>None; ${nothingScaledBecause}</p>` : eventTable(scalingEvents)
  const body = [
    ...charts,
    html`<h2>Metrics</h2>`,
    pairs(metricLines(result)),
    html`<h2>Scaling events${scalingEvents.length > 0 ? `: ${scalingEvents.length}` : undefined}</h2>`,
    events,
  ]
  const sameAgain = `Seed ${result.seed}. The same seed and config give the same simulation.`
  return htmlPage('Concertina run report', body, sameAgain, repeat)
}
