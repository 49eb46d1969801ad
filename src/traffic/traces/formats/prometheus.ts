import { z } from 'zod'
import { shown } from '../../../base/errors.ts'
import { check } from '../../../base/options.ts'
import { chooseSeries, invalidTrace, numberIn, type TraceFormat } from '../format.ts'
import { traceWords } from '../words.ts'

const series = z.object({
  metric: z.record(z.string(), z.string()).default({}),
  values: z.array(z.tuple([z.number(), z.string()])).min(1),
})
const failure = z.object({ status: z.literal('error'), error: z.string() })
const success = z.object({
  status: z.literal('success'),
  data: z.object({ resultType: z.literal('matrix'), result: z.array(series) }),
})
/** What an instant query answers with, and promtool prints of one. */
const instant = z.union([
  z.object({ data: z.object({ resultType: z.enum(['vector', 'scalar', 'string']) }) }),
  z.array(z.object({ value: z.array(z.unknown()) })).min(1),
])

const HINT = 'the answer of a range query, /api/v1/query_range'

/** JSON, or an error that names the file and not its content. */
export function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    const place = /position (\d+)/.exec((error as Error).message)?.[1]
    throw invalidTrace(
      file,
      `it is not JSON${place ? ` (at character ${place})` : ''}`,
      'one JSON value, or one on each line',
    )
  }
}

function nameOf(metric: Record<string, string>): string {
  const labels = Object.entries(metric).filter(([key]) => key !== '__name__')
  const inner = labels.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')
  return `${metric.__name__ ?? ''}${inner || !metric.__name__ ? `{${inner}}` : ''}`
}

function succeeded(json: unknown, file: string): z.infer<typeof success> {
  try {
    return check(success, json, 'the answer')
  } catch (error) {
    throw invalidTrace(file, (error as Error).message, HINT)
  }
}

export const prometheus: TraceFormat = {
  name: 'prometheus',
  description: 'JSON of a Prometheus range query, as the API answers or promtool prints it',
  matches: (text) =>
    (/^\s*\{/.test(text) && /"(resultType|errorType)"/.test(text.slice(0, 2000))) ||
    /^\s*\[\s*\{\s*"metric"\s*:/.test(text),
  read(text, file, options) {
    const json = parseJson(text, file)
    if (instant.safeParse(json).success)
      throw invalidTrace(file, 'it is the answer of an instant query, which has one moment only', HINT)
    const failed = failure.safeParse(json)
    if (failed.success)
      throw invalidTrace(file, `Prometheus answered with an error: ${shown(failed.data.error, false)}`, HINT)
    const { data } = succeeded(
      Array.isArray(json) ? { status: 'success', data: { resultType: 'matrix', result: json } } : json,
      file,
    )
    const all = data.result.map(({ metric, values }, s) => ({
      name: nameOf(metric),
      points: values.map(([time, value], i) => {
        const where = `${file}: ${s > 0 ? `result[${s}].` : ''}values[${i}]`
        const number = /^[+-]?inf/i.test(value) ? Number.NaN : numberIn(value)
        if (number === undefined || value.trim() === '')
          throw invalidTrace(where, `${shown(value)} is not allowed`, 'a number, or NaN where it is missing')
        return { time, value: number, where }
      }),
    }))
    const { points, name } = chooseSeries(all, options, file)
    return { points, unit: 'seconds', values: traceWords.say('series', { name }), notes: [] }
  },
}
