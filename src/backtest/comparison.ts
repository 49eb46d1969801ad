import { statSync } from 'node:fs'
import { basename } from 'node:path'
import type { Candidate, EvaluationSettings, TraceInput } from './evaluate.ts'
import type { FluidResult } from './fluid.ts'
import type { LowerBound } from './lower-bound.ts'
import { type PoolOptions, TaskPool } from './task-pool.ts'
import type { Outcome, Task } from './tasks.ts'
import type { TimeSeries } from './time-series.ts'

/** What a candidate did on a trace. */
export interface Evaluated {
  readonly policy: string
  readonly result: FluidResult
  /** Server-hours over the floor's. */
  readonly cost: number
  /** Ready servers over time, if requested. */
  readonly series?: TimeSeries
  /** What became of it on copies of the trace, where there are any. */
  readonly copies?: readonly CopyResult[]
}

/** What a candidate did on a copy of a trace. */
export interface CopyResult {
  readonly overload: number
  readonly cost: number
}

/** All candidates on one trace. */
export interface TraceComparison {
  readonly trace: string
  readonly floor: LowerBound
  readonly evaluated: readonly Evaluated[]
  /** Servers that the load needs over time, if requested. */
  readonly series?: TimeSeries
}

export interface ComparisonOptions extends PoolOptions {
  /** Whether to return the time series as well. */
  readonly series?: boolean
  /** Copies of each trace that are evaluated as well: with another start, scaled, with noise. */
  readonly copies?: number
  /** Called after each piece of work. */
  readonly onProgress?: (done: number, of: number) => void
}

/**
 * Plays every load against every candidate in worker threads, and finds the floor of each load. Aborted, it returns what is complete;
 * in any case no thread is left.
 * @throws {ConcertinaError} FILE_ACCESS, INVALID_TRACE or INVALID_INPUT.
 */
export async function comparePolicies(
  input: readonly TraceInput[],
  candidates: readonly Candidate[],
  settings: EvaluationSettings,
  options: ComparisonOptions = {},
): Promise<TraceComparison[]> {
  const { onProgress, series: withSeries = false, copies = 0 } = options
  // The longest first, so that no thread is left with a long one at the end.
  const runs = input
    .map((one, place) => ({ one, place, size: statSync(one.file, { throwIfNoEntry: false })?.size ?? 0 }))
    .sort((a, b) => b.size - a.size)
    .flatMap(({ one, place }) =>
      Array.from({ length: copies + 1 }, (_, copy) => ({ place, one: copy === 0 ? one : { ...one, copy } })),
    )
  const tasks = runs.flatMap(({ one }): Task[] => {
    const series = withSeries && one.copy === undefined
    const evaluations = candidates.map(
      (candidate): Task => ({ kind: 'evaluate', input: one, settings, candidate, series }),
    )
    return [...evaluations.reverse(), { kind: 'lower-bound', input: one, settings, series }]
  })
  const pool = new TaskPool(options)
  let done = 0
  const outcomes = await pool
    .perform(tasks, () => onProgress?.(++done, tasks.length))
    .finally(() => pool.close())
  const width = candidates.length + 1
  const compared = runs.map(({ one, place }, i) => {
    const comparison = comparisonOf(
      one.file,
      candidates,
      outcomes.slice(i * width, (i + 1) * width).reverse(),
    )
    return { place, isCopy: one.copy !== undefined, comparison }
  })
  return input.flatMap((_, place): TraceComparison[] => {
    const own = compared.filter((each) => each.place === place)
    const whole = own.find(({ isCopy }) => !isCopy)?.comparison
    const others = own.flatMap(({ isCopy, comparison }) => (isCopy && comparison ? [comparison] : []))
    if (!whole || others.length < copies) return []
    if (copies === 0) return [whole]
    const evaluated = whole.evaluated.map((each, i) => ({
      ...each,
      copies: others.map((other): CopyResult => {
        const { result, cost } = other.evaluated[i]!
        return { overload: result.overload, cost }
      }),
    }))
    return [{ ...whole, evaluated }]
  })
}

/** The outcomes of one trace, its floor first; nothing when one of them is missing. */
function comparisonOf(
  file: string,
  candidates: readonly Candidate[],
  [first, ...rest]: readonly (Outcome | undefined)[],
): TraceComparison | undefined {
  if (first?.kind !== 'lower-bound') return undefined
  const { kind: _, ...ofLoad } = first
  const evaluated = rest.flatMap((outcome, i): Evaluated[] => {
    if (outcome?.kind !== 'evaluate') return []
    const { kind: _, ...ofPolicy } = outcome
    const cost = outcome.result.serverHours / first.floor.attainable.serverHours
    return [{ policy: candidates[i]!.name, cost, ...ofPolicy }]
  })
  return evaluated.length === candidates.length ? { trace: basename(file), ...ofLoad, evaluated } : undefined
}
