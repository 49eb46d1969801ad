import type { CopyResult, Evaluated, TraceComparison } from '../backtest/comparison.ts'
import type { FluidResult } from '../backtest/fluid.ts'
import { type ColumnName, type ComparisonTexts, comparisonTexts } from './comparison-texts.ts'
import { median, type ParetoPoint } from './pareto-points.ts'
import { textWidth } from './styled.ts'
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

interface Column {
  readonly name: ColumnName
  /** `undefined` where it was not requested. */
  readonly of: (result: FluidResult) => number | undefined
  readonly format: (value: number) => string
}

const column = (name: ColumnName, of: Column['of'], format: Column['format']): Column => ({
  name,
  of,
  format,
})
const whole = (value: number) => value.toFixed(0)
const oneDigit = (value: number) => percent(value, 1)
const signed = (share: number) =>
  Math.abs(share) < 0.0005 ? '0 %' : `${share < 0 ? '' : '+'}${oneDigit(share)}`
const times = (cost: number) => `${cost.toFixed(2)} ×`
const MONTH_HOURS = 30 * 24
const monthly = ({ money, hours }: FluidResult) =>
  money === undefined ? undefined : (money / (hours || 1)) * MONTH_HOURS

/** The same figures of one run, or the medians of several. */
const COLUMNS: readonly Column[] = [
  column('aMonth', monthly, (value) => value.toFixed(2)),
  column('events', ({ scalingEvents }) => scalingEvents, whole),
  column('aDay', eventsPerDay, whole),
  column('step', ({ largestStep }) => largestStep, whole),
  column('moved', ({ usersMoved }) => usersMoved, whole),
  column('inVain', vainShare, oneDigit),
  column('restart', ({ afterRestart }) => afterRestart, signed),
  column('taken', ({ money, interruptions }) => (money === undefined ? undefined : interruptions), whole),
  column('peak', ({ peakServers }) => peakServers, whole),
  column('p50', ({ latency }) => latency?.p50Ms, milliseconds),
  column('p95', ({ latency }) => latency?.p95Ms, milliseconds),
  column('p99', ({ latency }) => latency?.p99Ms, milliseconds),
  column(
    'rejected',
    ({ latency }) => latency?.rejected,
    (value) => percent(value, 2),
  ),
  column('θ_U', ({ elasticity }) => elasticity.underProvisioningAccuracy, oneDigit),
  column('θ_O', ({ elasticity }) => elasticity.overProvisioningAccuracy, oneDigit),
  column('τ_U', ({ elasticity }) => elasticity.underProvisioningTimeShare, oneDigit),
  column('τ_O', ({ elasticity }) => elasticity.overProvisioningTimeShare, oneDigit),
  column('υ', ({ elasticity }) => elasticity.instability, oneDigit),
]

/** What the columns mean: their names, and the meaning. */
export function legend({ first, columns, list, meanings }: ComparisonTexts): (readonly [string, string])[] {
  const names = (...keys: readonly ColumnName[]) => keys.map((key) => columns[key]).join(list)
  return [
    [first.overload, meanings.overload],
    [first.cost, meanings.cost],
    [first.onCopies, meanings.copies],
    [columns.aMonth, meanings.month],
    [names('events', 'aDay', 'step'), meanings.events],
    [columns.moved, meanings.moved],
    [columns.inVain, meanings.inVain],
    [columns.restart, meanings.restart],
    [columns.taken, meanings.taken],
    [columns.peak, meanings.peak],
    [names('p50', 'p95', 'p99', 'rejected'), meanings.latency],
    [names('θ_U', 'θ_O', 'τ_U', 'τ_O', 'υ'), meanings.elasticity],
  ]
}

/** The columns that any of these results has. */
function columnsOf(results: readonly FluidResult[]): Column[] {
  return COLUMNS.filter(({ of }) => results.some((result) => of(result) !== undefined))
}

/** The best first: within the allowance, the cheaper first; then the others, the less overloaded first. */
export function bestFirst(evaluated: readonly Evaluated[], allowed: number): Evaluated[] {
  const rank = ({ result, cost }: Evaluated) =>
    result.overload <= allowed ? [0, cost] : [1, result.overload]
  return evaluated.toSorted((a, b) => {
    const [one, other] = [rank(a), rank(b)]
    return one[0]! - other[0]! || one[1]! - other[1]!
  })
}

/** The least and the most overload, and cost, on copies. */
function onCopies(copies: readonly CopyResult[]): string {
  const span = (values: readonly number[], format: (value: number) => string) =>
    `${format(Math.min(...values))} – ${format(Math.max(...values))}`
  const overload = span(
    copies.map((copy) => copy.overload * 100),
    (value) => value.toFixed(3),
  )
  return `${overload} %, ${span(
    copies.map((copy) => copy.cost),
    (value) => value.toFixed(2),
  )} ×`
}

