import { sparkline } from '../../report/blocks.ts'
import { block } from '../../report/terminal.ts'
import { readTrace, type Trace } from '../../traffic/traces/trace.ts'
import { span } from '../trace-flags.ts'

export interface TraceInfoFlags {
  column?: string
  session?: number
  json?: boolean
}

/** Characters of the chart. */
const CHART_WIDTH = 60
/** Gaps that are listed. */
const LISTED_GAPS = 10

/** The time that `seconds` of the trace are, as a date where the file has it. */
function moment({ about }: Trace, seconds: number, first: number): string {
  return about?.start === undefined
    ? `${seconds} s`
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
  console.log(
    block(`📈 ${file}`, [
      ['Format', about?.format ?? ''],
      ['Users', about?.values ?? ''],
      ['Points', `${times.length}, one every ${span(step)}`],
      ['From', moment(trace, first, first)],
      ['To', `${moment(trace, times.at(-1)!, first)} (${span(duration)})`],
      ['Min, median, p99, max', Object.values(figures).map(shown).join(', ')],
      ['Missing values', String(about?.missing ?? 0)],
      ['Gaps', gaps.length === 0 ? 'none' : String(gaps.length)],
      ...gaps
        .slice(0, LISTED_GAPS)
        .map(({ from, to }): [string, string] => [
          '  gap',
          `${moment(trace, from, first)} to ${moment(trace, to, first)} (${span(to - from)})`,
        ]),
      ...(about?.notes ?? []).map((note): [string, string] => ['Note', note]),
    ]),
  )
  console.log(`\n${chartOf(trace)}\n${gaps.length > 0 ? '· no data\n' : ''}`)
}
