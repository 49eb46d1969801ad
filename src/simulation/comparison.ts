import { basename } from 'node:path'
import type { Course } from './course.ts'
import type { Floor } from './floor.ts'
import type { FluidResult } from './fluid.ts'
import type { Contender, Played, Terms } from './judge.ts'
import { type PoolOptions, TaskPool } from './task-pool.ts'
import type { Task } from './tasks.ts'

/** What a contender did on a trace. */
export interface Judged {
  readonly policy: string
  readonly result: FluidResult
  /** Server-hours over the floor's. */
  readonly cost: number
  /** Ready servers over time, where asked for. */
  readonly course?: Course
}

/** All contenders on one trace. */
export interface TraceComparison {
  readonly trace: string
  readonly floor: Floor
  readonly judged: readonly Judged[]
  /** Servers that the load needs over time, where asked for. */
  readonly course?: Course
}

export interface ComparisonOptions extends PoolOptions {
  /** Whether to give the courses as well. */
  readonly courses?: boolean
  /** Called after each piece of work. */
  readonly onProgress?: (done: number, of: number) => void
}

/**
 * Plays every load against every contender in worker threads, and finds the floor of each load. Aborted, it gives what is whole;
 * in any case no thread is left.
 * @throws {ConcertinaError} FILE_ACCESS, INVALID_TRACE or INVALID_INPUT.
 */
export async function comparePolicies(
  played: readonly Played[],
  contenders: readonly Contender[],
  terms: Terms,
  options: ComparisonOptions = {},
): Promise<TraceComparison[]> {
  const { onProgress, courses: course = false } = options
  const tasks = played.flatMap((one): Task[] => [
    { kind: 'floor', played: one, terms, course },
    ...contenders.map((contender): Task => ({ kind: 'judge', played: one, terms, contender, course })),
  ])
  const pool = new TaskPool(options)
  let done = 0
  const outcomes = await pool
    .perform(tasks, () => onProgress?.(++done, tasks.length))
    .finally(() => pool.close())
  const width = contenders.length + 1
  return played.flatMap(({ file }, i): TraceComparison[] => {
    const [first, ...rest] = outcomes.slice(i * width, (i + 1) * width)
    if (first?.kind !== 'floor') return []
    const { kind: _, ...ofLoad } = first
    const judged = rest.flatMap((outcome, n): Judged[] => {
      if (outcome?.kind !== 'judge') return []
      const { kind: _, ...ofPolicy } = outcome
      const cost = outcome.result.serverHours / first.floor.attainable.serverHours
      return [{ policy: contenders[n]!.name, cost, ...ofPolicy }]
    })
    return judged.length === contenders.length ? [{ trace: basename(file), ...ofLoad, judged }] : []
  })
}
