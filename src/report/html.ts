import { LoadCurve } from '../backtest/load-curve.ts'
import { lowerBoundSeries } from '../backtest/lower-bound.ts'
import { type Html, html } from '../base/html.ts'
import type { Language } from '../base/language.ts'
import type { RunResult, Sample } from '../metrics/run-result.ts'
import { optionMeaning, optionName, policyText, valueName } from '../scaling/option-words.ts'
import { policyDetails } from '../scaling/policies.ts'
import { patternWords } from '../traffic/pattern-words.ts'
import { EventList } from './event-list.ts'
import { htmlPage, pairs, type Repeat, row } from './html-page.ts'
import { type ChartLine, lineChart } from './svg-chart.ts'
import { metricLines } from './terminal.ts'
import { type ReportTexts, reportTexts } from './texts.ts'
import { moment } from './time-axis.ts'

/** Share of user-time above capacity that the lower bound allows itself, as `compare` does by default. */
const ALLOWED_OVERLOAD = 0.001
const SMALL = 150

/** The cheapest fleet that had known the load of the run, where one knows what a server holds and how long it takes to start. */
function boundOf({ samples, setup, provisioningDelay, interrupted }: RunResult) {
  const { usersPerServer, interval, minServers, maxServers } = setup
  if (usersPerServer === undefined || provisioningDelay === undefined || interrupted) return undefined
  const known = samples.filter(({ time }, i) => i === 0 || time > samples[i - 1]!.time)
  if (known.length < 2 || known.every(({ load }) => load === 0)) return undefined
  const curve = new LoadCurve({
    times: Float64Array.from(known, ({ time }) => time),
    values: Float64Array.from(known, ({ load }) => load),
  })
  if (curve.duration <= interval) return undefined
  return lowerBoundSeries({
    curve,
    usersPerServer,
    provisioningDelay,
    interval,
    minServers,
    maxServers,
    overload: ALLOWED_OVERLOAD,
  })
}

/** What was added between a sample and the one before, per second. */
function rates(samples: readonly Sample[], total: (sample: Sample) => number | undefined) {
  return samples.map((sample, i) => {
    const before = samples[i - 1]
    const [now, then] = [total(sample), before && total(before)]
    if (now === undefined || then === undefined || !before || sample.time <= before.time) return undefined
    return (now - then) / (sample.time - before.time)
  })
}

const latencyText = (ms: number) =>
  ms >= 1000 ? `${+(ms / 1000).toPrecision(3)} s` : `${+ms.toPrecision(3)} ms`

class RunCharts {
  readonly #result: RunResult
  readonly #texts: ReportTexts
  readonly #x: readonly number[]

  constructor(result: RunResult, texts: ReportTexts) {
    this.#result = result
    this.#texts = texts
    this.#x = result.samples.map(({ time }) => time)
  }

