import { z } from 'zod'
import { balancerOptions } from './balancing/load-balancer.ts'
import { invalidInput } from './base/errors.ts'
import { LANGUAGES } from './base/language.ts'
import { type Logger, lineLogger } from './base/logger.ts'
import {
  atLeastZero,
  madeInCode,
  type OptionsOf,
  option,
  optionSet,
  port,
  seconds,
  withDefault,
} from './base/options.ts'
import type { RoomLog } from './chat/log/room-log.ts'
import type { ControlTarget } from './control/control-target.ts'
import type { CloudProvider } from './fleet/integrations.ts'
import type { RunResult } from './metrics/run-result.ts'
import { block, summary } from './report/terminal.ts'
import { type ReportTexts, reportTexts } from './report/texts.ts'
import { translatedLogger } from './report/translated-logger.ts'
import { AutoScaler, autoScalerOptions } from './scaling/auto-scaler.ts'
import { thresholdsOf } from './scaling/policies/threshold.ts'
import { runSimulation } from './simulation/run.ts'
import { custom } from './traffic/patterns/custom.ts'
import { threePhase } from './traffic/patterns/three-phase.ts'
import type { HistoryListener } from './verify/events.ts'

/**
 * Two servers of the default threshold of 30 users hold the default peak of 50, and nothing would scale: the demo
 * scales out from 15 users a server on.
 */
export const DEMO_SCALE_UP_THRESHOLD = 15
/** Seconds that the demo takes by default. */
export const DEMO_DURATION = 30

/** All that may be said of a demonstration. */
export const demoOptions = optionSet({
  ...autoScalerOptions.shape,
  scaleUpThreshold: withDefault(autoScalerOptions.shape.scaleUpThreshold, DEMO_SCALE_UP_THRESHOLD),
  ...balancerOptions.shape,
  duration: option(seconds, 'seconds that the run lasts', DEMO_DURATION),
  baseRate: option(atLeastZero, 'concurrent users at the ends', 5),
  peakRate: option(atLeastZero, 'concurrent users in the middle; default 50, or baseRate where that is more'),
  loadPattern: option(
    madeInCode<(progress: number) => number>('a function'),
    'concurrent users by progress (0–1), instead of the three phases',
  ),
  verbose: option(z.boolean(), 'also prints the reason of each decision', false),
  autoScaler: option(madeInCode<AutoScaler>('an autoscaler', 'decide'), 'an autoscaler made already'),
  seed: option(z.union([z.number(), z.string()]), 'of everything random', 42),
  pace: option(
    z.union([z.number().positive(), z.literal(Infinity)]),
    'virtual seconds per real second; Infinity is as fast as the machine can',
    1,
  ),
  signal: option(madeInCode<AbortSignal>('an AbortSignal', 'addEventListener'), 'ends the run early'),
  cloudProvider: option(
    madeInCode<CloudProvider>('a K8sIntegration or an AWSIntegration', 'provider'),
    'where the servers really are: the Deployment or the group is scaled, by simulated users; default simulated servers',
  ),
  live: option(z.boolean(), 'runs real server processes and WebSockets on this machine, in real time', false),
  data: option(z.string(), 'of a live demo: folder of its room log; default in memory'),
  roomLog: option(
    madeInCode<RoomLog>('a room log', 'append'),
    'of a live demo: where rooms are kept; default the log in data',
  ),
  port: option(port, 'of a live demo: port of the chat; default any free one'),
  controlPort: option(port, 'of a live demo: port of its dashboard; default any free one'),
  onEvent: option(
    madeInCode<HistoryListener>('a function'),
    'gets what each user of a live demo did and saw',
  ),
  onControl: option(
    madeInCode<(control: ControlTarget, dashboard?: string) => void>('a function'),
    "is called when the run begins, with its controls and, if live, its dashboard's address",
  ),
  language: option(z.enum(LANGUAGES), 'of what is printed', 'en'),
  write: option(madeInCode<(line: string) => void>('a function'), 'gets each line; default standard output'),
  logger: option(madeInCode<Logger>('a logger', 'info'), 'gets what happens, in place of write'),
  onProgress: option(
    madeInCode<(line: string) => void>('a function'),
    'gets the line of each control interval; default write',
  ),
})

