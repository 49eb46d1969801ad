import { basename } from 'node:path'
import type { Floor } from './floor.ts'
import type { FluidResult } from './fluid.ts'
import type { Contender, Played, Terms } from './judge.ts'
import { performAll } from './task-pool.ts'
import type { Task } from './tasks.ts'

/** What a contender did on a trace. */
interface Judged {
  readonly policy: string
  readonly result: FluidResult
  /** Server-hours over the floor's. */
  readonly cost: number
}

export interface TraceComparison {
  readonly trace: string
  readonly floor: Floor
  readonly judged: readonly Judged[]
}

export interface ComparisonOptions {
  readonly workers?: number
  readonly signal?: AbortSignal
  /** Called after each piece of work. */
  readonly onProgress?: (done: number, of: number) => void
}

/**
 * Plays every load against every contender in worker threads, and finds the floor of each load. Aborted, it gives what is whole.
 * @throws {ConcertinaError} FILE_ACCESS, INVALID_TRACE or INVALID_INPUT.
 */
export async function comparePolicies(
  played: readonly Played[],
  contenders: readonly Contender[],
  terms: Terms,
  options: ComparisonOptions = {},
): Promise<TraceComparison[]> {
  const { onProgress, ...pool } = options
  const tasks = played.flatMap((one): Task[] => [
    { kind: 'floor', played: one, terms },
    ...contenders.map((contender): Task => ({ kind: 'judge', played: one, terms, contender })),
  ])
  let done = 0
  const outcomes = await performAll(tasks, { ...pool, onDone: () => onProgress?.(++done, tasks.length) })
  const width = contenders.length + 1
  return played.flatMap(({ file }, i): TraceComparison[] => {
    const [floor, ...rest] = outcomes.slice(i * width, (i + 1) * width)
    if (floor?.kind !== 'floor') return []
    const judged = rest.flatMap((outcome, n): Judged[] => {
      if (outcome?.kind !== 'judge') return []
      const { result } = outcome
      return [
        {
          policy: contenders[n]!.name,
          result,
          cost: result.serverHours / floor.floor.attainable.serverHours,
        },
      ]
    })
    return judged.length === contenders.length ? [{ trace: basename(file), floor: floor.floor, judged }] : []
  })
}
