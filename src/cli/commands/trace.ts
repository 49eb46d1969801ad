import type { Language } from '../../base/language.ts'
import { sparkline } from '../../report/blocks.ts'
import { block } from '../../report/terminal.ts'
import { readTrace, type Trace } from '../../traffic/traces/trace.ts'
import { traceWords } from '../../traffic/traces/words.ts'
import { languageIn } from '../flags.ts'
import { span as spanIn } from '../trace-flags.ts'
import { TRACE_TEXTS } from '../trace-texts.ts'

export interface TraceInfoFlags {
  column?: string
  session?: number
  json?: boolean
  lang?: Language
}

/** Characters of the chart. */
const CHART_WIDTH = 60
/** Gaps that are listed. */
const LISTED_GAPS = 10

/** The time that `seconds` of the trace are, as a date where the file has it. */
function moment({ about }: Trace, seconds: number, first: number, language: Language): string {
  return about?.start === undefined
    ? TRACE_TEXTS[language].seconds(String(seconds))
    : new Date(about.start + (seconds - first) * 1000).toISOString().replace('.000Z', 'Z')
}

/** The highest value of each of `CHART_WIDTH` parts; 0 where a part lies within a gap. */
function chartOf({ times, values, about }: Trace): string {
  const first = times[0]!
  const length = times.at(-1)! - first
  const highest = new Array<number>(CHART_WIDTH).fill(Number.NaN)
  const partOf = (time: number) =>
    Math.min(CHART_WIDTH - 1, Math.floor(((time - first) / length) * CHART_WIDTH))
  for (const [i, value] of values.entries()) {
    const part = partOf(times[i]!)
    highest[part] = Math.max(Number.isNaN(highest[part]!) ? 0 : highest[part]!, value)
  }
  const inGap = (part: number) =>
    about?.gaps.some(({ from, to }) => partOf(from) < part && part < partOf(to)) ?? false
  let last = 0
  const line = highest.map((value) => {
    last = Number.isNaN(value) ? last : value
    return last
  })
  const top = Math.max(...line)
  return line.map((value, part) => (inGap(part) ? '·' : sparkline([value], top))).join('')
}

function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!
}

/** `concertina trace info`: what was understood of a trace file. */
export async function traceInfo(file: string, flags: TraceInfoFlags): Promise<void> {
  const trace = readTrace(file, { column: flags.column, session: flags.session })
  const { times, values, about } = trace
  const sorted = values.toSorted()
  const first = times[0]!
  const duration = times.at(-1)! - first
  const steps = times.slice(1).map((time, i) => time - times[i]!)
  const step = steps.toSorted()[Math.floor(steps.length / 2)]!
  const figures = {
    min: sorted[0]!,
    median: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    max: sorted.at(-1)!,
  }
  if (flags.json) {
    console.log(JSON.stringify({ file, points: times.length, duration, step, ...figures, ...about }))
    return
  }
  const shown = (value: number) => String(Number(value.toFixed(2)))
  const gaps = about?.gaps ?? []
  const language = languageIn(flags)
  const texts = TRACE_TEXTS[language]
  const at = (seconds: number) => moment(trace, seconds, first, language)
  const span = (seconds: number) => spanIn(seconds, language)
  const said = (text: string) => traceWords.translate(text, language)
  console.log(
    block(
      `📈 ${file}`,
      [
        [texts.format, about?.format ?? ''],
        [texts.users, said(about?.values ?? '')],
        [texts.points, texts.every(times.length, span(step))],
        [texts.from, at(first)],
        [texts.to, texts.until(at(times.at(-1)!), span(duration))],
        [texts.figures, Object.values(figures).map(shown).join(texts.list)],
        [texts.missing, String(about?.missing ?? 0)],
        [texts.gaps, gaps.length === 0 ? texts.none : String(gaps.length)],
        ...gaps
          .slice(0, LISTED_GAPS)
          .map(({ from, to }): [string, string] => [
            texts.gap,
            texts.between(at(from), at(to), span(to - from)),
          ]),
        ...(about?.notes ?? []).map((note): [string, string] => [texts.note, said(note)]),
      ],
      texts.colon,
    ),
  )
  console.log(`\n${chartOf(trace)}\n${gaps.length > 0 ? `${texts.noData}\n` : ''}`)
}
