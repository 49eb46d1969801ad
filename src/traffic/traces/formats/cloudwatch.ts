import { z } from 'zod'
import { chooseSeries, invalidTrace, type Point, type TraceFormat } from '../format.ts'
import { momentIn } from '../moment.ts'
import { traceWords } from '../words.ts'
import { parseJson } from './prometheus.ts'

const moment = z.union([z.string(), z.number()])
const data = z.object({
  MetricDataResults: z.array(
    z.object({
      Id: z.string().optional(),
      Label: z.string().optional(),
      Timestamps: z.array(moment),
      Values: z.array(z.number()),
      StatusCode: z.string().optional(),
    }),
  ),
  NextToken: z.string().optional(),
})
const statistics = z.object({
  Label: z.string().optional(),
  Datapoints: z.array(z.looseObject({ Timestamp: moment })),
})
const STATISTICS = ['Average', 'Maximum', 'Sum', 'Minimum', 'SampleCount'] as const

function secondsOf(value: string | number, where: string): number {
  if (typeof value === 'number') return value
  const found = momentIn(value)
  if (!found) throw invalidTrace(where, `${JSON.stringify(value)} is not a moment`, 'ISO 8601')
  return found.seconds
}

const inTime = (points: Point[]) => points.sort((a, b) => a.time - b.time)

type Result = z.infer<typeof data>['MetricDataResults'][number]

/** The label of a result, with its id where another has the same label. */
function nameOf({ Id, Label }: Result, at: number, all: readonly Result[]): string {
  const name = Label ?? Id ?? String(at + 1)
  const alone = all.filter((each) => each.Label === name).length < 2
  return alone ? name : `${name} (${Id ?? at + 1})`
}

const isWhole = (status: string | undefined) => status === undefined || status === 'Complete'

export const cloudwatch: TraceFormat = {
  name: 'cloudwatch',
  description: 'JSON of aws cloudwatch get-metric-data or get-metric-statistics',
  matches: (text) => /^\s*\{/.test(text) && /"(MetricDataResults|Datapoints)"\s*:/.test(text),
  read(text, file, options) {
    const json = parseJson(text, file)
    const byData = data.safeParse(json)
    if (byData.success) {
      const { MetricDataResults: results, NextToken } = byData.data
      const series = results.map((result, s) => {
        const place = `${file}: MetricDataResults[${s}]`
        const { Timestamps, Values } = result
        if (Timestamps.length !== Values.length)
          throw invalidTrace(place, `${Timestamps.length} Timestamps and ${Values.length} Values`, 'as many')
        const points = Timestamps.map((each, i) => {
          const where = `${place}.Timestamps[${i}]`
          return { time: secondsOf(each, where), value: Values[i]!, where }
        })
        return { name: nameOf(result, s, results), points: inTime(points) }
      })
      const { points, name } = chooseSeries(series, options, file)
      const partial = NextToken !== undefined || results.some(({ StatusCode }) => !isWhole(StatusCode))
      const notes = partial ? [traceWords.say('partial')] : []
      return { points, unit: 'seconds', values: name, notes }
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
    const notes =
      others.length > 0 ? [traceWords.say('others', { one: name, others: others.join(', ') })] : []
    return { points, unit: 'seconds', values: `${name} of ${Label}`, notes }
  },
}
