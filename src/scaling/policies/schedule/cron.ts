import { Cron } from 'croner'
import { invalidInput } from '../../../base/errors.ts'

const MINUTE_MS = 60_000
const ALLOWED =
  'five fields (minute hour day month weekday) of numbers, *, lists, ranges, steps, names (MON, JAN), L, W or #; or @hourly, @daily, @weekly, @monthly, @yearly'

/** When a cron expression is due, in minutes on the wall of its time zone (minutes since 1970 as if that wall were UTC's). */
export interface CronTimes {
  /** The last time it was due, up to and including `wall`. */
  last(wall: number): number | undefined
  /** The first time it is due after `wall`. */
  next(wall: number): number | undefined
}

/**
 * Reads a cron expression. As in POSIX `crontab`, when both days are restricted either is enough; 7 is Sunday, too.
 * @throws {ConcertinaError} INVALID_INPUT, naming what is wrong.
 */
export function parseCron(where: string, text: string): CronTimes {
  const shown = JSON.stringify(text.slice(0, 100))
  let cron: Cron
  try {
    // The wall is taken for UTC's: no time zone is looked up, and every minute exists once.
    cron = new Cron(text.trim(), { paused: true, mode: '5-part', utcOffset: 0 })
  } catch (error) {
    throw invalidInput(where, `${shown}: ${plain((error as Error).message)}`, ALLOWED)
  }
  const minutes = (date: Date | null | undefined) => (date ? date.getTime() / MINUTE_MS : undefined)
  const times: CronTimes = {
    last: (wall) => minutes(cron.previousRuns(1, new Date((wall + 1) * MINUTE_MS))[0]),
    next: (wall) => minutes(cron.nextRun(new Date(wall * MINUTE_MS))),
  }
  if (times.next(0) === undefined) throw invalidInput(where, `${shown} is never due`, 'a date that exists')
  return times
}

const plain = (message: string) => message.replace(/^Cron\w+: /, '').replace(/\.$/, '')

const QUARTER = 15
/** Quarters of an hour after which a clock that was put back is past what it showed before. */
const REPEATED = 12

/** Turns minutes since 1970 into minutes on the wall of a time zone. Offsets change on quarters of an hour only. */
export class TimeZone {
  readonly #format: Intl.DateTimeFormat
  #quarter = Number.NaN
  #offset = 0

  /** @throws {ConcertinaError} INVALID_INPUT for an unknown IANA time zone. */
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

  /** Minutes that the wall is ahead of UTC. */
  offset(minute: number): number {
    const quarter = Math.floor(minute / QUARTER)
    if (quarter !== this.#quarter) {
      this.#quarter = quarter
      const parts = Object.fromEntries(
        this.#format
          .formatToParts(new Date(quarter * QUARTER * MINUTE_MS))
          .map(({ type, value }) => [type, Number(value)]),
      ) as Record<'year' | 'month' | 'day' | 'hour' | 'minute', number>
      const wall = Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute) / MINUTE_MS
      this.#offset = wall - quarter * QUARTER
    }
    return this.#offset
  }

  /**
   * What the wall shows, as minutes since 1970. It never goes back: while a clock that was put back shows an hour for the
   * second time, this is the end of the first.
   */
  wall(minute: number): number {
    const offset = this.offset(minute)
    const wall = minute + offset
    const quarter = Math.floor(minute / QUARTER)
    if (this.offset((quarter - REPEATED) * QUARTER) <= offset) return wall
    let changed = quarter
    while (this.offset((changed - 1) * QUARTER) === offset) changed--
    return Math.max(wall, changed * QUARTER + this.offset((changed - 1) * QUARTER) - 1)
  }
}
