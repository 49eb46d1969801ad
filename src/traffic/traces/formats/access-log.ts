import { requireNumber } from '../../../base/errors.ts'
import { invalidTrace, type Point, type TraceFormat } from '../format.ts'

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const LINE =
  /^(\S+) \S+ .*?\[(\d{1,2})\/([A-Za-z]{3})\/(\d{4}):(\d{2}):(\d{2}):(\d{2}) ([+-])(\d{2})(\d{2})\](?:[^"]*"[^"]*"[^"]*"[^"]*" "([^"]*)")?/

/** Seconds between two points of the trace. */
const STEP = 60
/** Seconds that a visitor counts as a user after a request, by default. */
const SESSION = 300

/** A longer span is a clock that was wrong. */
const MOST_DAYS = 1000

interface Request {
  readonly time: number
  readonly visitor: string
}

function requestsIn(text: string, file: string): { requests: Request[]; skipped: number } {
  const requests: Request[] = []
  let skipped = 0
  for (const line of text.split('\n')) {
    if (line.trim() === '') continue
    const found = LINE.exec(line)
    const month = found ? MONTHS.indexOf(found[3]!.toLowerCase()) : -1
    if (!found || month < 0) {
      skipped++
      continue
    }
    const [, address, day, , year, hour, minute, second, sign, zoneHours, zoneMinutes, agent = ''] = found
    const zone = (sign === '-' ? -60 : 60) * (Number(zoneHours) * 60 + Number(zoneMinutes))
    const local = Date.UTC(Number(year), month, Number(day), Number(hour), Number(minute), Number(second))
    requests.push({ time: local / 1000 - zone, visitor: `${address} ${agent}` })
  }
  if (requests.length === 0) throw invalidTrace(file, 'no line is a request', accessLog.description)
  requests.sort((a, b) => a.time - b.time)
  const days = (requests.at(-1)!.time - requests[0]!.time) / 86_400
  if (days > MOST_DAYS)
    throw invalidTrace(file, `the requests span ${Math.ceil(days)} days`, `at most ${MOST_DAYS}`)
  return { requests, skipped }
}

/** Visitors whose last request is at most a session old, at the end of every step. */
function concurrent(requests: readonly Request[], session: number): number[] {
  const first = Math.floor(requests[0]!.time / STEP)
  const last = Math.floor(requests.at(-1)!.time / STEP)
  const changes = new Float64Array(last - first + 2)
  const until = new Map<string, { from: number; to: number }>()
  const close = ({ from, to }: { from: number; to: number }) => {
    const begin = Math.floor(from / STEP) - first
    const end = Math.min(changes.length - 1, Math.floor(to / STEP) - first + 1)
    changes[begin]!++
    changes[end]!--
  }
  for (const { time, visitor } of requests) {
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
function counted(requests: readonly Request[]): number[] {
  const first = Math.floor(requests[0]!.time / STEP)
  const counts = new Array<number>(Math.floor(requests.at(-1)!.time / STEP) - first + 1).fill(0)
  for (const { time } of requests) counts[Math.floor(time / STEP) - first]!++
  return counts
}

export const accessLog: TraceFormat = {
  name: 'access-log',
  description: 'access log of a web server, in the common or combined format',
  matches: (text) =>
    LINE.test(
      text
        .slice(0, 10_000)
        .split('\n')
        .find((line) => line.trim() !== '') ?? '',
    ),
  read(text, file, { column = 'users', session = SESSION }) {
    if (column !== 'users' && column !== 'requests')
      throw invalidTrace(file, `it has no ${JSON.stringify(column)}`, 'users, requests')
    requireNumber('session', session, { above: 0 })
    const { requests, skipped } = requestsIn(text, file)
    const first = Math.floor(requests[0]!.time / STEP) * STEP
    const values = column === 'requests' ? counted(requests) : concurrent(requests, session)
    const points: Point[] = values.map((value, i) => ({ time: first + i * STEP, value, where: file }))
    const notes = skipped > 0 ? [`${skipped} of ${requests.length + skipped} lines are no requests`] : []
    return {
      points,
      unit: 'seconds',
      values:
        column === 'requests'
          ? `requests per ${STEP} s`
          : `visitors (address and browser) within ${session} s of a request, every ${STEP} s`,
      notes,
    }
  },
}
