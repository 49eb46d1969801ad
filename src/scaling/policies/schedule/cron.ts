import { invalidInput } from '../../../base/errors.ts'

/** Minute, hour, day of the month, month, day of the week. */
const FIELDS = [
  { name: 'minute', from: 0, to: 59 },
  { name: 'hour', from: 0, to: 23 },
  { name: 'day', from: 1, to: 31 },
  { name: 'month', from: 1, to: 12 },
  { name: 'weekday', from: 0, to: 7 },
] as const

/** A moment on the wall of a time zone. */
export interface WallMinute {
  readonly minute: number
  readonly hour: number
  readonly day: number
  readonly month: number
  /** 0 is Sunday. */
  readonly weekday: number
}

/** Whether the cron expression names this minute. */
export type Cron = (at: WallMinute) => boolean

/**
 * Reads a cron expression of five fields: numbers, `*`, lists, ranges and steps. As in POSIX `crontab`, when both days are restricted
 * either is enough; 7 is Sunday, too.
 * @throws {ConcertinaError} INVALID_INPUT, naming the field.
 */
export function parseCron(where: string, text: string): Cron {
  const parts = text.trim().split(/\s+/)
  if (parts.length !== FIELDS.length) {
    throw invalidInput(
      where,
      `${JSON.stringify(text)} has ${parts.length} fields`,
      'five: minute hour day month weekday',
    )
  }
  const [minutes, hours, days, months, weekdays] = FIELDS.map((field, i) =>
    parseField(where, parts[i]!, field),
  ) as [Set<number>, Set<number>, Set<number>, Set<number>, Set<number>]
  if (weekdays.has(7)) weekdays.add(0)
  const anyDay = parts[2]!.startsWith('*')
  const anyWeekday = parts[4]!.startsWith('*')
  return ({ minute, hour, day, month, weekday }) => {
    if (!minutes.has(minute) || !hours.has(hour) || !months.has(month)) return false
    const [byDay, byWeekday] = [days.has(day), weekdays.has(weekday)]
    return anyDay || anyWeekday ? byDay && byWeekday : byDay || byWeekday
  }
}

function parseField(where: string, text: string, { name, from, to }: (typeof FIELDS)[number]): Set<number> {
  const bad = () =>
    invalidInput(
      where,
      `the ${name} ${JSON.stringify(text)} is not allowed`,
      `${from} to ${to}, *, a-b, a,b or */n`,
    )
  const found = new Set<number>()
  for (const part of text.split(',')) {
    const match = /^(?:\*|(\d+)(?:-(\d+))?)(?:\/(\d+))?$/.exec(part)
    if (!match) throw bad()
    const [, low, high, every] = match
    const first = low === undefined ? from : Number(low)
    const last = high !== undefined ? Number(high) : low !== undefined && every === undefined ? first : to
    const step = every === undefined ? 1 : Number(every)
    if (first < from || last > to || first > last || step < 1) throw bad()
    for (let value = first; value <= last; value += step) found.add(value)
  }
  return found
}

/** Turns minutes since 1970 into wall minutes of a time zone. Offsets from UTC are looked up every quarter of an hour. */
export class TimeZone {
  readonly #format: Intl.DateTimeFormat
  #quarter = Number.NaN
  #offset = 0

  /** @throws {ConcertinaError} INVALID_INPUT for what is no IANA time zone. */
  constructor(name: string) {
    try {
      this.#format = new Intl.DateTimeFormat('en-US', {
        timeZone: name,
        hourCycle: 'h23',
        year: 'numeric',
        month: 'numeric',
        day: 'numeric',
        hour: 'numeric',
        minute: 'numeric',
      })
    } catch {
      throw invalidInput(
        'timeZone',
        `${JSON.stringify(name)} is not known`,
        'an IANA time zone, such as Europe/Berlin',
      )
    }
  }

  at(minute: number): WallMinute {
    const quarter = Math.floor(minute / 15)
    if (quarter !== this.#quarter) {
      this.#quarter = quarter
      const parts = Object.fromEntries(
        this.#format
          .formatToParts(new Date(quarter * 15 * 60_000))
          .map(({ type, value }) => [type, Number(value)]),
      ) as Record<'year' | 'month' | 'day' | 'hour' | 'minute', number>
      const wall = Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute) / 60_000
      this.#offset = wall - quarter * 15
    }
    const wall = new Date((minute + this.#offset) * 60_000)
    return {
      minute: wall.getUTCMinutes(),
      hour: wall.getUTCHours(),
      day: wall.getUTCDate(),
      month: wall.getUTCMonth() + 1,
      weekday: wall.getUTCDay(),
    }
  }
}
