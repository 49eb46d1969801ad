import { CloseStack } from '../../base/close-stack.ts'
import { ConcertinaError, invalidInput } from '../../base/errors.ts'
import { type Logger, lineLogger } from '../../base/logger.ts'
import type { RoomLog } from '../../chat/log/room-log.ts'
import { openBrokerLog } from '../../cluster/open-broker.ts'
import type { ControlTarget } from '../../control/control-target.ts'
import { DEMO_DURATION, type DemoOptions, runAutoScalingDemo } from '../../demo.ts'
import { runLive } from '../../live/run.ts'
import type { RunResult } from '../../metrics/run-result.ts'
import { summary } from '../../report/terminal.ts'
import type { TerminalView } from '../../report/terminal-view.ts'
import { reportTexts } from '../../report/texts.ts'
import { translatedLogger } from '../../report/translated-logger.ts'
import { usersExpression } from '../../traffic/patterns/custom.ts'
import type { CheckReport } from '../../verify/checker.ts'
import type { HistoryEvent } from '../../verify/events.ts'
import { optionalBroker } from '../broker-flags.ts'
import { DecisionLog } from '../decision-log.ts'
import {
  type BrokerFlags,
  type LogFlags,
  languageIn,
  type RunFlags,
  scalingOptions,
  seedOf,
} from '../flags.ts'
import { LineFile } from '../line-file.ts'
import { ReportFile } from '../report-file.ts'
import { resultLogger } from '../service-logger.ts'
import { openView } from '../view.ts'
import type { CloudFlags } from '../workload-flags.ts'
import { cloudOf } from '../workload-providers.ts'
import { optionsOf } from './simulate.ts'

export interface DemoFlags extends RunFlags, LogFlags, Partial<BrokerFlags>, CloudFlags {
  live?: boolean
  data?: string
  port?: number
  controlPort?: number
  history?: string
  decisions?: string
  report?: string
  config?: string
}

/** `concertina demo`: the demonstration at the pace of real time, simulated or on a live fleet. */
export async function demo(flags: DemoFlags, signal: AbortSignal): Promise<RunResult> {
  for (const flag of ['data', 'port', 'controlPort', 'history', 'config', 'broker'] as const) {
    if (flags[flag] !== undefined && !flags.live)
      throw invalidInput(flag, 'needs --live', 'together with --live')
  }
  const cloudProvider = cloudOf(flags)
  if (cloudProvider && flags.live)
    throw invalidInput('provider', 'a live demo starts its servers on this machine', 'without --live')
  const broker = optionalBroker(flags)
  const report = flags.report === undefined ? undefined : new ReportFile(flags.report, flags.config)
  const opened = new CloseStack()
  const view = flags.quiet ? undefined : openView(process.stdout)
  try {
    const { history, decisions } = flags
    const watchers: Watchers = {
      history: history === undefined ? undefined : opened.use(new LineFile('--history', history)),
      decisions: decisions === undefined ? undefined : opened.use(new DecisionLog(decisions)),
      view,
    }
    const roomLog = broker && opened.use(await openBrokerLog(broker, 'concertina demo'))
    const result =
      flags.config === undefined
        ? await phases(flags, signal, watchers, { roomLog, cloudProvider })
        : await configured(flags, signal, watchers, roomLog)
    view?.end()
    report?.commit(result, languageIn(flags))
    if (result.live) requirePromise(result.live.checks)
    return result
  } catch (error) {
    report?.discard()
    throw error
  } finally {
    view?.end()
    await opened.close()
  }
}

/** Where what happens is logged, if not between the lines for people. */
function ownLogger(flags: DemoFlags, view: TerminalView | undefined): Logger | undefined {
  const { quiet, logLevel, logFormat } = flags
  return quiet || logLevel || logFormat ? resultLogger(flags, view, 'info') : undefined
}

/** Where the lines for people go. */
const writeOf = ({ quiet }: DemoFlags, view: TerminalView | undefined) =>
  view?.print ?? (quiet ? () => {} : (line: string) => console.log(line))

/** Who is informed of the run. */
interface Watchers {
  readonly history?: LineFile<HistoryEvent> | undefined
  readonly decisions?: DecisionLog | undefined
  readonly view?: TerminalView | undefined
}

/** The options of a run that its watchers need. */
function watched({ history, decisions, view }: Watchers, duration: number) {
  return {
    onEvent: history?.write,
    onControl:
      (view ?? decisions) &&
      ((control: ControlTarget, dashboard?: string) => {
        decisions?.onControl(control)
        view?.show(control, { duration, dashboard })
      }),
  }
}

/** The demonstration of the library with these flags. */
function phases(
  flags: DemoFlags,
  signal: AbortSignal,
  watchers: Watchers,
  { roomLog, cloudProvider }: Pick<DemoOptions, 'roomLog' | 'cloudProvider'>,
): Promise<RunResult> {
  const { duration, baseRate, peakRate, curve, strategy, routing, verbose, live, data, port, controlPort } =
    flags
  if (curve !== undefined && (baseRate ?? peakRate) !== undefined)
    throw invalidInput('--curve', 'the load is given by --base-rate and --peak-rate', 'either of them')
  const { view, decisions } = watchers
  return runAutoScalingDemo({
    duration,
    baseRate,
    peakRate,
    ...(curve !== undefined && { loadPattern: usersExpression(curve, 'curve') }),
    strategy,
    routing,
    verbose,
    seed: seedOf(flags.seed),
    signal,
    live,
    cloudProvider,
    data,
    roomLog,
    port,
    controlPort,
    write: writeOf(flags, view),
    logger: ownLogger(flags, view),
    onProgress: view?.progress,
    language: languageIn(flags),
    onDecision: decisions?.onDecision,
    ...watched(watchers, duration ?? DEMO_DURATION),
    ...scalingOptions(flags),
  })
}

/** The live run of a config file: what `simulate` makes of the same one is its forecast. */
async function configured(
  flags: DemoFlags,
  signal: AbortSignal,
  watchers: Watchers,
  roomLog?: RoomLog,
): Promise<RunResult> {
  const { data, port, controlPort, verbose } = flags
  const { view, decisions } = watchers
  const options = optionsOf(flags, decisions?.onDecision)
  const write = writeOf(flags, view)
  const language = languageIn(flags)
  const onListening = (chat: string, dashboard: string) =>
    write(`${reportTexts(language).addresses(dashboard, chat).trimStart()}\n`)
  const logger = translatedLogger(
    ownLogger(flags, view) ??
      lineLogger(write, { level: verbose ? 'debug' : 'info', progress: view?.progress }),
    language,
  )
  const result = await runLive({
    ...options,
    data,
    roomLog,
    port,
    controlPort,
    signal,
    logger,
    onListening,
    ...watched(watchers, options.duration ?? options.pattern.duration),
  })
  write(`\n${summary(result, language)}\n`)
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
