import { comparePolicies } from '../../backtest/comparison.ts'
import type { Restart } from '../../backtest/evaluate.ts'
import { comparisonOptions } from '../../backtest/evaluation-options.ts'
import { checkSurroundings, type Prices } from '../../backtest/world.ts'
import { invalidInput } from '../../base/errors.ts'
import type { Language } from '../../base/language.ts'
import {
  comparisonTables,
  legendText,
  paretoPoints,
  tableText,
  verdicts,
} from '../../report/comparison-table.ts'
import { comparisonTexts } from '../../report/comparison-texts.ts'
import { htmlComparison } from '../../report/html-comparison.ts'
import { paretoSvg } from '../../report/pareto.ts'
import { countProgress } from '../count-progress.ts'
import { evaluationOf, type TraceEvaluationFlags, traceInputsOf } from '../evaluation-flags.ts'
import { type LogFlags, languageIn } from '../flags.ts'
import { OutputFile, OutputFiles } from '../output-file.ts'
import { ReportFile } from '../report-file.ts'

export interface CompareFlags extends TraceEvaluationFlags, LogFlags {
  policy?: string[]
  json?: string
  svg?: string
  report?: string
  copies?: number
  restart?: Restart
  price?: number
  businessHours?: string
  reserved?: string
  spot?: string
  interruptions?: number
  lang?: Language
}

/** Reads `AMOUNT@PRICE`. */
function atPrice(flag: string, text: string): { amount: number; price: number } {
  const parts = text.split('@').map((part) => (part.trim() === '' ? Number.NaN : Number(part)))
  const [amount = Number.NaN, price = Number.NaN] = parts
  if (parts.length !== 2 || !(amount >= 0) || !(price >= 0))
    throw invalidInput(
      flag,
      `${JSON.stringify(text)} is not an amount at a price`,
      'AMOUNT@PRICE, such as 4@0.06',
    )
  return { amount, price }
}

/** Reads `FROM-TO@PRICE`. */
function businessHoursOf(text: string): NonNullable<Prices['businessHours']> {
  const [, from, to, price] = /^([\d.]+)-([\d.]+)@([\d.]+)$/.exec(text.trim())?.map(Number) ?? []
  if (from === undefined || !(to! > from) || !(to! <= 24) || !(price! >= 0))
    throw invalidInput(
      '--business-hours',
      `${JSON.stringify(text)} is not a time of day at a price`,
      'FROM-TO@PRICE, such as 8-18@0.15',
    )
  return { from, to: to!, price: price! }
}

/** What servers cost, where a price is given. */
function pricesOf(flags: CompareFlags, interruptionsPerDay: number): { prices?: Prices } {
  const { price, businessHours, reserved, spot } = flags
  for (const name of ['businessHours', 'reserved', 'spot', 'interruptions'] as const) {
    const needs = name === 'interruptions' ? 'spot' : 'price'
    if (flags[name] !== undefined && flags[needs] === undefined)
      throw invalidInput(name, `needs --${needs}`, `together with --${needs}`)
  }
  if (price === undefined) return {}
  const base = reserved === undefined ? undefined : atPrice('--reserved', reserved)
  const share = spot === undefined ? undefined : atPrice('--spot', spot)
  const prices: Prices = {
    onDemand: price,
    ...(businessHours !== undefined && { businessHours: businessHoursOf(businessHours) }),
    ...(base && { reserved: { servers: base.amount, price: base.price } }),
    ...(share && { spot: { share: share.amount, price: share.price, interruptionsPerDay } }),
  }
  checkSurroundings({ prices })
  return { prices }
}

/** `concertina compare`: policies on traces, compared with the cheapest fleet that had known the future. */
export async function compare(flags: CompareFlags, signal: AbortSignal): Promise<void> {
  const { settings: given, candidates } = evaluationOf(flags)
  const { copies, restart, interruptions } = comparisonOptions.parse(comparisonOptions.given(flags))
  const settings = { ...given, restart, ...pricesOf(flags, interruptions) }
  const input = traceInputsOf(flags, [flags.json, flags.svg, flags.report])
  const policies = candidates(flags.policy)
  const language = languageIn(flags)
  const texts = comparisonTexts(language)
  const files = new OutputFiles()
  const progress = countProgress('runs', flags)
  try {
    const json = files.open(flags.json, (file) => new OutputFile('--json', file))
    const svg = files.open(flags.svg, (file) => new OutputFile('--svg', file))
    const report = files.open(flags.report, (file) => new ReportFile(file, flags.config))
    const { onProgress } = progress
    const series = report !== undefined
    const compared = await comparePolicies(input, policies, settings, { signal, onProgress, series, copies })
    progress.end()
    if (compared.length > 0 && !flags.quiet) {
      const tables = comparisonTables(compared, settings.overload, texts)
      const lines = verdicts(compared, settings.overload, texts).join('\n')
      console.log([...tables.map(tableText), legendText(tables, texts), lines].join('\n\n'))
    }
    if (signal.aborted) {
      console.error(`concertina: interrupted; ${compared.length} of ${input.length} traces are whole`)
      files.discard()
      return
    }
    const figures = { settings, traces: compared }
    json?.commit(`${JSON.stringify(figures, (key, value) => (key === 'series' ? undefined : value), 2)}\n`)
    svg?.commit(paretoSvg(paretoPoints(compared), settings.overload, texts).text)
    report?.commitPage((repeat) => htmlComparison(compared, settings, repeat, language))
  } catch (error) {
    progress.end()
    files.discard()
    throw error
  }
}
