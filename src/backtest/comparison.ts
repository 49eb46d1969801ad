import { basename } from 'node:path'
import type { Candidate, EvaluationSettings, TraceInput } from './evaluate.ts'
import type { FluidResult } from './fluid.ts'
import type { LowerBound } from './lower-bound.ts'
import { type PoolOptions, TaskPool } from './task-pool.ts'
import type { Task } from './tasks.ts'
import type { TimeSeries } from './time-series.ts'

/** What a candidate did on a trace. */
export interface Evaluated {
  readonly policy: string
  readonly result: FluidResult
  /** Server-hours over the floor's. */
  readonly cost: number
  /** Ready servers over time, where asked for. */
  readonly course?: TimeSeries
}

/** All candidates on one trace. */
export interface TraceComparison {
  readonly trace: string
  readonly floor: LowerBound
  readonly judged: readonly Evaluated[]
  /** Servers that the load needs over time, where asked for. */
  readonly course?: TimeSeries
}

export interface ComparisonOptions extends PoolOptions {
  /** Whether to give the courses as well. */
  readonly courses?: boolean
  /** Called after each piece of work. */
  readonly onProgress?: (done: number, of: number) => void
}

/**
 * Plays every load against every candidate in worker threads, and finds the floor of each load. Aborted, it gives what is whole;
 * in any case no thread is left.
 * @throws {ConcertinaError} FILE_ACCESS, INVALID_TRACE or INVALID_INPUT.
 */
export async function comparePolicies(
  input: readonly TraceInput[],
  candidates: readonly Candidate[],
  terms: EvaluationSettings,
  options: ComparisonOptions = {},
): Promise<TraceComparison[]> {
  const { onProgress, courses: course = false } = options
  const tasks = input.flatMap((one): Task[] => [
    { kind: 'lower-bound', input: one, terms, course },
    ...candidates.map((candidate): Task => ({ kind: 'evaluate', input: one, terms, candidate, course })),
  ])
  const pool = new TaskPool(options)
  let done = 0
  const outcomes = await pool
    .perform(tasks, () => onProgress?.(++done, tasks.length))
    .finally(() => pool.close())
  const width = candidates.length + 1
  return input.flatMap(({ file }, i): TraceComparison[] => {
    const [first, ...rest] = outcomes.slice(i * width, (i + 1) * width)
    if (first?.kind !== 'lower-bound') return []
    const { kind: _, ...ofLoad } = first
    const judged = rest.flatMap((outcome, n): Evaluated[] => {
      if (outcome?.kind !== 'evaluate') return []
      const { kind: _, ...ofPolicy } = outcome
      const cost = outcome.result.serverHours / first.floor.attainable.serverHours
      return [{ policy: candidates[n]!.name, cost, ...ofPolicy }]
    })
    return judged.length === candidates.length ? [{ trace: basename(file), ...ofLoad, judged }] : []
  })
}
