import { CsvError, parse } from 'csv-parse/sync'
import { shown } from '../../base/errors.ts'
import { invalidTrace, type Row } from './format.ts'
import { cellNumber, numberStyle } from './number-column.ts'
import { isTime, isTimeHeader } from './time-column.ts'

/** What a table should be, for messages. */
export const TABLE = 'CSV with a column of times and one of users'

/** Lines in which the table is looked for, below titles and comments. */
const TITLE_LINES = 40

/** A text as cells, below a header. */
export interface Table {
  readonly header: readonly string[]
  readonly rows: readonly Row[]
  /** Of a place where a comma is the decimal separator, so that a semicolon has to separate columns. */
  readonly decimalComma: boolean
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
  const counts = [';', '\t', '|', ',', ' '].map((each) => {
    const parts = lines.map((line) => line.split(each).length - 1)
    const first = parts[0] ?? 0
    // A separator is in every line; a comma may be within numbers. Spaces are within much else.
    if (each === ' ') return [each, parts.every((n) => n === first) ? first / 1000 : 0] as const
    return [each, parts.length > 0 && parts.every((n) => n > 0) ? 1000 + first : first] as const
  })
  return counts.reduce((best, each) => (each[1] > best[1] ? each : best), [',', 0] as const)[0]
}

/** What belongs to the look of a table: blank lines, rules, the count of rows that psql prints, the separator for Excel. */
function isDecoration(cells: readonly string[], delimiter: string): boolean {
  const line = cells.join(delimiter)
  return (
    /^[-+:=|\s]*$/.test(line) ||
    /^\(\d+ rows?\)$/.test(line) ||
    cells.every((cell) => cell === '') ||
    /^sep=.?$/i.test(line)
  )
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
      .filter(({ cells }) => !isDecoration(cells, delimiter))
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    const line = (error as unknown as { lines?: number }).lines
    throw invalidTrace(`${file}${line ? `:${line}` : ''}`, 'a quote is not closed or out of place', TABLE)
  }
}

/** The header and the rows below it, where titles may come before and the header may be missing. */
function tableOf(all: readonly Row[], delimiter: string, file: string): Pick<Table, 'header' | 'rows'> {
  const isData = ({ cells }: Row) => {
    const times = cells.filter(isTime).length
    const numbers = cells.filter((cell) => Number.isFinite(cellNumber(cell, numberStyle([cell]))))
    return cells.length > 1 && times > 0 && (times > 1 || numbers.length > 0)
  }
  const first = all[0]
  if (!first) throw invalidTrace(file, 'it has no line but blank ones and comments', TABLE)
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
  return { header: above.map((name) => name.replace(/\s+/g, ' ')), rows: all.slice(top + 1) }
}

/** Reads a text as a table. Titles may be above it, and its header may be missing. */
export function readTable(text: string, file: string): Table {
  const delimiter = delimiterOf(text)
  const table = tableOf(rowsOf(text, file, delimiter), delimiter, file)
  return { ...table, decimalComma: delimiter === ';' }
}

/** @throws {ConcertinaError} INVALID_TRACE for a row that has not as many cells as the header. */
export function checkWidths({ header, rows }: Table, file: string): void {
  for (const { line, cells } of rows) {
    const extra = cells.slice(header.length)
    if (cells.length < header.length || extra.some((cell) => cell !== ''))
      throw invalidTrace(`${file}:${line}`, `${cells.length} columns`, `${header.length}, as in the header`)
  }
}
