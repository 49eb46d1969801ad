import { invalidTrace, type Point, type Reading, type TraceFormat } from '../format.ts'
import { traceWords } from '../words.ts'

/** `js/all_sessions.js` of the HTML report: `allUsersData = { …, data: [[milliseconds, users], …] }`. */
const REPORT = /^\s*(?:(?:var|let|const)\s+)?allUsersData\s*=/
/** A longer run has steps of more than a second. */
const MOST_POINTS = 100_000
const PAIR = /\[\s*(\d{12,14})\s*,\s*(\d+|null)\s*\]/g

function readReport(text: string, file: string): Reading {
  const points = [...text.matchAll(PAIR)].map(([, time, users]): Point => {
    return { time: Number(time) / 1000, value: users === 'null' ? Number.NaN : Number(users), where: file }
  })
  if (points.length === 0)
    throw invalidTrace(file, 'it has no users', 'js/all_sessions.js of a report of Gatling')
  return { points, unit: 'seconds', values: traceWords.say('report'), notes: [] }
}

/** The users at the end of every second, or of every longer step of a long run: without a change they are known, too. */
function usersFrom(changes: ReadonlyMap<number, number>, file: string): Point[] {
  const seconds = [...changes].sort(([a], [b]) => a - b)
  const first = seconds[0]![0]
  const step = Math.max(1, Math.ceil((seconds.at(-1)![0] - first) / MOST_POINTS))
  const points: Point[] = []
  let users = 0
  for (const [second, change] of seconds) {
    const time = second - ((second - first) % step)
    for (let at = first + points.length * step; at <= time; at += step)
      points.push({ time: at, value: users, where: file })
    users = Math.max(0, users + change)
    points[points.length - 1] = { time, value: users, where: file }
  }
  return points
}

/** The USER lines of `simulation.log`: users are those who started and did not end. */
function readLog(text: string, file: string): Reading {
  const changes = new Map<number, number>()
  const lines = text.split(/\r?\n/)
  let cutOff = false
  for (const [i, line] of lines.entries()) {
    const [kind, , ...cells] = line.split('\t')
    if (kind !== 'USER') continue
    const event = cells.find((cell) => cell === 'START' || cell === 'END')
    const moments = cells.filter((cell) => /^\d{13}$/.test(cell)).map(Number)
    // Older logs repeat the start before the end.
    const at = event === 'END' ? moments.at(-1) : moments[0]
    if (event === undefined || at === undefined) {
      // A run that was interrupted ends in the middle of a line.
      cutOff = i === lines.length - 1
      if (cutOff) continue
      throw invalidTrace(
        `${file}:${i + 1}`,
        'it is not a USER line',
        'USER, scenario, START or END, milliseconds',
      )
    }
    const second = Math.floor(at / 1000)
    changes.set(second, (changes.get(second) ?? 0) + (event === 'START' ? 1 : -1))
  }
  if (changes.size === 0) throw invalidTrace(file, 'it has no USER line', 'a simulation.log with users')
  const points = usersFrom(changes, file)
  const notes = cutOff ? [traceWords.say('cutOff')] : []
  return { points, unit: 'seconds', values: traceWords.say('started'), notes }
}

/** Gatling's `simulation.log` (text, up to 3.11), or the active users of its HTML report. */
export const gatling: TraceFormat = {
  name: 'gatling',
  description: 'simulation.log of Gatling, or js/all_sessions.js of its report',
  matches: (text) => /^(RUN|USER|REQUEST|GROUP|ASSERTION)\t/.test(text) || REPORT.test(text),
  read: (text, file) => (REPORT.test(text) ? readReport(text, file) : readLog(text, file)),
}
