import { shown } from '../../../base/errors.ts'
import { suggest } from '../../../base/suggest.ts'
import {
  chooseSeries,
  DECIMAL,
  invalidTrace,
  numberIn,
  type Point,
  type Reading,
  type Row,
  type TraceFormat,
  type TraceOptions,
} from '../format.ts'
import { cellNumber, numberStyle } from '../number-column.ts'
import { checkWidths, readTable, TABLE, type Table } from '../table.ts'
import { type TimeColumn, timeColumn, timesOf } from '../time-column.ts'
import { traceWords } from '../words.ts'

/** A column of this name holds the users where several columns are numbers. */
const USUAL =
  /^(user[ _]?count|users|value|_value|vus|connections|active[ _]connections|concurrent[ _]users|用户|用户数|并发用户|在线用户)$/i
/** Of Locust's rows those that hold the total. */
function onlyTotals(table: Table): { table: Table; notes: string[] } {
  const { header, rows } = table
  const name = header.indexOf('Name')
  if (header.includes('User Count') && name >= 0) {
    const totals = rows.filter(({ cells }) => cells[name] === 'Aggregated')
    if (totals.length > 0 && totals.length < rows.length)
      return { table: { ...table, rows: totals }, notes: [traceWords.say('totals')] }
  }
  return { table, notes: [] }
}

function k6(rows: readonly Row[], file: string, { column = 'vus' }: TraceOptions): Reading {
  const points: Point[] = []
  const metrics = new Set<string>()
  for (const { line, cells } of rows) {
    const [metric = '', time = '', value = ''] = cells
    metrics.add(metric)
    if (metric !== column) continue
    const number = numberIn(value)
    if (!DECIMAL.test(time) || number === undefined)
      throw invalidTrace(`${file}:${line}`, 'timestamp or metric_value is not a number', 'numbers')
    points.push({ time: Number(time), value: number, where: `${file}:${line}` })
  }
  if (points.length === 0)
    throw invalidTrace(file, `it has no metric ${shown(column)}`, suggest(column, [...metrics]))
  return { points, unit: 'auto', values: traceWords.say('metricOfK6', { name: column }), notes: [] }
}

/** The threads of JMeter: each row is a request, and the most of a second are those that were there. */
function jmeter({ header, rows }: Table, file: string): Reading {
  const [time, threads] = [header.indexOf('timeStamp'), header.indexOf('allThreads')]
  const most = new Map<number, Point>()
  for (const { line, cells } of rows) {
    const [second, value] = [Math.floor(Number(cells[time]) / 1000), numberIn(cells[threads] ?? '')]
    const where = `${file}:${line}`
    if (!Number.isFinite(second) || value === undefined)
      throw invalidTrace(where, 'timeStamp or allThreads is not a number', 'results of JMeter as CSV')
    if (value > (most.get(second)?.value ?? -1)) most.set(second, { time: second, value, where })
  }
  return {
    points: [...most.values()],
    unit: 'seconds',
    values: traceWords.say('threads'),
    notes: [],
  }
}

/** Whether the cells of a column are numbers, or say that the value is missing. */
function isNumeric(cells: readonly string[]): boolean {
  const style = numberStyle(cells)
  const numbers = cells.map((cell) => cellNumber(cell, style))
  const bad = numbers.filter((number) => number === undefined).length
  return numbers.some((number) => Number.isFinite(number)) && bad <= cells.length / 4
}

/** Columns of text that distinguish rows of the same time: each of their values is a series of its own. */
function labelsOf(
  { header, rows }: Table,
  times: readonly number[],
  time: TimeColumn,
): ((row: Row) => string) | undefined {
  if (new Set(times).size > 0.9 * rows.length) return undefined
  const texts = header.flatMap((_, i) => {
    const cells = rows.slice(0, 200).map(({ cells }) => cells[i] ?? '')
    return i === time.at || i === time.clock || isNumeric(cells) ? [] : [i]
  })
  const label = ({ cells }: Row) => texts.map((i) => cells[i] ?? '').join(' ')
  const keys = new Set(rows.map((row, i) => `${times[i]} ${label(row)}`))
  return texts.length > 0 && keys.size > 0.9 * rows.length ? label : undefined
}

