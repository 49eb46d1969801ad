import type { RunResult } from '../metrics/run-result.ts'
import { escapeText, lineChart } from './svg-chart.ts'
import { metricLines } from './terminal.ts'

/** What is needed to run it again. */
export interface Repeat {
  /** The command line. */
  readonly command: string
  /** The text of the config file, where there was one. */
  readonly config?: string | undefined
}

const STYLE = `
:root{color-scheme:light dark;--text:light-dark(#1b1f26,#e6e9ee);--quiet:light-dark(#5b6472,#98a2b3);--line:light-dark(#dde1e7,#323843);--ground:light-dark(#fff,#14171c)}
body{font:15px/1.5 system-ui,sans-serif;color:var(--text);background:var(--ground);max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.4rem}h2{font-size:1.05rem;margin-top:2rem}
figure{margin:1rem 0}figcaption{color:var(--quiet);font-size:.85rem}figcaption span{margin-left:1rem}figcaption i{display:inline-block;width:.8em;height:.8em;border-radius:2px;margin-right:.35em}
svg{width:100%;height:auto}svg text{fill:var(--quiet);font-size:11px}svg .grid{stroke:var(--line);fill:none}
table{border-collapse:collapse;width:100%}td,th{text-align:left;padding:.3rem .6rem .3rem 0;border-top:1px solid var(--line);vertical-align:top}th{font-weight:600;white-space:nowrap}
pre{background:color-mix(in srgb,var(--line) 40%,transparent);padding:.8rem;border-radius:8px;overflow:auto;white-space:pre-wrap}`

/** A run as one HTML file that needs nothing else: charts, metrics, scaling events, and how to repeat it. */
export function htmlReport(result: RunResult, { command, config }: Repeat): string {
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
  const row = (cells: readonly string[], tag = 'td') =>
    `<tr>${cells.map((cell) => `<${tag}>${escapeText(cell)}</${tag}>`).join('')}</tr>`
  const events =
    scalingEvents.length === 0
      ? `<p>None; ${escapeText(nothingScaledBecause ?? '')}</p>`
      : `<table>${row(['at', 'servers', 'users', 'why'], 'th')}${scalingEvents
          .map(({ time, from, to, load, reason }) =>
            row([`${+time.toFixed(2)} s`, `${from} → ${to}`, String(load ?? '?'), reason]),
          )
          .join('')}</table>`
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Concertina: ${escapeText(command)}</title><style>${STYLE}</style></head><body>
<h1>Concertina run report</h1>
${charts.join('\n')}
<h2>Metrics</h2>
<table>${metricLines(result)
    .map(([name, value]) => row([name, value]))
    .join('')}</table>
<h2>Scaling events</h2>
${events}
<h2>To repeat it</h2>
<p>Seed ${escapeText(String(result.seed))}. The same seed and config give the same simulation.</p>
<pre>${escapeText(command)}</pre>${config === undefined ? '' : `\n<pre>${escapeText(config)}</pre>`}
</body></html>
`
}
