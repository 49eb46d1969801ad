import { z } from 'zod'
import { chooseSeries, invalidTrace, type Point, type TraceFormat } from '../format.ts'
import { momentIn } from '../moment.ts'
import { parseJson } from './prometheus.ts'

const moment = z.union([z.string(), z.number()])
const data = z.object({
  MetricDataResults: z.array(
    z.object({
      Id: z.string().optional(),
      Label: z.string().optional(),
      Timestamps: z.array(moment),
      Values: z.array(z.number()),
    }),
  ),
})
const statistics = z.object({
  Label: z.string().optional(),
  Datapoints: z.array(z.looseObject({ Timestamp: moment })),
})
const STATISTICS = ['Average', 'Maximum', 'Sum', 'Minimum', 'SampleCount'] as const

function secondsOf(value: string | number, where: string): number {
  if (typeof value === 'number') return value
  const found = momentIn(value)
  if (!found) throw invalidTrace(where, `${JSON.stringify(value)} is no moment`, 'ISO 8601')
  return found.seconds
}

const inTime = (points: Point[]) => points.sort((a, b) => a.time - b.time)

export const cloudwatch: TraceFormat = {
  name: 'cloudwatch',
  description: 'JSON of aws cloudwatch get-metric-data or get-metric-statistics',
  matches: (text) => /^\s*\{/.test(text) && /"(MetricDataResults|Datapoints)"\s*:/.test(text),
  read(text, file, options) {
    const json = parseJson(text, file)
    const byData = data.safeParse(json)
    if (byData.success) {
      const series = byData.data.MetricDataResults.map(({ Id, Label, Timestamps, Values }, s) => ({
        name: Label ?? Id ?? String(s + 1),
        points: inTime(
          Timestamps.slice(0, Values.length).map((each, i) => {
            const where = `${file}: MetricDataResults[${s}].Timestamps[${i}]`
            return { time: secondsOf(each, where), value: Values[i]!, where }
          }),
        ),
      }))
      const { points, name } = chooseSeries(series, options, file)
      return { points, unit: 'seconds', values: name, notes: [] }
    }
    const byStatistics = statistics.safeParse(json)
    if (!byStatistics.success)
      throw invalidTrace(file, 'it has neither MetricDataResults nor Datapoints', this.description)
    const { Datapoints, Label = 'the metric' } = byStatistics.data
    const there = STATISTICS.filter((each) => Datapoints.some((point) => typeof point[each] === 'number'))
    const series = there.map((statistic) => ({
      name: statistic,
      points: inTime(
        Datapoints.map((point, i) => {
          const where = `${file}: Datapoints[${i}]`
          const value = point[statistic]
          return {
            time: secondsOf(point.Timestamp, where),
            value: typeof value === 'number' ? value : Number.NaN,
            where,
          }
        }),
      ),
    }))
    const usual = options.column === undefined ? series.slice(0, 1) : series
    const { points, name } = chooseSeries(usual, options, file)
    const others = there.filter((each) => each !== name)
    const notes = others.length > 0 ? [`${name} was read; there are ${others.join(', ')}, too`] : []
    return { points, unit: 'seconds', values: `${name} of ${Label}`, notes }
  },
}
