import { runAutoScalingDemo } from '../demo.ts'
import type { RunResult } from '../metrics/run-result.ts'
import { type RunFlags, scalingOptions, seedOf } from './flags.ts'

/** `concertina demo`: the demonstration at the pace of real time. */
export async function demo(flags: RunFlags & { verbose?: boolean }, signal: AbortSignal): Promise<RunResult> {
  const { duration, baseRate, peakRate, strategy, routing, verbose, seed } = flags
  return runAutoScalingDemo({
    duration,
    baseRate,
    peakRate,
    strategy,
    routing,
    verbose,
    seed: seedOf(seed),
    signal,
    ...scalingOptions(flags),
  })
}
