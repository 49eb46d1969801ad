import { shown } from '../../base/errors.ts'
import { DECIMAL, invalidTrace, type Reading, type Row } from './format.ts'
import { clockIn, dayFirstIn, epochUnit, momentIn } from './moment.ts'

const TIME_HEADER =
  /^\W*(t|t_seconds|time|times|timestamp|timestamps|date|datetime|date[ _]?time|time[ _]?stamp|unix|epoch|ts|_time|when|elapsed)(_(ms|millis|milliseconds|s|sec|seconds|us|ns|utc|local|iso|iso8601))?\b/i

/** Whether a column of this name is one of times. */
export const isTimeHeader = (name: string) => TIME_HEADER.test(name)

/** Whether a cell may be a time. */
export const isTime = (cell: string) =>
  DECIMAL.test(cell) || momentIn(cell) !== undefined || clockIn(cell) !== undefined

/** Whether a cell can hardly be anything but a time: a date, or a number since 1970. */
const isMoment = (cell: string) =>
  momentIn(cell) !== undefined || (DECIMAL.test(cell) && epochUnit(Number(cell)) !== undefined)

/** Where the times of a table are. */
export interface TimeColumn {
  /** The column of times, or of dates where another has the time of day. */
  readonly at: number
  readonly name: string
  /** The column of the time of day. */
  readonly clock?: number
}

/** The column of times: by its name, else the first whose cells are dates or since 1970, else that may be times. */
export function timeColumn(header: readonly string[], rows: readonly Row[]): TimeColumn | undefined {
  const some = rows.slice(0, 20)
  const all = (i: number, is: (cell: string) => boolean) => some.every(({ cells }) => is(cells[i] ?? ''))
  const named = header.flatMap((name, i) => (isTimeHeader(name) ? [i] : []))
  const first = (is: (cell: string) => boolean) => [...header.keys()].find((i) => all(i, is))
  const at = named[0] ?? first(isMoment) ?? first(isTime)
  if (at === undefined) return undefined
  const isClock = (i: number) => all(i, (cell) => clockIn(cell) !== undefined)
  const isDay = (i: number) => all(i, (cell) => momentIn(cell) !== undefined && !cell.includes(':'))
  const pair = named.length > 1 ? [named.find(isDay), named.find(isClock)] : []
  const [day, clock] = pair
  if (day !== undefined && clock !== undefined) return { at: day, name: header[day]!, clock }
  return { at, name: header[at]! }
}

/** The times of all rows, all of one kind. */
export function timesOf(
  rows: readonly Row[],
  { at, name, clock }: TimeColumn,
  file: string,
): { times: number[]; unit: Reading['unit']; notes: string[] } {
  const texts = rows.map(({ cells }) =>
    clock === undefined ? (cells[at] ?? '') : `${cells[at]} ${cells[clock]}`,
  )
  const dayFirst = dayFirstIn(texts)
  const kinds = { moment: 0, clock: 0, number: 0 }
  let zoneless = false
  const times = texts.map((text, i) => {
    const number = DECIMAL.test(text) ? Number(text) : Number.NaN
    if (number >= 0 && number < Infinity) {
      kinds.number++
      return number
    }
    const moment = momentIn(text, dayFirst)
    if (moment) {
      kinds.moment++
      zoneless ||= !moment.zoned
      return moment.seconds
    }
    const elapsed = clockIn(text)
    if (elapsed !== undefined) {
      kinds.clock++
      return elapsed
    }
    throw invalidTrace(
      `${file}:${rows[i]!.line}`,
      `${shown(name, false)} is ${shown(text)}`,
      'seconds, a moment (ISO 8601), or seconds or milliseconds since 1970',
    )
  })
  if (Object.values(kinds).filter((each) => each > 0).length > 1)
    throw invalidTrace(
      file,
      `${shown(name, false)} is a date in ${kinds.moment}, HH:MM in ${kinds.clock} and a number in ${kinds.number} rows`,
      'one kind of time',
    )
  const notes = [
    ...(zoneless ? ['the times name no zone and were read as UTC'] : []),
    ...(dayFirst === undefined ? ['the dates were read as month/day/year'] : []),
    ...(kinds.clock > 0 ? ['the times are hours:minutes since the start'] : []),
  ]
  return { times, unit: kinds.number > 0 ? 'auto' : 'seconds', notes }
}