/** A number with its unit, as in what Grafana calls formatted data: `50 req/s`, `12%`. */
const WITH_UNIT = /^[+-]?\d[\d.,]*\s*[\p{L}%°$€£]\D*$/u

const allowedFor = (cell: string) =>
  WITH_UNIT.test(cell)
    ? 'a number of at least 0 without a unit; from Grafana: the raw values, with "Formatted data" off'
    : 'a number of at least 0'

function firstWithUnit(
  { rows }: Table,
  { at, clock }: TimeColumn,
): { line: number; cell: string } | undefined {
  for (const { line, cells } of rows.slice(0, 200)) {
    const cell = cells.find((each, i) => i !== at && i !== clock && WITH_UNIT.test(each))
    if (cell !== undefined) return { line, cell }
  }
  return undefined
}

function columnPoints(table: Table, i: number, times: readonly number[], file: string): Point[] {
  const cells = table.rows.map((row) => row.cells[i] ?? '')
  const style = numberStyle(cells, table.decimalComma)
  return cells.map((cell, r) => {
    const where = `${file}:${table.rows[r]!.line}`
    const value = cellNumber(cell, style)
    if (value === undefined || value < 0)
      throw invalidTrace(where, `${shown(table.header[i], false)} is ${shown(cell)}`, allowedFor(cell))
    return { time: times[r]!, value, where }
  })
}

export const csv: TraceFormat = {
  name: 'csv',
  description: TABLE,
  matches: () => true,
  read(text, file, options) {
    const whole = readTable(text, file)
    const { header } = whole
    if (header[0] === 'metric_name' && header[2] === 'metric_value') return k6(whole.rows, file, options)
    if (header.includes('allThreads') && options.column === undefined) return jmeter(whole, file)
    const { table, notes } = onlyTotals(whole)
    if (table.rows.length < 2)
      throw invalidTrace(
        file,
        `it has ${table.rows.length === 0 ? 'no row' : 'one row'}`,
        'at least two rows',
      )
    checkWidths(table, file)
    const time = timeColumn(header, table.rows)
    if (!time)
      throw invalidTrace(`${file}:1`, 'no column has times', 'a column of times, named time or timestamp')
    const { times, unit, notes: timeNotes } = timesOf(table.rows, time, file)
    const { column } = options
    const isChosen = (i: number) => column !== undefined && (header[i] === column || String(i + 1) === column)
    const columns = header.flatMap((name, i) => {
      if (i === time.at || i === time.clock || (name === '' && !isChosen(i))) return []
      const some = table.rows.slice(0, 200).map(({ cells }) => cells[i] ?? '')
      return isChosen(i) || header.length === 2 || isNumeric(some) ? [{ name, i }] : []
    })
    const written = columns.length === 0 ? firstWithUnit(table, time) : undefined
    if (written)
      throw invalidTrace(
        `${file}:${written.line}`,
        `no column has numbers, but ${shown(written.cell)}`,
        allowedFor(written.cell),
      )
    const usual = columns.find(({ name, i }) => (column === undefined ? USUAL.test(name) : isChosen(i)))
    const label = labelsOf(table, times, time)
    const only = usual ?? (columns.length === 1 ? columns[0] : undefined)
    const series =
      label && only
        ? byLabel(columnPoints(table, only.i, times, file), table.rows.map(label))
        : (usual ? [usual] : columns).map(({ name, i }) => ({
            name,
            points: columnPoints(table, i, times, file),
          }))
    const { points, name } = chooseSeries(series, usual && !label ? {} : options, file)
    const values =
      label && only
        ? traceWords.say('column', { name: `${only.name} of ${name}` })
        : traceWords.say('column', { name })
    return { points, unit, values, notes: [...notes, ...timeNotes] }
  },
}

function byLabel(points: readonly Point[], labels: readonly string[]) {
  const series = new Map<string, Point[]>()
  for (const [i, point] of points.entries()) {
    const label = labels[i]!
    const of = series.get(label)
    if (of) of.push(point)
    else series.set(label, [point])
  }
  return [...series].map(([name, of]) => ({ name, points: of }))
}
