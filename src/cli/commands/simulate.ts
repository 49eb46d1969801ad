import { invalidInput } from '../../base/errors.ts'
import type { FleetControl } from '../../control/fleet-control.ts'
import { startControlPlane } from '../../live/control-plane.ts'
import type { RunResult } from '../../metrics/run-result.ts'
import { summary } from '../../report/terminal.ts'
import type { TerminalView } from '../../report/terminal-view.ts'
import { translatedLogger } from '../../report/translated-logger.ts'
import { AutoScaler, type AutoScalerOptions } from '../../scaling/auto-scaler.ts'
import { type SimulationOptions, watchOptions } from '../../simulation/options.ts'
import { runSimulation } from '../../simulation/run.ts'
import type { LoadPattern } from '../../traffic/load-pattern.ts'
import { customExpression } from '../../traffic/patterns/custom.ts'
import { threePhase } from '../../traffic/patterns/three-phase.ts'
import { tracePattern } from '../../traffic/traces/trace.ts'
import { type ConfiguredOptions, readConfig } from '../config/config.ts'
import { DecisionLog } from '../decision-log.ts'
import { type LogFlags, languageIn, type RunFlags, scalingOptions, seedOf } from '../flags.ts'
import { OutputFile, OutputFiles } from '../output-file.ts'
import { showProgress } from '../progress.ts'
import { ReportFile } from '../report-file.ts'
import { resultLogger } from '../service-logger.ts'
import { readNamedTrace } from '../trace-flags.ts'
import { openView } from '../view.ts'

/** Flags for the load. */
export interface LoadFlags {
  duration?: number
  baseRate?: number
  peakRate?: number
  curve?: string
  trace?: string
  column?: string
  session?: number
  speed?: number
  scale?: number
}

export interface SimulateFlags extends RunFlags, LoadFlags, LogFlags {
  config?: string
  json?: boolean
  events?: string
  decisions?: string
  report?: string
  watch?: boolean
  port?: number
  pace?: number
}

/** The load: a trace, else what the config says, else three phases; flags go before the config. */
export function loadPattern(flags: LoadFlags, config: ConfiguredOptions): LoadPattern {
  const { trace, speed, scale, column, session, baseRate, peakRate, curve } = flags
  for (const [flag, value] of [
    ['--speed', speed],
    ['--scale', scale],
    ['--column', column],
    ['--session', session],
  ] as const) {
    if (value !== undefined && trace === undefined)
      throw invalidInput(flag, 'needs --trace', 'together with --trace FILE')
  }
  const { load } = config
  const fixed = trace !== undefined || curve !== undefined || (load && load.kind !== 'three-phase')
  for (const [flag, value] of [
    ['--base-rate', baseRate],
    ['--peak-rate', peakRate],
  ] as const) {
    if (value !== undefined && fixed)
      throw invalidInput(flag, 'the load is given otherwise', 'only with the three-phase load')
  }
  if (trace !== undefined) {
    if (curve !== undefined) throw invalidInput('--curve', 'the load is given by --trace', 'one of the two')
    return tracePattern(readNamedTrace(trace, flags), { speed, scale })
  }
  if (curve !== undefined)
    return customExpression(
      curve,
      flags.duration ?? config.duration ?? config.pattern?.duration ?? 30,
      'curve',
    )
  if (config.pattern && load?.kind !== 'three-phase') return config.pattern
  const phases = load?.kind === 'three-phase' ? load : { duration: 30, baseRate: 5, peakRate: 50 }
  return threePhase({
    duration: flags.duration ?? config.duration ?? phases.duration,
    baseRate: baseRate ?? phases.baseRate,
    peakRate: peakRate ?? Math.max(phases.peakRate, baseRate ?? 0),
  })
}

/** The run that flags and config describe; flags go before the config. */
export function optionsOf(
  flags: SimulateFlags,
  onDecision?: AutoScalerOptions['onDecision'],
): SimulationOptions & { autoScaler: AutoScaler } {
  const config = readConfig(flags.config)
  const { traffic, server } = config
  return {
    traffic,
    server,
    pattern: loadPattern(flags, config),
    duration: flags.duration ?? config.duration,
    seed: seedOf(flags.seed) ?? config.seed,
    autoScaler: new AutoScaler({
      ...config.autoScaler,
      ...scalingOptions(flags),
      onDecision,
    }),
    balancer: {
      strategy: flags.strategy ?? config.balancer?.strategy,
      routing: flags.routing ?? config.balancer?.routing,
    },
  }
}

/**
 * What lets a run of `duration` seconds be watched: a dashboard and, on a terminal, a view. When the dashboard cannot listen,
 * the run ends and `close` rejects.
 */
function watchedRun(
  flags: SimulateFlags,
  view: TerminalView | undefined,
  duration: number,
  signal: AbortSignal,
  onStart: (control: FleetControl) => void,
) {
  const { port, pace } = watchOptions.parse(watchOptions.given(flags))
  const stop = new AbortController()
  let plane: ReturnType<typeof startControlPlane> | undefined
  let ended = false
  const onControl = (control: FleetControl) => {
    onStart(control)
    plane = startControlPlane(control, { port })
    plane.then(
      ({ url }) => {
        console.error(`Dashboard: ${url}`)
        if (!ended) view?.show(control, { duration, dashboard: url })
      },
      () => stop.abort(),
    )
  }
  const close = async () => {
    ended = true
    view?.end()
    const started = await plane
    started?.close()
  }
  return { options: { pace, onControl, signal: AbortSignal.any([signal, stop.signal]) }, close }
}

/** `concertina simulate`: the same pipeline as fast as the machine can. */
export async function simulate(flags: SimulateFlags, signal: AbortSignal): Promise<RunResult> {
  let decisions: DecisionLog | undefined
  const options = optionsOf(flags, (decision, scaler) => decisions?.onDecision(decision, scaler))
  const duration = options.duration ?? options.pattern.duration
  const view = flags.watch && !flags.quiet ? openView(process.stderr) : undefined
  const watched = flags.watch
    ? watchedRun(flags, view, duration, signal, (control) => decisions?.onControl(control))
    : undefined
  const files = new OutputFiles()
  const events = files.open(flags.events, (file) => new OutputFile('--events', file))
  const report = files.open(flags.report, (file) => new ReportFile(file, flags.config))
  decisions = files.open(flags.decisions, (file) => new DecisionLog(file))
  const progress = watched || flags.quiet ? undefined : showProgress(duration)
  const language = languageIn(flags)
  const logger = translatedLogger(resultLogger(flags, view), language)
  try {
    const result = await runSimulation({
      ...options,
      signal,
      logger,
      ...watched?.options,
      onTick: progress?.onTick,
    })
    await watched?.close()
    progress?.end()
    if (flags.json) console.log(JSON.stringify(result))
    else if (!flags.quiet) console.log(summary(result, language))
    events?.commit(result.scalingEvents.map((decision) => `${JSON.stringify(decision)}\n`).join(''))
    report?.commit(result, language)
    decisions?.close()
    return result
  } catch (error) {
    await watched?.close().catch(() => {})
    progress?.end()
    files.discard()
    throw error
  }
}