/** Options of the demonstration. */
export type DemoOptions = OptionsOf<typeof demoOptions.shape>

function policyLine(scaler: AutoScaler, options: DemoOptions, texts: ReportTexts): string {
  const { minServers, maxServers, cooldown } = scaler.limits
  const limits = texts.demoLimits(minServers, maxServers, cooldown)
  if (options.autoScaler || scaler.policy.name !== 'threshold')
    return `${scaler.policy.name}${texts.list}${limits}`
  const { scaleUpThreshold = demoOptions.defaultOf('scaleUpThreshold'), scaleDownThreshold } = options
  const { up, down } = thresholdsOf({ scaleUpThreshold, scaleDownThreshold })
  const note = options.scaleUpThreshold === undefined ? texts.demoOwn : ''
  return `${texts.demoThreshold(up, note, down)}${texts.list}${limits}`
}

function liveOptions(
  { data, roomLog, port, controlPort, onEvent }: DemoOptions,
  write: (line: string) => void,
  texts: ReportTexts,
) {
  const onListening = (chat: string, dashboard: string) => write(`${texts.addresses(dashboard, chat)}\n`)
  return { data, roomLog, port, controlPort, onEvent, onListening }
}

/**
 * Runs the demonstration: users come, the fleet grows, they go, it shrinks. Prints what happens and a summary.
 * @throws {ConcertinaError} INVALID_INPUT, naming the option; of a live demo also ADDRESS_UNAVAILABLE and DATA_IN_USE.
 */
export async function runAutoScalingDemo(options: DemoOptions = {}): Promise<RunResult> {
  const parsed = demoOptions.parse(options)
  const { cloudProvider } = options
  if (cloudProvider && options.live)
    throw invalidInput('cloudProvider', 'a live demo starts its servers on this machine', 'either of them')
  if (cloudProvider && parsed.pace === Infinity)
    throw invalidInput('pace', 'the servers of a cloud provider are real', 'a number, 1 for real time')
  const { verbose, pace, seed, strategy, routing, language } = parsed
  const texts = reportTexts(language)
  const { signal, onControl, onProgress, write = (line: string) => console.log(line) } = options
  const { duration, baseRate, scaleUpThreshold } = parsed
  const peakRate = parsed.peakRate ?? Math.max(50, baseRate)
  const pattern = options.loadPattern
    ? custom(options.loadPattern, { duration })
    : threePhase({ duration, baseRate, peakRate })
  const scaler =
    options.autoScaler ??
    new AutoScaler(autoScalerOptions.given(options.policy ? options : { ...options, scaleUpThreshold }))
  const load: [string, string][] = options.loadPattern
    ? [[texts.load, texts.loadFunction]]
    : [
        [texts.baseLoad, texts.concurrentUsers(baseRate)],
        [texts.peakOfLoad, texts.concurrentUsers(peakRate)],
      ]

  write(`\n${'⚡'.repeat(35)}`)
  write(`${' '.repeat(14)}${texts.demoTitle}`)
  write(`${'⚡'.repeat(35)}\n`)
  write(
    block(
      texts.configuration,
      [
        [texts.simulationDuration, `${duration}s`],
        ...load,
        [texts.policy, policyLine(scaler, options, texts)],
        [texts.balancer, texts.routingName(strategy, routing)],
        ...(cloudProvider
          ? ([[texts.servers, texts.simulatedUsers(cloudProvider.description)]] as const)
          : []),
        [texts.seed, String(seed)],
        [texts.verboseLogging, texts.onOff(verbose)],
      ],
      texts.colon,
    ),
  )
  const run = {
    pattern,
    duration,
    seed,
    autoScaler: scaler,
    balancer: { strategy, routing },
    signal,
    onControl,
    logger: translatedLogger(
      options.logger ?? lineLogger(write, { level: verbose ? 'debug' : 'info', progress: onProgress }),
      language,
    ),
  }
  write(`\n${texts.starting(options.live ?? false)}\n`)
  const result = options.live
    ? await (await import('./live/run.ts')).runLive({ ...run, ...liveOptions(options, write, texts) })
    : await runSimulation({ ...run, pace, provider: cloudProvider?.provider })
  write(`\n${summary(result, language)}\n`)
  return result
}
