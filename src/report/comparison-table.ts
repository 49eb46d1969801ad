import type { TraceComparison } from '../backtest/comparison.ts'
import type { FluidResult } from '../backtest/fluid.ts'
import { median, type ParetoPoint } from './pareto-points.ts'
import { milliseconds } from './terminal.ts'

/** Figures under a heading; the first column is text, the others are numbers. */
export interface FigureTable {
  readonly title: string
  readonly head: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

export const percent = (share: number, digits: number) => `${(share * 100).toFixed(digits)} %`

const eventsPerDay = ({ scalingEvents, hours }: FluidResult) => scalingEvents / ((hours || 1) / 24)
const vainShare = ({ starts, startsInVain }: FluidResult) => (starts === 0 ? 0 : startsInVain / starts)

/** The same figures of one run, or the medians of several. */
const COLUMNS: readonly [
  name: string,
  of: (result: FluidResult) => number,
  format: (value: number) => string,
][] = [
  ['p50', ({ latency }) => latency!.p50Ms, milliseconds],
  ['p95', ({ latency }) => latency!.p95Ms, milliseconds],
  ['p99', ({ latency }) => latency!.p99Ms, milliseconds],
  ['rejected', ({ latency }) => latency!.rejected, (value) => percent(value, 2)],
  ['events', ({ scalingEvents }) => scalingEvents, (value) => value.toFixed(0)],
  ['a day', eventsPerDay, (value) => value.toFixed(0)],
  ['moved', ({ usersMoved }) => usersMoved, (value) => value.toFixed(0)],
  ['in vain', vainShare, (value) => percent(value, 1)],
  ['peak', ({ peakServers }) => peakServers, (value) => value.toFixed(0)],
  ['θ_U', ({ elasticity }) => elasticity.underProvisioningAccuracy, (value) => percent(value, 1)],
  ['θ_O', ({ elasticity }) => elasticity.overProvisioningAccuracy, (value) => percent(value, 1)],
  ['τ_U', ({ elasticity }) => elasticity.underProvisioningTimeShare, (value) => percent(value, 1)],
  ['τ_O', ({ elasticity }) => elasticity.overProvisioningTimeShare, (value) => percent(value, 1)],
  ['υ', ({ elasticity }) => elasticity.instability, (value) => percent(value, 1)],
]
const NAMES = COLUMNS.map(([name]) => name)

const times = (cost: number) => `${cost.toFixed(2)} ×`

/** What every policy did on one trace, beside its floor. */
function ofTrace({ trace, floor, judged }: TraceComparison): FigureTable {
  const { attainable, feasible } = floor
  const what = `${attainable.serverHours.toFixed(1)} server-hours at ${percent(attainable.overload, 3)} overload`
  return {
    title: `${trace}: the floor is ${what}${feasible ? '' : ', the least there can be'}`,
    head: ['policy', 'overload', 'cost', ...NAMES],
    rows: judged.map(({ policy, result, cost }) => [
      policy,
      percent(result.overload, 3),
      times(cost),
      ...COLUMNS.map(([, of, format]) => format(of(result))),
    ]),
  }
}

/** What every policy did on most traces. */
function ofAll(compared: readonly TraceComparison[], allowed: number): FigureTable {
  const policies = compared[0]!.judged.map(({ policy }) => policy)
  return {
    title: `median of ${compared.length} traces, and on how many overload was at most ${+(allowed * 100).toPrecision(3)} %`,
    head: ['policy', 'within', 'overload', 'cost', ...NAMES],
    rows: policies.map((policy, i) => {
      const each = compared.map(({ judged }) => judged[i]!)
      const results = each.map(({ result }) => result)
      return [
        policy,
        String(results.filter(({ overload }) => overload <= allowed).length),
        percent(median(results.map(({ overload }) => overload)), 3),
        times(median(each.map(({ cost }) => cost))),
        ...COLUMNS.map(([, of, format]) => format(median(results.map(of)))),
      ]
    }),
  }
}

/** All figures of a comparison: a table for each trace, and one for all when there are several. */
export function comparisonTables(compared: readonly TraceComparison[], allowed: number): FigureTable[] {
  const traces = compared.map(ofTrace)
  return compared.length > 1 ? [...traces, ofAll(compared, allowed)] : traces
}

const geometricMean = (values: readonly number[]) =>
  Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length)

/** A line for each policy, the best first: on how many traces it kept to the allowance, then what it cost. */
export function verdicts(compared: readonly TraceComparison[], allowed: number): string[] {
  const policies = compared[0]?.judged.map(({ policy }) => policy) ?? []
  return policies
    .map((policy, i) => {
      const each = compared.map(({ judged }) => judged[i]!)
      const within = each.filter(({ result }) => result.overload <= allowed).length
      const changes = median(each.map(({ result }) => eventsPerDay(result)))
      const cost = geometricMean(each.map((one) => one.cost))
      const text = `${policy}: within on ${within} of ${each.length}, ${times(cost)}, ${changes.toFixed(0)} changes a day`
      return { within, cost, text }
    })
    .sort((a, b) => b.within - a.within || a.cost - b.cost)
    .map(({ text }) => text)
}

/** A table as lines of text in columns of equal width. */
export function tableText({ title, head, rows }: FigureTable): string {
  const all = [head, ...rows]
  const widths = head.map((_, i) => Math.max(...all.map((row) => row[i]!.length)))
  const line = (row: readonly string[]) =>
    row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ')
  return [title, ...all.map(line)].join('\n')
}

/** A dot of the picture for each policy on each trace. */
export function paretoPoints(compared: readonly TraceComparison[]): ParetoPoint[] {
  return compared.flatMap(({ trace, judged }) =>
    judged.map(({ policy, result, cost }) => ({
      group: policy,
      label: trace,
      overload: result.overload,
      cost,
    })),
  )
}
