import type { TraceComparison } from '../backtest/comparison.ts'
import type { EvaluationSettings } from '../backtest/evaluate.ts'
import { type Html, html } from '../base/html.ts'
import {
  bestFirst,
  comparisonTables,
  type FigureTable,
  LEGEND,
  paretoPoints,
  percent,
  verdicts,
} from './comparison-table.ts'
import { htmlPage, pairs, type Repeat, row } from './html-page.ts'
import { paretoSvg } from './pareto.ts'
import { lineChart, PALETTE } from './svg-chart.ts'

/** Policies that a chart shows; more could not be distinguished. */
const SHOWN = 4

function courseChart({ judged, course }: TraceComparison, allowed: number): Html {
  const shown = new Set(bestFirst(judged, allowed).slice(0, SHOWN))
  return lineChart('Servers', course!.times, [
    { name: 'what the load needs', y: course!.values, color: 'var(--area)', area: true },
    ...judged.flatMap((each, i) =>
      shown.has(each)
        ? [
            {
              name: `${each.policy}, ready`,
              x: each.course!.times,
              y: each.course!.values,
              color: PALETTE[i % PALETTE.length]!,
              stepped: true,
            },
          ]
        : [],
    ),
  ])
}

function figures({ head, rows }: FigureTable): Html {
  return html`<div class="wide"><table class="figures">${row(head, 'th')}${rows.map((cells) => row(cells))}</table></div>`
}

function launch({ provisioningDelay, startUpTail = 0, nodes }: EvaluationSettings): string {
  const tail = startUpTail > 0 ? `, and ${startUpTail} s more on average` : ''
  const node = nodes ? `; nodes of ${nodes.serversPerNode} servers need ${nodes.nodeDelay} s before` : ''
  return `${provisioningDelay} s${tail}${node}`
}

/** What differs from the plain world. */
function surroundings(terms: EvaluationSettings): [string, string][] {
  const { metricDelay = 0, drainWindow = 0, sessionDuration, restart = 'none', prices } = terms
  const after = { none: 'none', keep: 'with what it had learned', forget: 'with nothing' }[restart]
  const session = sessionDuration === undefined ? '' : `, sessions of ${sessionDuration} s`
  return [
    ...(metricDelay > 0
      ? [['Age of the load that policies see', `${metricDelay} s`] as [string, string]]
      : []),
    ['Users stay on a server that drains for', `${drainWindow} s${session}`],
    ['Restart of the autoscaler in the middle', after],
    ...(prices ? [['Prices an hour', JSON.stringify(prices)] as [string, string]] : []),
  ]
}

function termLines(terms: EvaluationSettings): [string, string][] {
  const { messages } = terms
  return [
    ['A server holds', `${terms.usersPerServer} users`],
    ['From launch to ready', launch(terms)],
    ...surroundings(terms),
    ['Between two decisions', `${terms.interval} s`],
    ['Not counted at the beginning', `${terms.warmUp} s`],
    ['Allowed overload', percent(terms.overload, 3)],
    ['Servers', `${terms.minServers} to ${terms.maxServers}`],
    [
      'Messages',
      `a full server is ${percent(messages.fullUtilization, 0)} busy: ${messages.concurrency} slots, ` +
        `${messages.serviceTime} s each, at most ${messages.queueLimit} wait`,
    ],
  ]
}

/** A comparison as one HTML file that needs nothing else: the decision, then each trace, the terms and how to repeat it. */
export function htmlComparison(
  compared: readonly TraceComparison[],
  terms: EvaluationSettings,
  repeat: Repeat,
): string {
  const tables = comparisonTables(compared, terms.overload)
  const all = tables[compared.length]
  const traces = compared.flatMap((one, i) => {
    const { title } = tables[i]!
    return [html`<h3>${title}</h3>`, courseChart(one, terms.overload), figures(tables[i]!)]
  })
  const body = [
    html`<p class="quiet">Policies on recorded load, beside the cheapest fleet that had known the future.</p>`,
    html`<figure>${paretoSvg(paretoPoints(compared), terms.overload)}</figure>`,
    html`<ul>${verdicts(compared, terms.overload).map((line) => html`<li>${line}</li>`)}</ul>`,
    ...(all ? [html`<h2>All traces</h2><p class="quiet">${all.title}</p>`, figures(all)] : []),
    html`<h2>Each trace</h2>`,
    html`<p class="quiet">The charts show at most ${SHOWN} policies: the cheapest within the allowed overload, then the least overloaded.</p>`,
    ...traces,
    html`<h2>Columns</h2>`,
    pairs(LEGEND),
    html`<h2>Terms</h2>`,
    pairs(termLines(terms)),
  ]
  const sameAgain =
    'What is random in it comes from a fixed seed: the same traces, terms and config give the same figures.'
  return htmlPage(
    { heading: 'Concertina: policies compared', repeat: 'To repeat it' },
    body,
    sameAgain,
    repeat,
  )
}
