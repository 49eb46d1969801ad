import { stringify } from 'yaml'
import type { Candidate, EvaluationSettings } from '../../backtest/evaluate.ts'
import { requireNumber } from '../../base/errors.ts'
import type { Language } from '../../base/language.ts'
import { type FigureTable, percent, tableText } from '../../report/comparison-table.ts'
import { traceWords } from '../../traffic/traces/words.ts'
import { type Advice, type Advised, advise } from '../advice/advice.ts'
import { currentOf } from '../advice/current.ts'
import { factsOf } from '../advice/facts.ts'
import { awsForm, type Form, kubernetesForms } from '../advice/forms.ts'
import { type AdviceTexts, adviceTexts } from '../advice/texts.ts'
import { countProgress } from '../count-progress.ts'
import { type EvaluationFlags, evaluationOf } from '../evaluation-flags.ts'
import { type LogFlags, languageIn } from '../flags.ts'
import { importPolicy } from '../import/read.ts'
import { needed } from '../option-flag.ts'
import { readNamedTrace } from '../trace-flags.ts'
import { metricFlag } from './import.ts'
import { configOf } from './tune.ts'

export interface AdviseFlags extends EvaluationFlags, LogFlags {
  trace?: string
  column?: string
  session?: number
  current?: string
  metric?: string
  price?: number
  json?: boolean
  lang?: Language
}

/** Hours of the month that costs are given for. */
const MONTH_HOURS = 30 * 24
/** Servers that the recommended config allows, times those that it came to. */
const HEADROOM = 2

/** The most servers of a config: what is given, else twice as many as were ever needed. */
function sizeOf(flags: AdviseFlags, settings: EvaluationSettings, { whole }: Advised): EvaluationSettings {
  const enough = Math.max(settings.minServers, HEADROOM * whole.result.peakServers)
  return { ...settings, maxServers: flags.maxServers ?? Math.min(settings.maxServers, enough) }
}

/** What one policy costs in a month like this, in server-hours and in money. */
type Monthly = (advised: Advised) => { readonly hours: number; readonly text: string }

function monthlyOf(duration: number, price: number | undefined): Monthly {
  const factor = (MONTH_HOURS * 3600) / duration
  return ({ whole }) => {
    const hours = whole.result.serverHours * factor
    const text =
      price === undefined ? hours.toFixed(0) : `${hours.toFixed(0)} (${(hours * price).toFixed(2)})`
    return { hours, text }
  }
}

function range(values: readonly number[], show: (value: number) => string, texts: AdviceTexts): string {
  const [least, most] = [show(Math.min(...values)), show(Math.max(...values))]
  return least === most ? least : texts.range(least, most)
}

const times = (value: number) => `${value.toFixed(2)} ×`

/** How sure it is, in words. */
function confidence({ kept, whole, copies }: Advised, allowed: number, texts: AdviceTexts): string {
  const all = [whole, ...copies]
  const overload = range(
    all.map(({ result }) => result.overload),
    (value) => percent(value, 3),
    texts,
  )
  const cost = range(
    all.map((each) => each.cost),
    times,
    texts,
  )
  return [
    texts.kept({ kept, of: all.length, allowed: percent(allowed, 3) }),
    texts.spread(overload, cost),
  ].join('\n')
}

function tableOf(
  { ranked, today, floor, copies }: Advice,
  monthly: Monthly,
  price: boolean,
  texts: AdviceTexts,
): FigureTable {
  const { attainable } = floor
  const row = (each: Advised) => [
    each.name,
    percent(each.whole.result.overload, 3),
    monthly(each).text,
    times(each.whole.cost),
    String(each.whole.result.scalingEvents),
    each.copies.length > 0 ? texts.reliable(each.kept, copies + 1) : '',
  ]
  return {
    title: texts.floor(attainable.serverHours.toFixed(1), percent(attainable.overload, 3)),
    head: texts.head(price),
    rows: [...(today ? [row(today)] : []), ...ranked.map(row)],
  }
}

