import { z } from 'zod'
import { ConcertinaError } from '../../base/errors.ts'
import type { Trace } from './trace.ts'

const series = z.object({
  metric: z.record(z.string(), z.string()).default({}),
  values: z.array(z.tuple([z.number(), z.string()])).min(2),
})
const answer = z.union([
  z.object({ status: z.literal('error'), error: z.string() }),
  z.object({
    status: z.literal('success'),
    data: z.object({ resultType: z.literal('matrix'), result: z.array(series) }),
  }),
])

const HINT = 'what /api/v1/query_range answers, with one series, times increasing and values of at least 0'

function refuse(where: string, wrong: string, hint = HINT): ConcertinaError {
  return new ConcertinaError('INVALID_TRACE', `${where}: ${wrong}`, { hint })
}

/**
 * Reads the answer of a Prometheus range query of one series; times begin at 0.
 * @throws {ConcertinaError} INVALID_TRACE, naming the value.
 */
export function parsePrometheus(text: string, name: string): Trace {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    throw refuse(name, `it is not JSON (${(error as Error).message})`)
  }
  const parsed = answer.safeParse(json)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!
    const [inner] = issue.code === 'invalid_union' ? (issue.errors.at(-1) ?? []) : [issue]
    throw refuse(
      `${name}: ${(inner ?? issue).path.map(String).join('.') || 'the answer'}`,
      (inner ?? issue).message,
    )
  }
  if (parsed.data.status === 'error')
    throw refuse(name, `Prometheus answered with an error: ${parsed.data.error}`)
  const { result } = parsed.data.data
  if (result.length !== 1) {
    const labels = result.slice(0, 3).map(({ metric }) => JSON.stringify(metric))
    throw refuse(
      name,
      `there are ${result.length} series${labels.length > 0 ? ` (${labels.join(', ')}…)` : ''}`,
      'one series: put sum(…) around the query',
    )
  }
  const { values } = result[0]!
  const begin = values[0]![0]
  const users = values.map(([time, value], i) => {
    const count = value.trim() === '' ? Number.NaN : Number(value)
    const where = `${name}: values[${i}]`
    if (!Number.isFinite(count) || count < 0) throw refuse(where, `${JSON.stringify(value)} is not allowed`)
    if (i > 0 && time <= values[i - 1]![0])
      throw refuse(where, `time ${time} does not come after ${values[i - 1]![0]}`)
    return count
  })
  return {
    file: name,
    times: Float64Array.from(values, ([time]) => time - begin),
    values: Float64Array.from(users),
  }
}
