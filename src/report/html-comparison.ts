import type { TraceComparison } from '../backtest/comparison.ts'
import type { EvaluationSettings } from '../backtest/evaluate.ts'
import type { Prices } from '../backtest/world.ts'
import { type Html, html } from '../base/html.ts'
import type { Language } from '../base/language.ts'
import {
  bestFirst,
  comparisonTables,
  type FigureTable,
  legend,
  paretoPoints,
  percent,
  verdicts,
} from './comparison-table.ts'
import { type ComparisonTexts, comparisonTexts } from './comparison-texts.ts'
import { htmlPage, pairs, type Repeat, row } from './html-page.ts'
import { paretoSvg } from './pareto.ts'
import { type ChartLine, lineChart, PALETTE } from './svg-chart.ts'

/** Policies that a chart shows; more could not be distinguished. */
const SHOWN = 4

function seriesChart({ evaluated, series }: TraceComparison, allowed: number, texts: ComparisonTexts): Html {
  const shown = new Set(bestFirst(evaluated, allowed).slice(0, SHOWN))
  const lines: ChartLine[] = [
    { name: texts.needed, y: series!.values, color: 'var(--area)', area: true },
    ...evaluated.flatMap((each, i) =>
      shown.has(each)
        ? [
            {
              name: texts.readyOf(each.policy),
              x: each.series!.times,
              y: each.series!.values,
              color: PALETTE[i % PALETTE.length]!,
              stepped: true,
            },
          ]
        : [],
    ),
  ]
  return lineChart(texts.servers, series!.times, lines)
}

function figures({ head, rows }: FigureTable): Html {
  return html`<div class="wide"><table class="figures">${row(head, 'th')}${rows.map((cells) => row(cells))}</table></div>`
}

function pricesText({ onDemand, businessHours, reserved, spot }: Prices, texts: ComparisonTexts): string {
  return [
    texts.onDemand(onDemand),
    ...(businessHours
      ? [texts.businessHours(businessHours.from, businessHours.to, businessHours.price)]
      : []),
    ...(reserved ? [texts.reserved(reserved.servers, reserved.price)] : []),
    ...(spot ? [texts.spot(percent(spot.share, 0), spot.price, spot.interruptionsPerDay)] : []),
  ].join(texts.list)
}

/** What differs from the plain world. */
function surroundings(settings: EvaluationSettings, texts: ComparisonTexts): [string, string][] {
  const { metricDelay = 0, drainWindow = 0, sessionDuration, restart = 'none', prices } = settings
  const delay: [string, string][] = metricDelay > 0 ? [[texts.metricDelay, texts.seconds(metricDelay)]] : []
  const priced: [string, string][] = prices ? [[texts.prices, pricesText(prices, texts)]] : []
  return [
    ...delay,
    [texts.drain, texts.drainTime(drainWindow, sessionDuration)],
    [texts.restart, texts.restartKind[restart]],
    ...priced,
  ]
}

function termLines(settings: EvaluationSettings, texts: ComparisonTexts): [string, string][] {
  const { messages, provisioningDelay, startUpTail = 0, nodes } = settings
  const { fullUtilization, concurrency, serviceTime, queueLimit } = messages
  return [
    [texts.holds, texts.users(settings.usersPerServer)],
    [texts.launch, texts.launchTime(provisioningDelay, startUpTail, nodes)],
    ...surroundings(settings, texts),
    [texts.interval, texts.seconds(settings.interval)],
    [texts.warmUp, texts.seconds(settings.warmUp)],
    [texts.allowedOverload, percent(settings.overload, 3)],
    [texts.servers, texts.serverRange(settings.minServers, settings.maxServers)],
    [texts.messages, texts.messageModel(percent(fullUtilization, 0), concurrency, serviceTime, queueLimit)],
  ]
}

/** A comparison as one HTML file that needs nothing else: the decision, then each trace, the settings and how to repeat it. */
export function htmlComparison(
  compared: readonly TraceComparison[],
  settings: EvaluationSettings,
  repeat: Repeat,
  language?: Language,
): string {
  const texts = comparisonTexts(language)
  const tables = comparisonTables(compared, settings.overload, texts)
  const all = tables[compared.length]
  const traces = compared.flatMap((one, i) => {
    const { title } = tables[i]!
    return [html`<h3>${title}</h3>`, seriesChart(one, settings.overload, texts), figures(tables[i]!)]
  })
  const body = [
    html`<p class="quiet">${texts.introduction}</p>`,
    html`<figure>${paretoSvg(paretoPoints(compared), settings.overload, texts)}</figure>`,
    html`<ul>${verdicts(compared, settings.overload, texts).map((line) => html`<li>${line}</li>`)}</ul>`,
    ...(all ? [html`<h2>${texts.allTraces}</h2><p class="quiet">${all.title}</p>`, figures(all)] : []),
    html`<h2>${texts.eachTrace}</h2>`,
    html`<p class="quiet">${texts.shownPolicies(SHOWN)}</p>`,
    ...traces,
    html`<h2>${texts.columnsTitle}</h2>`,
    pairs(legend(texts)),
    html`<h2>${texts.settings}</h2>`,
    pairs(termLines(settings, texts)),
  ]
  const { heading, tag, sameAgain } = texts
  return htmlPage({ heading, language: tag, repeat: texts.repeat }, body, sameAgain, repeat)
}
