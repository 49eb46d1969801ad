import { ConcertinaError } from '../../base/errors.ts'

/** How a trace is read where its file leaves a choice. */
export interface TraceOptions {
  /** The column, metric or series that holds the users: its name or its number from 1; `sum` or `max` of all. */
  column?: string | undefined
  /** Seconds that a visitor of a web server counts as a user after a request; 300. */
  session?: number | undefined
}

/** One measurement. */
export interface Point {
  /** In the unit of the file. */
  readonly time: number
  /** `NaN` where the measurement is missing. */
  readonly value: number
  /** Where it is in the file, for errors. */
  readonly where: string
}

/** A line of a table. */
export interface Row {
  readonly line: number
  readonly cells: readonly string[]
}

/** What a format makes of a file. */
export interface Reading {
  readonly points: readonly Point[]
  /** The unit of the times: `auto` is found by their size. */
  readonly unit: 'seconds' | 'milliseconds' | 'auto'
  /** What the values are: a column, a metric, a series. */
  readonly values: string
  /** What was found out and not said by the file. */
  readonly notes: readonly string[]
}

/** A kind of file that a trace is read from. */
export interface TraceFormat {
  readonly name: string
  /** A file of this format, as people know it. */
  readonly description: string
  /** Whether the text is of this format; of several, the first of the registry. */
  matches(text: string): boolean
  /** Throws INVALID_TRACE that names the place. */
  read(text: string, file: string, options: TraceOptions): Reading
}

export function invalidTrace(where: string, wrong: string, hint: string): ConcertinaError {
  return new ConcertinaError('INVALID_TRACE', `${where}: ${wrong}`, { hint })
}

/** What `Number` takes, less the empty cell and hexadecimal, octal and binary numbers. */
export const DECIMAL = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i
const MISSING = /^\s*(nan|null|none|undefined|n\/a|na|-)?\s*$/i

/** The number that a text is; `NaN` where the text says that the value is missing; `undefined` for anything else. */
export function numberIn(text: string): number | undefined {
  if (DECIMAL.test(text)) return Number(text)
  return MISSING.test(text) ? Number.NaN : undefined
}

/**
 * Adds up series, or takes the highest, time by time. One without a point there has ended or not begun, and counts for nothing; one
 * whose value is missing makes that of all missing.
 */
function combine(series: readonly { readonly points: readonly Point[] }[], how: 'sum' | 'max'): Point[] {
  const all = new Map<number, { value: number; where: string }>()
  for (const { points } of series) {
    for (const { time, value, where } of points) {
      const before = all.get(time)
      if (!before) all.set(time, { value, where })
      else before.value = how === 'sum' ? before.value + value : Math.max(before.value, value)
    }
  }
  return [...all].sort(([a], [b]) => a - b).map(([time, { value, where }]) => ({ time, value, where }))
}

/** The series that the options name, or the only one. */
export function chooseSeries(
  series: readonly { readonly name: string; readonly points: readonly Point[] }[],
  { column }: TraceOptions,
  file: string,
): { points: readonly Point[]; name: string } {
  const names = series.map(({ name }) => name)
  const most = 12
  const listed = `${names.slice(0, most).join(' | ')}${names.length > most ? ` | … (${names.length} in all)` : ''}`
  if (series.length === 0) throw invalidTrace(file, 'it has no series', 'at least one series')
  if (column === undefined) {
    if (series.length === 1) return series[0]!
    throw invalidTrace(
      file,
      `it has ${series.length} series: ${listed}`,
      '--column with the name or number of one, or sum or max of all',
    )
  }
  const exact = series.find(({ name }) => name === column)
  if (exact) return exact
  if (column === 'sum' || column === 'max')
    return { points: combine(series, column), name: `${column} of ${series.length} series` }
  const numbered = /^\d+$/.test(column) ? series[Number(column) - 1] : undefined
  const likely = numbered ?? series.find(({ name }) => name.toLowerCase() === column.toLowerCase())
  if (likely) return likely
  throw invalidTrace(file, `it has no series ${JSON.stringify(column)}`, `${listed} | sum | max`)
}
