import { z } from 'zod'
import { type OptionsOf, option, optionSet, seconds } from '../../base/options.ts'
import { specKind } from '../../base/spec-kind.ts'
import { readTextFile } from '../../base/text-file.ts'
import type { LoadPattern } from '../load-pattern.ts'
import { knownBinary } from './binaries.ts'
import { invalidTrace, type Point, type Reading, type TraceOptions } from './format.ts'
import { ANY_FORMAT, formatOf } from './formats.ts'
import { epochUnit } from './moment.ts'
import { traceWords } from './words.ts'

/** A recorded load: `values[i]` at `times[i]` seconds, times increasing. */
export interface Trace {
  readonly file: string
  readonly times: Float64Array
  readonly values: Float64Array
  /** What was understood of the file. */
  readonly about?: TraceAbout
}

/** What was understood of a trace file. */
interface TraceAbout {
  readonly format: string
  /** What the values are. */
  readonly values: string
  /** The moment of the first point, milliseconds since 1970, where the file has it. */
  readonly start?: number
  /** Points whose value is missing; they are left out. */
  readonly missing: number
  /** Stretches without a point, longer than usual, in seconds of the trace: the load is a straight line there. */
  readonly gaps: readonly { readonly from: number; readonly to: number }[]
  /** What was found out and not said by the file. */
  readonly notes: readonly string[]
}

/** How a trace is played. */
export const playOptions = optionSet({
  speed: option(z.number().positive(), 'times as fast as it was recorded', 1),
  scale: option(z.number().positive(), 'times as many users', 1),
})

/** How a trace is read. */
export const readOptions = optionSet({
  column: option(
    z.string().min(1),
    'column, metric or series of the users: a name, a number from 1, sum or max; default the only one',
  ),
  session: option(
    seconds,
    'of an access log: seconds that a visitor counts as a user after a request; default 300',
  ),
})

const YEAR = 365.25 * 86_400
/** What a trace may span: time goes on in steps of seconds. */
const MOST_YEARS = 100
/** The share of rows that may repeat a time with another value, as at the end of daylight saving time. */
const MOST_CONFLICTS = 0.1
/** Times the usual distance between two points, from which on there is a gap. */
const GAP = 3

function inSeconds({ points, unit }: Reading): { points: readonly Point[]; note?: string } {
  const last = points.reduce((most, { time }) => Math.max(most, time), 0)
  const found = epochUnit(last)
  if (unit === 'seconds' || (unit === 'auto' && !found)) return { points }
  const { factor, name } = unit === 'auto' ? found! : { factor: 1e-3, name: unit }
  return {
    points: factor === 1 ? points : points.map((point) => ({ ...point, time: point.time * factor })),
    note: traceWords.say('epoch', { unit: name }),
  }
}

/** Points in order of time, each time once. */
function inOrder(points: readonly Point[]): { ordered: Point[]; notes: string[] } {
  const rising = (each: readonly Point[]) => each.every(({ time }, i) => i === 0 || time >= each[i - 1]!.time)
  const falling = points.every(({ time }, i) => i === 0 || time < points[i - 1]!.time)
  const shuffled = !falling && !rising(points)
  const sorted = shuffled || falling ? points.toSorted((a, b) => a.time - b.time) : points
  const ordered: Point[] = []
  const conflicts: Point[] = []
  for (const point of sorted) {
    const before = ordered.at(-1)
    if (before?.time !== point.time) ordered.push(point)
    else {
      if (!Object.is(before.value, point.value)) conflicts.push(point)
      ordered[ordered.length - 1] = point
    }
  }
  if (conflicts.length > MOST_CONFLICTS * points.length) {
    const { where, time } = conflicts[0]!
    const shown = epochUnit(time) ? new Date(time * 1000).toISOString() : time
    const wrong = `time ${shown} is there twice, with different values`
    throw invalidTrace(
      where,
      wrong,
      'one value for each time, or a column of text that distinguishes the rows',
    )
  }
  const repeated = points.length - ordered.length - conflicts.length
  return {
    ordered,
    notes: [
      ...(shuffled ? [traceWords.say('sorted')] : []),
      ...(repeated > 0 ? [traceWords.say('repeated', { count: repeated })] : []),
      ...(conflicts.length > 0 ? [traceWords.say('conflicts', { count: conflicts.length })] : []),
    ],
  }
}

