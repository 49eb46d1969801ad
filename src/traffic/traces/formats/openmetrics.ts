import { shown } from '../../../base/errors.ts'
import { chooseSeries, invalidTrace, numberIn, type Point, type TraceFormat } from '../format.ts'
import { traceWords } from '../words.ts'

const SAMPLE =
  /^([a-zA-Z_:][\w:]*(?:\{(?:[^"}]|"(?:[^"\\]|\\.)*")*\})?)\s+(\S+)\s+(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*(?:#.*)?$/

const COUNTER = /^# TYPE (\S+) counter\b/
/** The metric of a counter is named with it or without. */
const TOTAL = /_total$/

/** OpenMetrics or Prometheus text with a timestamp on each sample, as `promtool tsdb dump-openmetrics` writes it. */
export const openMetrics: TraceFormat = {
  name: 'openmetrics',
  description: 'OpenMetrics text with timestamps',
  matches: (text) =>
    text
      .slice(0, 4000)
      .split(/\r?\n/)
      .slice(0, 5)
      .some((line) => /^# (TYPE|HELP|UNIT) /.test(line) || SAMPLE.test(line)),
  read(text, file, options) {
    const series = new Map<string, Point[]>()
    const counters = new Set<string>()
    for (const [i, line] of text.split(/\r?\n/).entries()) {
      const counter = COUNTER.exec(line)?.[1]
      if (counter !== undefined) counters.add(counter.replace(TOTAL, ''))
      if (line.trim() === '' || line.startsWith('#')) continue
      const where = `${file}:${i + 1}`
      const found = SAMPLE.exec(line)
      if (!found) throw invalidTrace(where, `${shown(line)} has no timestamp`, 'NAME{LABELS} VALUE TIMESTAMP')
      const [, name, text, time] = found as unknown as [string, string, string, string]
      const value = /^[+-]?inf/i.test(text) ? Number.NaN : numberIn(text)
      if (value === undefined) throw invalidTrace(where, `the value is ${shown(text)}`, 'a number')
      const points = series.get(name) ?? []
      series.set(name, points)
      points.push({ time: Number(time), value, where })
    }
    const all = [...series].map(([name, points]) => ({ name, points }))
    const { points, name } = chooseSeries(all, options, file)
    const metric = name.replace(/\{.*/s, '')
    if (counters.has(metric.replace(TOTAL, '')))
      throw invalidTrace(
        file,
        `${metric} is a counter, which only ever rises`,
        'a gauge, such as users or connections',
      )
    return { points, unit: 'auto', values: traceWords.say('series', { name }), notes: [] }
  },
}
