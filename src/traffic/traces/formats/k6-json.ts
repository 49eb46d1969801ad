import { invalidTrace, type Point, type TraceFormat } from '../format.ts'
import { momentIn } from '../moment.ts'
import { traceWords } from '../words.ts'
import { parseJson } from './prometheus.ts'

interface K6Line {
  type?: string
  metric?: string
  data?: { time?: string; value?: number }
}

/** `k6 run --out json`: one JSON object on each line. */
export const k6Json: TraceFormat = {
  name: 'k6-json',
  description: 'JSON lines of k6 run --out json',
  matches: (text) => /^\s*\{[^\n]*"type"\s*:\s*"(Metric|Point)"/.test(text),
  read(text, file, { column = 'vus' }) {
    const points: Point[] = []
    const metrics = new Set<string>()
    const lines = text.trimEnd().split('\n')
    // A run that was interrupted ends in the middle of a line.
    const cutOff = lines.length > 1 && !lines.at(-1)!.trimEnd().endsWith('}')
    if (cutOff) lines.pop()
    for (const [i, line] of lines.entries()) {
      if (line.trim() === '') continue
      const where = `${file}:${i + 1}`
      const { type, metric = '', data } = parseJson(line, where) as K6Line
      if (type !== 'Point') continue
      metrics.add(metric)
      if (metric !== column) continue
      const at = momentIn(data?.time ?? '')
      if (!at || typeof data?.value !== 'number')
        throw invalidTrace(where, 'a point has no time or no value', 'lines of k6 run --out json')
      points.push({ time: at.seconds, value: data.value, where })
    }
    if (points.length === 0)
      throw invalidTrace(file, `it has no metric ${JSON.stringify(column)}`, [...metrics].join(', ') || 'vus')
    return {
      points,
      unit: 'seconds',
      values: traceWords.say('metric', { name: column }),
      notes: cutOff ? [traceWords.say('cutOff')] : [],
    }
  },
}
