import { requireNumber } from '../../base/errors.ts'
import { invalidTrace, type Point, type Reading, type TraceOptions } from './format.ts'
import { traceWords } from './words.ts'

/** Seconds between two points of the trace. */
const STEP = 60
/** Seconds that a visitor counts as a user after a request, by default. */
const SESSION = 300
/** A longer span is a clock that was wrong. */
const MOST_DAYS = 1000

/** A request of an access log. */
export interface Visit {
  /** Seconds since 1970. */
  readonly time: number
  readonly visitor: string
}

/** Visitors whose last request is at most a session old, at the end of every step. */
function concurrent(visits: readonly Visit[], session: number): number[] {
  const first = Math.floor(visits[0]!.time / STEP)
  const last = Math.floor(visits.at(-1)!.time / STEP)
  const changes = new Float64Array(last - first + 2)
  const until = new Map<string, { from: number; to: number }>()
  const close = ({ from, to }: { from: number; to: number }) => {
    const begin = Math.floor(from / STEP) - first
    const end = Math.min(changes.length - 1, Math.floor(to / STEP) - first + 1)
    changes[begin]!++
    changes[end]!--
  }
  for (const { time, visitor } of visits) {
    const open = until.get(visitor)
    if (open && time <= open.to) open.to = time + session
    else {
      if (open) close(open)
      until.set(visitor, { from: time, to: time + session })
    }
  }
  for (const open of until.values()) close(open)
  let users = 0
  return Array.from({ length: last - first + 1 }, (_, i) => {
    users += changes[i]!
    return users
  })
}

/** Requests per step. */
function counted(visits: readonly Visit[]): number[] {
  const first = Math.floor(visits[0]!.time / STEP)
  const counts = new Array<number>(Math.floor(visits.at(-1)!.time / STEP) - first + 1).fill(0)
  for (const { time } of visits) counts[Math.floor(time / STEP) - first]!++
  return counts
}

/**
 * The load that the requests of an access log are: concurrent visitors, or requests per minute.
 * @param skipped lines that are not requests
 * @param allowed what the file should hold
 */
export function loadOfVisits(
  unsorted: readonly Visit[],
  skipped: number,
  allowed: string,
  file: string,
  { column = 'users', session = SESSION }: TraceOptions,
): Reading {
  if (column !== 'users' && column !== 'requests')
    throw invalidTrace(file, `it has no ${JSON.stringify(column)}`, 'users, requests')
  requireNumber('session', session, { above: 0 })
  if (unsorted.length === 0) throw invalidTrace(file, 'no line is a request', allowed)
  const visits = unsorted.toSorted((a, b) => a.time - b.time)
  const days = (visits.at(-1)!.time - visits[0]!.time) / 86_400
  if (days > MOST_DAYS)
    throw invalidTrace(file, `the requests span ${Math.ceil(days)} days`, `at most ${MOST_DAYS}`)
  const first = Math.floor(visits[0]!.time / STEP) * STEP
  const values = column === 'requests' ? counted(visits) : concurrent(visits, session)
  const points: Point[] = values.map((value, i) => ({ time: first + i * STEP, value, where: file }))
  return {
    points,
    unit: 'seconds',
    values:
      column === 'requests'
        ? traceWords.say('requests', { seconds: STEP })
        : traceWords.say('visitors', { session, step: STEP }),
    notes: skipped > 0 ? [traceWords.say('skipped', { skipped, all: visits.length + skipped })] : [],
  }
}