function gapsIn(times: Float64Array): { from: number; to: number }[] {
  const steps = times.slice(1).map((time, i) => time - times[i]!)
  const usual = steps.toSorted()[Math.floor(steps.length / 2)]!
  return [...steps].flatMap((step, i) => (step > GAP * usual ? [{ from: times[i]!, to: times[i + 1]! }] : []))
}

/**
 * Reads the text of a trace in any format that is known.
 * @throws {ConcertinaError} INVALID_TRACE, naming the file and the line or value.
 */
export function parseTrace(text: string, file: string, options: TraceOptions = {}): Trace {
  readOptions.parse(options)
  const body = text.replace(/^\uFEFF/, '')
  if (body.trim() === '') throw invalidTrace(file, 'it is empty', ANY_FORMAT)
  const format = formatOf(body, file)
  const reading = format.read(body, file, options)
  const { points, note } = inSeconds(reading)
  const { ordered, notes } = inOrder(points)
  const known = ordered.filter(({ value }) => !Number.isNaN(value))
  if (known.length < 2)
    throw invalidTrace(file, 'there are fewer than two points with a value', 'at least two')
  const negative = known.find(({ value }) => !(value >= 0 && value < Infinity))
  if (negative)
    throw invalidTrace(negative.where, `${negative.value} is not allowed`, 'a number of at least 0')
  const first = known[0]!.time
  const last = known.at(-1)!
  if (last.time - first > MOST_YEARS * YEAR)
    throw invalidTrace(
      last.where,
      `it is ${((last.time - first) / YEAR).toPrecision(2)} years after the first point`,
      `at most ${MOST_YEARS} years`,
    )
  const absolute = epochUnit(first) !== undefined
  const times = Float64Array.from(known, ({ time }) => (absolute ? time - first : time))
  return {
    file,
    times,
    values: Float64Array.from(known, ({ value }) => value),
    about: {
      format: format.name,
      values: reading.values,
      ...(absolute && { start: Math.round(first * 1000) }),
      missing: ordered.length - known.length,
      gaps: gapsIn(times),
      notes: [...(note ? [note] : []), ...reading.notes, ...notes],
    },
  }
}

/**
 * Reads a trace from a file: CSV, or what monitoring and load tools write (see `concertina trace --help`), packed by gzip or not.
 * @throws {ConcertinaError} FILE_ACCESS when it cannot be read; INVALID_TRACE, naming the line or the value.
 */
export function readTrace(file: string, options: TraceOptions = {}): Trace {
  const notes: string[] = []
  const text = readTextFile(file, ANY_FORMAT, knownBinary, (note) => notes.push(note))
  const { about, ...trace } = parseTrace(text, file, options)
  return { ...trace, ...(about && { about: { ...about, notes: [...notes, ...about.notes] } }) }
}

/**
 * Concurrent users as recorded, on straight lines between the points. `speed` 60 plays an hour in a minute; `scale`
 * multiplies the values.
 */
export function tracePattern(trace: Trace, options: OptionsOf<typeof playOptions.shape> = {}): LoadPattern {
  const { speed, scale } = playOptions.parse(options)
  const { times, values } = trace
  const first = times[0]!
  const last = times.at(-1)!
  const start = trace.about?.start
  let near = 0 // where the last look-up was; the answer does not depend on it
  const find = (at: number): number => {
    if (times[near]! <= at && (near + 1 === times.length || at < times[near + 1]!)) return near
    let [low, high] = [0, times.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (times[middle]! <= at) low = middle
      else high = middle - 1
    }
    near = low
    return low
  }
  return {
    duration: (last - first) / speed,
    description: `trace ${trace.file}${speed === 1 ? '' : `, ${speed} times as fast`}${scale === 1 ? '' : `, times ${scale}`}`,
    ...(start !== undefined && { recorded: { startMs: start + first * 1000, speed } }),
    users(time) {
      const at = Math.min(first + time * speed, last)
      const i = find(at)
      if (i + 1 === times.length) return values[i]! * scale
      const share = (at - times[i]!) / (times[i + 1]! - times[i]!)
      return (values[i]! + (values[i + 1]! - values[i]!) * share) * scale
    },
  }
}

/** How a config file names a trace. */
export const traceKind = specKind(
  'trace',
  {
    file: z.string().min(1).describe('path, relative to the config'),
    ...playOptions.shape,
    ...readOptions.shape,
  },
  ({ file, speed, scale, column, session }) =>
    tracePattern(readTrace(file, { column, session }), { speed, scale }),
)
