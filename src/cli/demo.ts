import type { CheckReport } from '../chat/history/checker.ts'
import { DEMO_DURATION, runAutoScalingDemo } from '../demo.ts'
import { ConcertinaError, invalidInput } from '../errors.ts'
import { runLive } from '../live/run.ts'
import type { RunResult } from '../metrics/run-result.ts'
import { lineLogger } from '../pipeline/logger.ts'
import { summary } from '../report/terminal.ts'
import type { TerminalView } from '../report/terminal-view.ts'
import { type RunFlags, scalingOptions, seedOf } from './flags.ts'
import { HistoryFile } from './history-file.ts'
import { ReportFile } from './report-file.ts'
import { optionsOf } from './simulate.ts'
import { openView } from './view.ts'

export interface DemoFlags extends RunFlags {
  verbose?: boolean
  live?: boolean
  data?: string
  port?: number
  controlPort?: number
  history?: string
  report?: string
  config?: string
}

/** `concertina demo`: the demonstration at the pace of real time, simulated or on a live fleet. */
export async function demo(flags: DemoFlags, signal: AbortSignal): Promise<RunResult> {
  for (const flag of ['data', 'port', 'controlPort', 'history', 'config'] as const) {
    if (flags[flag] !== undefined && !flags.live)
      throw invalidInput(flag, 'there is no --live', 'together with --live')
  }
  const report = flags.report === undefined ? undefined : new ReportFile(flags.report, flags.config)
  const history = flags.history === undefined ? undefined : new HistoryFile(flags.history)
  const view = openView(process.stdout)
  try {
    const result =
      flags.config === undefined
        ? await phases(flags, signal, view, history)
        : await configured(flags, signal, view, history)
    view?.end()
    report?.commit(result)
    if (result.live) requirePromise(result.live.checks)
    return result
  } catch (error) {
    report?.discard()
    throw error
  } finally {
    view?.end()
    history?.close()
  }
}

/** The demonstration of the library with these flags. */
function phases(
  flags: DemoFlags,
  signal: AbortSignal,
  view?: TerminalView,
  history?: HistoryFile,
): Promise<RunResult> {
  const { duration, baseRate, peakRate, strategy, routing, verbose, live, data, port, controlPort } = flags
  const { duration: shown = DEMO_DURATION } = flags
  return runAutoScalingDemo({
    duration,
    baseRate,
    peakRate,
    strategy,
    routing,
    verbose,
    seed: seedOf(flags.seed),
    signal,
    live,
    data,
    port,
    controlPort,
    onEvent: history?.take,
    write: view?.print,
    onProgress: view?.progress,
    onControl: view && ((control, dashboard) => view.show(control, { duration: shown, dashboard })),
    ...scalingOptions(flags),
  })
}

/** The live run of a config file: what `simulate` makes of the same one is its forecast. */
async function configured(
  flags: DemoFlags,
  signal: AbortSignal,
  view?: TerminalView,
  history?: HistoryFile,
): Promise<RunResult> {
  const { data, port, controlPort, verbose } = flags
  const options = optionsOf(flags)
  const write = view?.print ?? ((line: string) => console.log(line))
  const duration = options.duration ?? options.pattern.duration
  const onListening = (chat: string, dashboard: string) => write(`Dashboard: ${dashboard}   Chat: ${chat}\n`)
  const logger = lineLogger(write, { verbose, progress: view?.progress })
  const result = await runLive({
    ...options,
    data,
    port,
    controlPort,
    signal,
    logger,
    onListening,
    onControl: (control, dashboard) => view?.show(control, { duration, dashboard }),
    onEvent: history?.take,
  })
  write(`\n${summary(result)}\n`)
  return result
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
