import { z } from 'zod'
import { invalidInput, requireNumber } from '../../../base/errors.ts'
import { option, specKind } from '../../../base/spec-kind.ts'
import type { Policy } from '../../types.ts'
import { parseCron, TimeZone } from './cron.ts'

export interface ScheduleEntry {
  /** Five fields: minute, hour, day, month, weekday. */
  cron: string
  /** Servers from then on, until the next entry. */
  servers: number
}

export interface ScheduleOptions {
  entries: readonly ScheduleEntry[]
  /** IANA time zone in which the entries are read; UTC. */
  timeZone?: string
  /** The moment at which the run's clock is 0, ISO 8601; 1970-01-01T00:00:00Z (a Thursday) unless told. */
  start?: string
}

/** How far back it looks for the entry that holds at the beginning, in minutes: a month and a day. */
const LOOK_BACK = 32 * 24 * 60

/**
 * So many servers from a time of day on, by cron expressions in a time zone. Where clocks change, a minute that does not exist does not
 * happen, and one that exists twice happens twice. Combine it with others by `max`: then it is a minimum.
 */
export function schedulePolicy(options: ScheduleOptions): Policy {
  if (!Array.isArray(options?.entries) || options.entries.length === 0) {
    throw invalidInput('entries', 'there is none', 'at least one { cron, servers }')
  }
  const zone = new TimeZone(options.timeZone ?? 'UTC')
  const start = Date.parse(options.start ?? '1970-01-01T00:00:00Z') / 60_000
  if (!Number.isFinite(start))
    throw invalidInput('start', `${JSON.stringify(options.start)} is not a moment`, 'ISO 8601')
  const entries = options.entries.map(({ cron, servers }, i) => ({
    cron,
    matches: parseCron(`entries[${i}].cron`, cron),
    servers: requireNumber(`entries[${i}].servers`, servers, { min: 0, integer: true }),
  }))
  let looked = Number.NaN
  let current: (typeof entries)[number] | undefined

  return {
    name: 'schedule',
    limits: { cooldown: 0 },
    evaluate({ time, desiredCount }) {
      const now = Math.floor(start + time / 60)
      const from = Number.isNaN(looked) ? now - LOOK_BACK : looked + 1
      for (let minute = from; minute <= now; minute++) {
        const wall = zone.at(minute)
        current = entries.findLast(({ matches }) => matches(wall)) ?? current
      }
      looked = Math.max(now, from - 1)
      if (!current)
        return {
          servers: desiredCount,
          reason: 'no entry of the schedule has come yet',
          insufficientData: true,
        }
      return {
        servers: current.servers,
        reason: `${current.servers} servers since ${current.cron}`,
        numbers: { servers: current.servers },
      }
    },
  }
}

export const scheduleKind = specKind(
  'schedule',
  {
    entries: z
      .array(z.strictObject({ cron: z.string(), servers: z.number().int().min(0) }))
      .min(1)
      .meta({
        description: 'servers from a time on, by cron expressions',
        examples: [
          [
            { cron: '0 8 * * *', servers: 10 },
            { cron: '0 20 * * *', servers: 2 },
          ],
        ],
      }),
    timeZone: option(z.string(), 'IANA time zone of the entries', 'UTC'),
    start: option(z.string(), 'the moment at which the run is at 0 s, ISO 8601', '1970-01-01T00:00:00Z'),
  },
  schedulePolicy,
)
