const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

/** Time of day and zone, after a date: `T00:04:00.5+02:00`, `+02:00[Europe/Berlin]`, `, 1:30 PM`, ` 00:04 UTC`. */
const CLOCK =
  /^(?:[T\s,:]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*([ap]m)?)?\s*(?:(Z|UTC|GMT)?\s*([+-]\d{2}(?::?\d{2})?)?(?:\[[\w/+-]+\])?)?\s*$/i
const YEAR_FIRST = /^\s*(\d{4})(?:[-/.]|\s?年\s?)(\d{1,2})(?:[-/.]|\s?月\s?)(\d{1,2})(?:\s?日)?(?=\D|$)/
const YEAR_LAST = /^\s*(\d{1,2})([./-])(\d{1,2})[./-](\d{4})(?=\D|$)/
const DAY_MONTH_NAME = /^\s*(?:[a-z]{3,9},?\s+)?(\d{1,2})[\s/-]([a-z]{3,9})[\s/-](\d{4})(?=\D|$)/i
const MONTH_NAME_DAY = /^\s*(?:[a-z]{3,9},?\s+)?([a-z]{3,9})\.?\s+(\d{1,2}),?\s+(\d{4})(?=\D|$)/i

/** A moment that a text names. */
export interface Moment {
  /** Seconds since 1970; UTC where no zone is named. */
  readonly seconds: number
  readonly zoned: boolean
}

interface CalendarDate {
  readonly year: number
  readonly month: number
  readonly day: number
  readonly length: number
}

function dateIn(text: string, dayFirst: boolean): CalendarDate | undefined {
  const iso = YEAR_FIRST.exec(text)
  if (iso) return { year: +iso[1]!, month: +iso[2]!, day: +iso[3]!, length: iso[0].length }
  const last = YEAR_LAST.exec(text)
  if (last) {
    const [first, second] = [+last[1]!, +last[3]!]
    const inOrder = dayFirst || last[2] === '.'
    const [day, month] = inOrder ? [first, second] : [second, first]
    return { year: +last[4]!, month, day, length: last[0].length }
  }
  const named = DAY_MONTH_NAME.exec(text) ?? MONTH_NAME_DAY.exec(text)
  if (!named) return undefined
  const [day, name] = /^\d/.test(named[1]!) ? [named[1]!, named[2]!] : [named[2]!, named[1]!]
  const month = MONTHS.indexOf(name.slice(0, 3).toLowerCase()) + 1
  return { year: +named[3]!, month, day: +day, length: named[0].length }
}

function hourOf(hour: number, half: string | undefined): number {
  if (half === undefined) return hour
  return (hour % 12) + (half.toLowerCase() === 'pm' ? 12 : 0)
}

/**
 * The moment that a text names: ISO 8601, `2025/06/02 00:04`, `2025年6月2日`, `02.06.2025`, `6/2/2025 1:30 PM`,
 * `2 Jun 2025`, `Jun 2, 2025`; `undefined` for anything else.
 * @param dayFirst whether `3/4/2025` is in April; default in March
 */
export function momentIn(text: string, dayFirst = false): Moment | undefined {
  const date = dateIn(text, dayFirst)
  const clock = date && CLOCK.exec(text.slice(date.length))
  if (!date || !clock) return undefined
  const [, hour = '0', minute = '0', second = '0', fraction = '0', half, utc, offset] = clock
  const { year, month, day } = date
  const h = hourOf(Number(hour), half)
  const whole = Date.UTC(year, month - 1, day, h, Number(minute), Number(second))
  const back = new Date(whole)
  const valid =
    month >= 1 &&
    back.getUTCMonth() === month - 1 &&
    back.getUTCDate() === day &&
    Number(minute) < 60 &&
    Number(second) < 60
  if (!valid) return undefined
  const zone = /([+-])(\d{2}):?(\d{2})?/.exec(offset ?? '')
  const minutes = zone ? (zone[1] === '-' ? -1 : 1) * (Number(zone[2]) * 60 + Number(zone[3] ?? 0)) : 0
  return {
    seconds: whole / 1000 + Number(`0.${fraction}`) - minutes * 60,
    zoned: utc !== undefined || offset !== undefined,
  }
}

/** Whether dates such as `13/4/2025` in the texts have the day first; `undefined` where they leave it open. */
export function dayFirstIn(texts: Iterable<string>): boolean | undefined {
  let slashed = false
  for (const text of texts) {
    const found = YEAR_LAST.exec(text)
    if (!found || found[2] === '.') continue
    slashed = true
    if (Number(found[1]) > 12) return true
    if (Number(found[3]) > 12) return false
  }
  return slashed ? undefined : false
}

/** Seconds of `HH:MM` or `HH:MM:SS`, as a time of day or a time since the start. */
export function clockIn(text: string): number | undefined {
  const found = /^\s*(\d{1,4}):([0-5]\d)(?::([0-5]\d(?:\.\d+)?))?\s*$/.exec(text)
  return found ? Number(found[1]) * 3600 + Number(found[2]) * 60 + Number(found[3] ?? 0) : undefined
}

/** Numbers above `from` are in this unit since 1970; below all, they are not moments. */
const UNITS = [
  { from: 1e17, factor: 1e-9, name: 'nanoseconds' },
  { from: 1e14, factor: 1e-6, name: 'microseconds' },
  { from: 1e11, factor: 1e-3, name: 'milliseconds' },
  { from: 1e9, factor: 1, name: 'seconds' },
]

/** The unit since 1970 of a number of this size; `undefined` where it is not a moment. */
export const epochUnit = (time: number) => UNITS.find(({ from }) => time > from)
