import { z } from 'zod'
import { invalidInput, requireNumber } from '../../../base/errors.ts'
import { option } from '../../../base/options.ts'
import { specKind } from '../../../base/spec-kind.ts'
import { reasons } from '../../reasons.ts'
import type { Policy } from '../../types.ts'
import { parseCron, TimeZone } from './cron.ts'

/** From when on, how many servers. */
export interface ScheduleEntry {
  /** Five fields (minute, hour, day, month, weekday), or a name such as `@daily`. */
  cron: string
  /** Servers from then on, until the next entry. */
  servers: number
}

/** Options of the policy `schedule`. */
export interface ScheduleOptions {
  entries: readonly ScheduleEntry[]
  /** IANA time zone in which the entries are read; default UTC. */
  timeZone?: string
  /**
   * The moment at which the clock of a simulated run is 0, ISO 8601; default 1970-01-01T00:00:00Z (a Thursday). A fleet that
   * serves uses the time of day, whatever this is.
   */
  start?: string
}

/**
 * A number of servers from a time of day on, by cron expressions in a time zone. The state is that of the entry which was due last on
 * the wall: one that is due in an hour that a clock skips holds from the next minute that exists; an hour that a clock repeats
 * counts once. Combine it with others by `max`: then it is a minimum.
 */
export function schedulePolicy(options: ScheduleOptions): Policy {
  if (!Array.isArray(options?.entries) || options.entries.length === 0) {
    throw invalidInput('entries', 'it is empty', 'at least one { cron, servers }')
  }
  const zone = new TimeZone(options.timeZone ?? 'UTC')
  const start = Date.parse(options.start ?? '1970-01-01T00:00:00Z') / 60_000
  if (!Number.isFinite(start))
    throw invalidInput('start', `${JSON.stringify(options.start)} is not a moment`, 'ISO 8601')
  const entries = options.entries.map(({ cron, servers }, i) => ({
    cron,
    times: parseCron(`entries[${i}].cron`, cron),
    servers: requireNumber(`entries[${i}].servers`, servers, { min: 0, integer: true }),
  }))
  type Entry = (typeof entries)[number]
  let current: Entry | undefined
  /** The minutes, since 1970, for which `current` is known to hold. */
  let from = 0
  let until = 0

  const look = (minute: number) => {
    const wall = zone.wall(minute)
    let latest = Number.NEGATIVE_INFINITY
    let next = Number.POSITIVE_INFINITY
    current = undefined
    for (const entry of entries) {
      const last = entry.times.last(wall) ?? Number.NEGATIVE_INFINITY
      if (last >= latest && last > Number.NEGATIVE_INFINITY) {
        latest = last
        current = entry
      }
      next = Math.min(next, entry.times.next(wall) ?? Number.POSITIVE_INFINITY)
    }
    from = minute
    until = next === Number.POSITIVE_INFINITY ? minute + 1 : minute + (next - wall)
    // Looking too early costs nothing: after a change of the clock it looks again.
    const skipped = zone.offset(until) - zone.offset(minute)
    if (skipped > 0) until = Math.max(minute + 1, until - skipped)
  }

  return {
    name: 'schedule',
    limits: { cooldown: 0 },
    evaluate({ time, wallTime, desiredCount }) {
      const minute = Math.floor(wallTime === undefined ? start + time / 60 : wallTime / 60)
      if (minute < from || minute >= until) look(minute)
      if (!current)
        return {
          servers: desiredCount,
          reason: reasons.say('notDue'),
          insufficientData: true,
        }
      return {
        servers: current.servers,
        reason: reasons.say('scheduled', { servers: current.servers, cron: current.cron }),
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
    start: option(
      z.string(),
      'the moment at which a simulated run is at 0 s, ISO 8601; a fleet that serves uses the time of day',
      '1970-01-01T00:00:00Z',
    ),
  },
  schedulePolicy,
)
