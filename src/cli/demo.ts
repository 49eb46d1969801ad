import type { CheckReport } from '../chat/history/checker.ts'
import { runAutoScalingDemo } from '../demo.ts'
import { ConcertinaError, invalidInput } from '../errors.ts'
import type { RunResult } from '../metrics/run-result.ts'
import { type RunFlags, scalingOptions, seedOf } from './flags.ts'
import { HistoryFile } from './history-file.ts'
import { ReportFile } from './report-file.ts'

export interface DemoFlags extends RunFlags {
  verbose?: boolean
  live?: boolean
  data?: string
  port?: number
  controlPort?: number
  history?: string
  report?: string
}

/** `concertina demo`: the demonstration at the pace of real time, simulated or on a live fleet. */
export async function demo(flags: DemoFlags, signal: AbortSignal): Promise<RunResult> {
  const { duration, baseRate, peakRate, strategy, routing, verbose, seed, live, data, port, controlPort } =
    flags
  for (const flag of ['data', 'port', 'controlPort', 'history'] as const) {
    if (flags[flag] !== undefined && !live)
      throw invalidInput(flag, 'there is no --live', 'together with --live')
  }
  const report = flags.report === undefined ? undefined : new ReportFile(flags.report)
  const history = flags.history === undefined ? undefined : new HistoryFile(flags.history)
  try {
    const result = await runAutoScalingDemo({
      duration,
      baseRate,
      peakRate,
      strategy,
      routing,
      verbose,
      seed: seedOf(seed),
      signal,
      live,
      data,
      port,
      controlPort,
      onEvent: history?.take,
      ...scalingOptions(flags),
    })
    report?.commit(result)
    if (result.live) requirePromise(result.live.checks)
    return result
  } catch (error) {
    report?.discard()
    throw error
  } finally {
    history?.close()
  }
}

/** @throws {ConcertinaError} PROMISE_BROKEN. */
export function requirePromise({
  lost,
  doubled,
  reordered,
  phantom,
  falseGaps,
  findings,
}: CheckReport): void {
  if (lost + doubled + reordered + phantom + falseGaps === 0) return
  throw new ConcertinaError('PROMISE_BROKEN', findings.join('\n  '), {
    hint: 'nothing lost, doubled, reordered, made up or falsely announced as gone',
  })
}