/** What it costs beside today's policy, in words. */
function besideToday(
  best: Advised,
  today: Advised | undefined,
  monthly: Monthly,
  texts: AdviceTexts,
): string[] {
  if (!today) return []
  const [now, then] = [monthly(today).hours, monthly(best).hours]
  const change = now > 0 ? Math.abs(then - now) / now : 0
  return [
    texts.besideToday(
      percent(change, 1),
      then <= now,
      percent(today.whole.result.overload, 3),
      percent(best.whole.result.overload, 3),
    ),
  ]
}

/** The forms of the platforms, each with what it would do. */
function formsOf(
  advice: Advice,
  candidates: readonly Candidate[],
  size: EvaluationSettings,
  texts: AdviceTexts,
): Form[] {
  const of = (kind: string) => candidates.find(({ name }) => name === kind)
  const did = (name: string) => {
    const found = advice.ranked.find((each) => each.name === name)!
    return texts.did(percent(found.whole.result.overload, 3), times(found.whole.cost))
  }
  const [hpa, tracking] = [of('hpa'), of('target-tracking')]
  const titled = (form: Form, name: string): Form => ({
    ...form,
    title: form.title + texts.colon + did(name),
  })
  return [
    ...(hpa ? kubernetesForms(hpa, size, texts).map((form) => titled(form, 'hpa')) : []),
    ...(tracking ? [titled(awsForm(tracking, size.provisioningDelay, texts), 'target-tracking')] : []),
  ]
}

/** `concertina advise`: which policy for this load, its config and the platforms' forms, its cost, and how sure that is. */
export async function adviseOn(flags: AdviseFlags, signal: AbortSignal): Promise<void> {
  const { column, session, current, json } = flags
  const language = languageIn(flags)
  // What programs read is the same in every language.
  const texts = adviceTexts(json ? 'en' : language)
  const file = needed(
    '--trace',
    flags.trace,
    'the load is missing',
    'a file of how many users there were, such as a CSV from Grafana, CloudWatch or k6, or the access log of a web server; concertina trace --help names all formats',
  )
  const price = flags.price === undefined ? undefined : requireNumber('price', flags.price, { above: 0 })
  const trace = readNamedTrace(file, flags, language)
  const imported =
    current === undefined ? undefined : importPolicy(current, { metric: metricFlag(flags.metric) })
  const facts = flags.config === undefined ? await factsOf(flags, texts, signal) : flags
  const { settings, candidates } = evaluationOf({ ...flags, ...facts })
  const today = imported && currentOf(imported, settings)
  for (const note of today?.notes ?? []) console.error(`concertina: ${current}: ${note}`)
  const policies = candidates()
  const progress = countProgress(texts.progress, flags)
  const { onProgress } = progress
  const advice = await advise({ file, column, session }, policies, settings, today, {
    signal,
    onProgress,
  }).finally(progress.end)
  if (!advice) {
    console.error(`concertina: ${texts.interrupted}`)
    return
  }
  const best = advice.ranked[0]!
  const size = sizeOf(flags, settings, best)
  const config = configOf(best.candidate, size)
  const duration = trace.times.at(-1)! - trace.times[0]!
  const monthly = monthlyOf(duration, price)
  const forms = formsOf(advice, policies, size, texts)
  if (json) {
    const { hours } = monthly(best)
    console.log(
      JSON.stringify({ settings, recommended: best.name, config, hoursIn30Days: hours, forms, ...advice }),
    )
    return
  }
  if (flags.quiet) {
    console.log(stringify(config).trimEnd())
    return
  }
  const days = duration / 86_400
  console.log(
    [
      texts.load(traceWords.translate(trace.about?.values ?? 'users', language), days.toFixed(1)),
      texts.facts(settings.usersPerServer, settings.provisioningDelay, percent(settings.overload, 3)),
      '',
      tableText(tableOf(advice, monthly, price !== undefined, texts)),
      '',
      texts.recommended(best.name),
      confidence(best, settings.overload, texts),
      ...besideToday(best, advice.today, monthly, texts),
      ...(best.kept === 0 ? [texts.none] : []),
      '',
      `# ${texts.config}`,
      stringify(config).trimEnd(),
      ...forms.flatMap(({ title, text }) => ['', `# ${title}`, text]),
    ].join('\n'),
  )
}
