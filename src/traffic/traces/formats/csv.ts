import { CsvError, parse } from 'csv-parse/sync'
import { shown } from '../../../base/errors.ts'
import { suggest } from '../../../base/nearest.ts'
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
import { isTime, isTimeHeader, type TimeColumn, timeColumn, timesOf } from '../time-column.ts'

/** A column of this name holds the users where several columns are numbers. */
const USUAL =
  /^(user[ _]?count|users|value|_value|vus|connections|active[ _]connections|concurrent[ _]users)$/i
/** Lines in which the table is looked for, below titles and comments. */
const TITLE_LINES = 40

interface Table {
  readonly header: readonly string[]
  readonly rows: readonly Row[]
}

/** The separator that most of the first lines have, outside quotes; Excel may name it in a line of its own. */
function delimiterOf(text: string): string {
  const named = /^sep=(.)\r?\n/i.exec(text)
  if (named) return named[1]!
  const lines = text
    .slice(0, 20_000)
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '' && !line.startsWith('#'))
    .slice(0, 10)
    .map((line) => line.replace(/"[^"]*"/g, ''))
  const counts = [';', '\t', '|', ','].map((each) => {
    const parts = lines.map((line) => line.split(each).length - 1)
    // A separator is in every line; a comma may be within numbers.
    return [each, parts.length > 0 && parts.every((n) => n > 0) ? 1000 + parts[0]! : (parts[0] ?? 0)] as const
  })
  return counts.reduce((best, each) => (each[1] > best[1] ? each : best), [',', 0] as const)[0]
}

function rowsOf(text: string, file: string, delimiter: string): Row[] {
  try {
    const records = parse(text, {
      delimiter,
      bom: true,
      info: true,
      comment: '#',
      comment_no_infix: true,
      relax_column_count: true,
      skip_empty_lines: true,
      trim: true,
    }) as unknown as { record: string[]; info: { lines: number } }[]
    return records
      .map(({ record, info }) => ({ line: info.lines, cells: record }))
      .filter(({ cells }) => cells.some((cell) => cell !== '') && !/^sep=.?$/i.test(cells.join(delimiter)))
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    const line = (error as unknown as { lines?: number }).lines
    throw invalidTrace(
      `${file}${line ? `:${line}` : ''}`,
      'a quote is not closed or out of place',
      csv.description,
    )
  }
}

/** The header and the rows below it, where titles may come before and the header may be missing. */
function tableOf(all: readonly Row[], delimiter: string, file: string): Table {
  const isData = ({ cells }: Row) => {
    const times = cells.filter(isTime).length
    const numbers = cells.filter((cell) => Number.isFinite(cellNumber(cell, numberStyle([cell]))))
    return cells.length > 1 && times > 0 && (times > 1 || numbers.length > 0)
  }
  const first = all[0]
  if (!first) throw invalidTrace(file, 'it has no line but blank ones and comments', csv.description)
  const named = all
    .slice(0, TITLE_LINES)
    .findIndex(({ cells }) => cells.length > 1 && cells.some(isTimeHeader))
  const data = all.slice(0, TITLE_LINES).findIndex(isData)
  const headless = named < 0 || (data >= 0 && data < named)
  const top = headless ? data - 1 : named
  const width = data < 0 ? first.cells.length : all[data]!.cells.length
  const above = all[top]?.cells ?? []
  if (headless && (data <= 0 || above.length !== width)) {
    if (data < 0 && first.cells.length > 1) return { header: first.cells, rows: all.slice(1) }
    if (data < 0)
      throw invalidTrace(
        `${file}:1`,
        `the first line is ${shown(first.cells.join(delimiter))}`,
        'a column of times and one of users, separated by comma, semicolon or tab',
      )
    return { header: all[data]!.cells.map((_, i) => `column ${i + 1}`), rows: all.slice(data) }
  }
  return { header: above, rows: all.slice(top + 1) }
}

/** Of Locust's rows those that hold the total. */
function onlyTotals({ header, rows }: Table): { table: Table; notes: string[] } {
  const name = header.indexOf('Name')
  if (header.includes('User Count') && name >= 0) {
    const totals = rows.filter(({ cells }) => cells[name] === 'Aggregated')
    if (totals.length > 0 && totals.length < rows.length)
      return { table: { header, rows: totals }, notes: ['only the rows Aggregated of Locust were read'] }
  }
  return { table: { header, rows }, notes: [] }
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
      throw invalidTrace(`${file}:${line}`, 'timestamp or metric_value is no number', 'numbers')
    points.push({ time: Number(time), value: number, where: `${file}:${line}` })
  }
  if (points.length === 0)
    throw invalidTrace(file, `it has no metric ${shown(column)}`, suggest(column, [...metrics]))
  return { points, unit: 'auto', values: `metric ${column} of k6`, notes: [] }
}

function checkWidths({ header, rows }: Table, file: string): void {
  for (const { line, cells } of rows) {
    const extra = cells.slice(header.length)
    if (cells.length < header.length || extra.some((cell) => cell !== ''))
      throw invalidTrace(`${file}:${line}`, `${cells.length} columns`, `${header.length}, as in the header`)
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
  const style = numberStyle(cells)
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
  description: 'CSV with a column of times and one of users',
  matches: () => true,
  read(text, file, options) {
    const delimiter = delimiterOf(text)
    const all = rowsOf(text, file, delimiter)
    const whole = tableOf(all, delimiter, file)
    const { header } = whole
    if (header[0] === 'metric_name' && header[2] === 'metric_value') return k6(whole.rows, file, options)
    const { table, notes } = onlyTotals(whole)
    if (table.rows.length < 2)
      throw invalidTrace(`${file}:${all.at(-1)!.line}`, 'there are fewer than two rows', 'at least two rows')
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
    const values = label && only ? `column ${only.name} of ${name}` : `column ${name}`
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
