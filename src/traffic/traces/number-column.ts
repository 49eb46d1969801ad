import { DECIMAL, numberIn } from './format.ts'

const SUFFIXES: Record<string, number> = { k: 1e3, m: 1e6, mil: 1e6, thousand: 1e3 }
const SUFFIXED = /^(.*\d)\s*(k|m|mil|thousand)$/i
/** `1,234`, `1,234,567.5` */
const COMMA_GROUPS = /^[+-]?\d{1,3}(,\d{3})+(\.\d+)?$/
/** `1.234,5`, `1234,5`, `1 234,5` */
const DECIMAL_COMMA = /^[+-]?(\d{1,3}(\.\d{3})+|\d+),\d+$/
/** `1.234`: thousands where a comma is the decimal separator, as in files that are separated by semicolons. */
const POINT_GROUPS = /^[+-]?\d{1,3}(\.\d{3})+$/
/** Thousands are set apart by these in some languages and programs, and decimals by none. */
const SPACES = /(?<=\d)[\s\u00a0\u202f'’_](?=\d{3}(\D|$))/g

/** How the numbers of one column are written. */
export interface NumberStyle {
  readonly comma: 'none' | 'decimal' | 'thousands'
  /** Points set thousands apart. */
  readonly groups?: boolean
}

/**
 * How a column writes its numbers, by all of its cells.
 * @param local whether the file is of a place where a comma is the decimal separator, as far as that can be seen
 */
export function numberStyle(cells: readonly string[], local = false): NumberStyle {
  const pointed = cells.filter((cell) => cell.includes('.') && !cell.includes(','))
  const groups =
    pointed.length > 0 &&
    pointed.every((cell) => POINT_GROUPS.test(cell)) &&
    (local || pointed.some((cell) => cell.split('.').length > 2))
  let grouped = false
  for (const cell of cells) {
    const text = cell.replace(SPACES, '').trim()
    if (!text.includes(',')) continue
    if (COMMA_GROUPS.test(text)) grouped = true
    else if (DECIMAL_COMMA.test(text)) return { comma: 'decimal', groups }
  }
  return { comma: grouped ? 'thousands' : 'none', groups }
}

/** The number of a cell; `NaN` where it says that the value is missing; `undefined` for anything else. */
export function cellNumber(cell: string, { comma, groups = false }: NumberStyle): number | undefined {
  if (groups && POINT_GROUPS.test(cell)) return Number(cell.replaceAll('.', ''))
  if (DECIMAL.test(cell)) return Number(cell)
  const suffix = SUFFIXED.exec(cell.trim())
  const factor = suffix ? SUFFIXES[suffix[2]!.toLowerCase()]! : 1
  const text = (suffix?.[1] ?? cell).replace(SPACES, '').trim()
  const plain =
    comma === 'thousands' && COMMA_GROUPS.test(text)
      ? text.replaceAll(',', '')
      : comma === 'decimal' && DECIMAL_COMMA.test(text)
        ? text.replaceAll('.', '').replace(',', '.')
        : text
  const number = numberIn(plain)
  return number === undefined ? undefined : number * factor
}
