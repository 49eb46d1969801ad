import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { ConcertinaError, invalidInput, requireNumber } from '../../base/errors.ts'
import { specKind } from '../../base/spec-kind.ts'
import type { LoadPattern } from '../load-pattern.ts'
import { parsePrometheus } from './prometheus.ts'

/** A recorded load: `values[i]` at `times[i]` seconds, times increasing. */
export interface Trace {
  readonly file: string
  readonly times: Float64Array
  readonly values: Float64Array
}

const HEADER = 't_seconds,value'
/** What `Number` takes, less the empty cell and hexadecimal, octal and binary numbers. */
const DECIMAL = /^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i

/**
 * Reads the text of a CSV trace with the header `t_seconds,value`.
 * @throws {ConcertinaError} INVALID_TRACE, naming file and line.
 */
export function parseTrace(text: string, file: string): Trace {
  const fail = (line: number, wrong: string, hint: string): never => {
    throw new ConcertinaError('INVALID_TRACE', `${file}:${line}: ${wrong}`, { hint })
  }
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  while (lines.length > 0 && lines.at(-1)!.trim() === '') lines.pop()
  if (lines[0]?.trim() !== HEADER)
    fail(1, `the header is ${JSON.stringify(lines[0] ?? '')}`, `the header ${HEADER}`)
  if (lines.length < 3)
    fail(lines.length, 'there are fewer than two rows', 'at least two rows of t_seconds,value')
  const times = new Float64Array(lines.length - 1)
  const values = new Float64Array(lines.length - 1)
  for (let i = 1; i < lines.length; i++) {
    const cells = lines[i]!.split(',')
    if (cells.length !== 2)
      fail(i + 1, `${cells.length} columns in ${JSON.stringify(lines[i])}`, 'two numbers: t_seconds,value')
    const [time, value] = cells.map((cell) => (DECIMAL.test(cell) ? Number(cell) : Number.NaN)) as [
      number,
      number,
    ]
    if (!(time >= 0 && time < Infinity)) {
      fail(i + 1, `t_seconds is ${JSON.stringify(cells[0])}`, 'seconds, a number of at least 0')
    }
    if (!(value >= 0 && value < Infinity))
      fail(i + 1, `value is ${JSON.stringify(cells[1])}`, 'a number of at least 0')
    if (i > 1 && time <= times[i - 2]!) {
      fail(
        i + 1,
        `t_seconds ${time} does not follow ${times[i - 2]}`,
        'times that increase from line to line',
      )
    }
    times[i - 1] = time
    values[i - 1] = value
  }
  return { file, times, values }
}

/**
 * Reads a trace from a file: CSV, or the JSON that a Prometheus range query answers.
 * @throws {ConcertinaError} FILE_ACCESS when it cannot be read; INVALID_TRACE, naming the line or the value.
 */
export function readTrace(file: string): Trace {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    const wrong = code === 'ENOENT' ? 'there is no such file' : `cannot be read (${code})`
    throw new ConcertinaError('FILE_ACCESS', `${file}: ${wrong}`, {
      hint: `a CSV file with the header ${HEADER}, or the JSON of a Prometheus range query`,
    })
  }
  return text.trimStart().startsWith('{') ? parsePrometheus(text, file) : parseTrace(text, file)
}

/**
 * Concurrent users as recorded, on straight lines between the points. `speed` 60 plays an hour in a minute; `scale`
 * multiplies the values.
 */
export function tracePattern(trace: Trace, options: { speed?: number; scale?: number } = {}): LoadPattern {
  const speed = requireNumber('speed', options.speed ?? 1, { above: 0 })
  const scale = requireNumber('scale', options.scale ?? 1, { above: 0 })
  const { times, values } = trace
  const first = times[0]!
  const last = times.at(-1)!
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
    users(time) {
      const at = Math.min(first + time * speed, last)
      const i = find(at)
      if (i + 1 === times.length) return values[i]! * scale
      const share = (at - times[i]!) / (times[i + 1]! - times[i]!)
      return (values[i]! + (values[i + 1]! - values[i]!) * share) * scale
    },
  }
}

const factor = z.number().positive().optional()

/** How a config file names a trace: `file`, and `speed` and `scale` where they are not 1. */
export const traceKind = specKind(
  'trace',
  { file: z.string(), speed: factor, scale: factor },
  ({ file, ...options }) => {
    if (typeof file !== 'string' || file === '')
      throw invalidInput('file', 'is missing', 'the path of a CSV trace')
    return tracePattern(readTrace(file), options)
  },
)