/** What every policy did on one trace, beside its floor. */
function ofTrace(
  { trace, floor, evaluated }: TraceComparison,
  allowed: number,
  texts: ComparisonTexts,
): FigureTable {
  const { attainable, feasible } = floor
  const { first } = texts
  const columns = columnsOf(evaluated.map(({ result }) => result))
  const copied = evaluated.some(({ copies }) => copies)
  return {
    title: texts.traceTitle(
      trace,
      attainable.serverHours.toFixed(1),
      percent(attainable.overload, 3),
      feasible,
    ),
    head: [
      first.policy,
      first.overload,
      first.cost,
      ...(copied ? [first.onCopies] : []),
      ...columns.map(({ name }) => texts.columns[name]),
    ],
    rows: bestFirst(evaluated, allowed).map(({ policy, result, cost, copies = [] }) => [
      policy,
      percent(result.overload, 3),
      times(cost),
      ...(copied ? [onCopies(copies)] : []),
      ...columns.map(({ of, format }) => format(of(result)!)),
    ]),
  }
}

/** What one policy did on all traces. */
interface Overall {
  readonly policy: string
  readonly each: readonly Evaluated[]
  readonly within: number
  /** Geometric mean. */
  readonly cost: number
}

/**
 * The best first: on how many traces a policy kept to the allowance; then what it cost, where that was all of them, and otherwise
 * how much overload there was: it is cheap to have too few servers.
 */
function overall(compared: readonly TraceComparison[], allowed: number): Overall[] {
  const policies = compared[0]?.evaluated.map(({ policy }) => policy) ?? []
  const figure = ({ within, cost, each }: Overall) =>
    within === each.length ? cost : median(each.map(({ result }) => result.overload))
  return policies
    .map((policy, i): Overall => {
      const each = compared.map(({ evaluated }) => evaluated[i]!)
      const within = each.filter(({ result }) => result.overload <= allowed).length
      const cost = geometricMean(each.map((one) => one.cost))
      return { policy, each, within, cost }
    })
    .sort((a, b) => b.within - a.within || figure(a) - figure(b))
}

/** What every policy did on most traces. */
function ofAll(compared: readonly TraceComparison[], allowed: number, texts: ComparisonTexts): FigureTable {
  const { first } = texts
  const columns = columnsOf(compared.flatMap(({ evaluated }) => evaluated.map(({ result }) => result)))
  return {
    title: texts.allTitle(compared.length, `${+(allowed * 100).toPrecision(3)} %`),
    head: [
      first.policy,
      first.within,
      first.overload,
      first.cost,
      ...columns.map(({ name }) => texts.columns[name]),
    ],
    rows: overall(compared, allowed).map(({ policy, each, within }) => {
      const results = each.map(({ result }) => result)
      return [
        policy,
        String(within),
        percent(median(results.map(({ overload }) => overload)), 3),
        times(median(each.map(({ cost }) => cost))),
        ...columns.map(({ of, format }) => format(median(results.flatMap((result) => of(result) ?? [])))),
      ]
    }),
  }
}

/** All figures of a comparison: a table for each trace, and one for all when there are several. */
export function comparisonTables(
  compared: readonly TraceComparison[],
  allowed: number,
  texts: ComparisonTexts = comparisonTexts(),
): FigureTable[] {
  const traces = compared.map((one) => ofTrace(one, allowed, texts))
  return compared.length > 1 ? [...traces, ofAll(compared, allowed, texts)] : traces
}

const geometricMean = (values: readonly number[]) =>
  Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length)

/** A line for each policy, the best first: on how many traces it kept to the allowance, what it cost, how much it changed. */
export function verdicts(
  compared: readonly TraceComparison[],
  allowed: number,
  texts: ComparisonTexts = comparisonTexts(),
): string[] {
  return overall(compared, allowed).map(({ policy, each, within, cost }) => {
    const results = each.map(({ result }) => result)
    const moves = median(results.map(({ usersMoved, hours }) => (usersMoved / (hours || 1)) * 24))
    const copies = each.flatMap((one) => one.copies ?? [])
    return texts.verdict({
      policy,
      within,
      traces: each.length,
      cost: times(cost),
      changes: whole(median(results.map(eventsPerDay))),
      moves: whole(moves),
      ...(copies.length > 0 && {
        copies: {
          within: copies.filter(({ overload }) => overload <= allowed).length,
          of: copies.length,
          cost: times(geometricMean(copies.map((copy) => copy.cost))),
        },
      }),
    })
  })
}

/** What the columns of these tables mean, a line each. */
export function legendText(
  tables: readonly FigureTable[],
  texts: ComparisonTexts = comparisonTexts(),
): string {
  const shown = new Set(tables.flatMap(({ head }) => head))
  return legend(texts)
    .filter(([names]) => names.split(texts.list).some((name) => shown.has(name)))
    .map(([names, meaning]) => names + texts.colon + meaning)
    .join('\n')
}

/** A table as lines of text in columns of equal width. */
export function tableText({ title, head, rows }: FigureTable): string {
  const all = [head, ...rows]
  const widths = head.map((_, i) => Math.max(...all.map((row) => textWidth(row[i]!))))
  const line = (row: readonly string[]) =>
    row
      .map((cell, i) => {
        const space = ' '.repeat(widths[i]! - textWidth(cell))
        return i === 0 ? cell + space : space + cell
      })
      .join('  ')
  return [title, ...all.map(line)].join('\n')
}

/** A dot of the picture for each policy on each trace. */
export function paretoPoints(compared: readonly TraceComparison[]): ParetoPoint[] {
  return compared.flatMap(({ trace, evaluated }) =>
    evaluated.map(({ policy, result, cost }) => ({
      group: policy,
      label: trace,
      overload: result.overload,
      cost,
    })),
  )
}