  #chart(
    title: string,
    lines: readonly ChartLine[],
    format = (value: number) => String(+value.toPrecision(4)),
    more = {},
  ): Html {
    const { range, colon } = this.#texts
    const said = lines.map(({ name, y }) => {
      const known = y.filter((each) => each !== undefined)
      const [low, high] = known.reduce(
        ([a, b], each) => [Math.min(a, each), Math.max(b, each)],
        [Infinity, 0],
      )
      return known.length === 0 ? name : `${name} ${range(format(low), format(high))}`
    })
    const options = { clock: this.#result.setup.clock, format, summary: `${title}${colon}${said.join('; ')}` }
    return lineChart(title, this.#x, lines, { ...options, ...more })
  }

  users(): Html {
    const { texts, samples, usersPerServer } = this.#parts
    const lines: ChartLine[] = [
      { name: texts.asked, y: samples.map((each) => each.requestedLoad), color: '#8893a5', dashed: true },
      { name: texts.there, y: samples.map(({ load }) => load), color: '#3b6fe0' },
    ]
    if (usersPerServer !== undefined) {
      const y = samples.map(({ readyServers }) => readyServers * usersPerServer)
      lines.push({ name: texts.capacity, y, color: '#1f9d62', stepped: true })
    }
    return this.#chart(texts.users, lines)
  }

  servers(bound: ReturnType<typeof boundOf>): Html {
    const { texts, samples } = this.#parts
    const lines: ChartLine[] = [
      {
        name: texts.desired,
        y: samples.map(({ servers }) => servers),
        color: '#c07a12',
        stepped: true,
        dashed: true,
      },
      { name: texts.ready, y: samples.map((each) => each.readyServers), color: '#1f9d62', stepped: true },
    ]
    if (bound) {
      const { times: x, values: y } = bound.series
      lines.push({ name: texts.lowerBound, x, y, color: '#9c5ce5', stepped: true })
    }
    return this.#chart(texts.servers, lines)
  }

  /** Those of what was measured; a run that measured none of it has none. */
  measured(): Html[] {
    const { texts, samples } = this.#parts
    const small = { height: SMALL }
    const charts: Html[] = []
    const latency = (['p50', 'p95', 'p99'] as const).map((name, i) => ({
      name,
      y: samples.map((each) => each.latency?.[`${name}Ms`]),
      color: ['#0f9bb0', '#c99a0c', '#d6336c'][i]!,
    }))
    if (samples.some((each) => each.latency))
      charts.push(this.#chart(texts.latency, latency, latencyText, small))
    if (samples.some(({ utilization }) => utilization !== undefined)) {
      const y = samples.map(({ utilization }) => utilization)
      const percent = (value: number) => `${Math.round(value * 100)} %`
      charts.push(
        this.#chart(texts.utilization, [{ name: texts.busy, y, color: '#1f9d62' }], percent, {
          ...small,
          top: 1,
        }),
      )
    }
    const messages: ChartLine[] = [
      { name: texts.sent, y: rates(samples, (each) => each.messages), color: '#8a55d7' },
    ]
    if (samples.some(({ rejected }) => rejected !== undefined))
      messages.push({ name: texts.rejected, y: rates(samples, (each) => each.rejected), color: '#d6336c' })
    charts.push(this.#chart(texts.messagesPerSecond, messages, undefined, small))
    if (samples.some(({ moved }) => moved !== undefined)) {
      const y = samples.map(({ moved }) => moved)
      charts.push(
        this.#chart(
          texts.moved,
          [{ name: texts.movedLine, y, color: '#3b6fe0', stepped: true }],
          undefined,
          small,
        ),
      )
    }
    const hours = samples.map(({ serverSeconds }) => serverSeconds / 3600)
    charts.push(this.#chart(texts.cost, [{ name: texts.paid, y: hours, color: '#c07a12' }], undefined, small))
    return charts
  }

  get #parts() {
    const { samples, setup } = this.#result
    return { texts: this.#texts, samples, usersPerServer: setup.usersPerServer }
  }
}

function setupTable({ setup, provisioningDelay }: RunResult, texts: ReportTexts, language: Language): Html {
  const lines: [string, string][] = [
    [texts.load, patternWords.translate(setup.load, language)],
    [texts.limits, texts.limitRange(setup.minServers, setup.maxServers)],
    [texts.interval, `${setup.interval} s`],
    [texts.balancing, texts.routing(setup.strategy, setup.routing === 'sticky')],
  ]
  if (provisioningDelay !== undefined) lines.push([texts.delay, `${+provisioningDelay.toFixed(2)} s`])
  if (setup.clock) lines.push([texts.begun, `${moment(0, setup.clock)} UTC`])
  return pairs(lines)
}

/** What a policy was set to, what its other options are by default, and what they mean. */
function policyTable(
  { policy, policySpec }: RunResult['setup'],
  texts: ReportTexts,
  language: Language,
): Html {
  if (!policySpec) return html`<p>${policy}${texts.list}${texts.inCode}</p>`
  const rows = policyDetails(policySpec).map(({ option, value, byDefault, meaning }) => {
    const said = value === undefined ? '–' : policyText(valueName(value, language), language)
    return row([
      optionName(option, language),
      value !== undefined && byDefault ? said + texts.aside(texts.byDefault) : said,
      optionMeaning(meaning, language),
    ])
  })
  const { option, value, meaning } = texts
  return html`<p>${policySpec.kind}</p><table>${row([option, value, meaning], 'th')}${rows}</table>`
}

/** A run as one HTML file that needs nothing else: charts, metrics, policy, scaling events, and how to repeat it. */
export function htmlReport(result: RunResult, repeat: Repeat, language: Language = 'en'): string {
  const texts = reportTexts(language)
  const charts = new RunCharts(result, texts)
  const bound = boundOf(result)
  const metrics = metricLines(result, texts)
  if (bound) {
    const ratio = (result.serverHours / bound.serverHours).toFixed(2)
    const hours = bound.serverHours.toPrecision(4)
    metrics.push([
      texts.boundName,
      texts.bound(hours, ratio, `${ALLOWED_OVERLOAD * 100} %`, result.setup.usersPerServer!),
    ])
  }
  const { length } = result.scalingEvents
  const body = [
    html`<p class="quiet">${result.setup.load}${result.setup.clock ? `. ${texts.utc}` : undefined}</p>`,
    charts.users(),
    charts.servers(bound),
    ...charts.measured(),
    html`<h2>${texts.metrics}</h2>`,
    pairs(metrics),
    html`<h2>${texts.policy}</h2>`,
    policyTable(result.setup, texts, language),
    html`<h2>${texts.setup}</h2>`,
    setupTable(result, texts, language),
    html`<h2>${texts.events}${length > 0 ? `${texts.colon}${length}` : undefined}</h2>`,
    new EventList(result, texts).html(),
  ]
  return htmlPage(
    { heading: texts.runReport, language: texts.tag, repeat: texts.repeat },
    body,
    texts.sameAgain(String(result.seed)),
    repeat,
  )
}
