import { shown } from '../../base/errors.ts'
import { DECIMAL, invalidTrace, type Reading, type Row } from './format.ts'
import { clockIn, dayFirstIn, epochUnit, momentIn } from './moment.ts'
import { traceWords } from './words.ts'

const TIME_HEADER =
  /^\W*(t|t_seconds|time|times|timestamp|timestamps|date|datetime|date[ _]?time|time[ _]?stamp|unix|epoch|ts|_time|when|elapsed)(_(ms|millis|milliseconds|s|sec|seconds|us|ns|utc|local|iso|iso8601))?\b/i

/** The same in other languages. */
const FOREIGN_TIME_HEADER =
  /^\W*(zeit|zeitpunkt|zeitstempel|datum|fecha|hora|heure|时间|时刻|日期|時間|日時|日付)(\W|$)/i

/** Whether a column of this name is one of times. */
export const isTimeHeader = (name: string) => TIME_HEADER.test(name) || FOREIGN_TIME_HEADER.test(name)

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

const HOUR = 3600
const DAY = 86_400
/** Spreadsheets count days, and this is the one of 1970-01-01. */
const UNIX_EPOCH_DAY = 25_569
/** From about 1982 to 2119. */
const SPREADSHEET_DAYS = { from: 30_000, to: 80_000 }

/** Whether numbers are days of a spreadsheet and not seconds: there are several an hour. */
function areDays(times: readonly number[]): boolean {
  const [least, most] = [times.reduce((a, b) => Math.min(a, b)), times.reduce((a, b) => Math.max(a, b))]
  const step = (most - least) / Math.max(1, times.length - 1)
  return least > SPREADSHEET_DAYS.from && most < SPREADSHEET_DAYS.to && step > 0 && step <= 1.01 / 24
}

/** Where times without a zone go back, once and by an hour, as at the end of daylight saving time. */
function setBackAt(times: readonly number[]): number | undefined {
  const back = times.flatMap((time, i) => (i > 0 && time < times[i - 1]! ? [i] : []))
  const [at] = back
  if (at === undefined || back.length > 1) return undefined
  const step = times[at]! + HOUR - times[at - 1]!
  const before = times[at - 1]! - (times[at - 2] ?? Number.NaN)
  return step > 0 && step <= 2 * before ? at : undefined
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
      'seconds, a moment (ISO 8601; a zone as Z or +02:00), or seconds or milliseconds since 1970',
    )
  })
  if (Object.values(kinds).filter((each) => each > 0).length > 1)
    throw invalidTrace(
      file,
      `${shown(name, false)} is a date in ${kinds.moment}, HH:MM in ${kinds.clock} and a number in ${kinds.number} rows`,
      'one kind of time',
    )
  const setBack = zoneless ? setBackAt(times) : undefined
  if (setBack !== undefined) for (let i = setBack; i < times.length; i++) times[i]! += HOUR
  const days = kinds.number > 0 && areDays(times)
  if (days) for (const [i, day] of times.entries()) times[i] = Math.round((day - UNIX_EPOCH_DAY) * DAY)
  const notes = [
    ...(zoneless ? [traceWords.say('zoneless')] : []),
    ...(setBack === undefined ? [] : [traceWords.say('setBack', { line: rows[setBack]!.line })]),
    ...(days ? [traceWords.say('days')] : []),
    ...(dayFirst === undefined ? [traceWords.say('monthFirst')] : []),
    ...(kinds.clock > 0 ? [traceWords.say('elapsed')] : []),
  ]
  return { times, unit: kinds.number > 0 && !days ? 'auto' : 'seconds', notes }
}
