import type { LoadBalancerOptions } from './balancing/load-balancer.ts'
import { requireNumber } from './base/errors.ts'
import { lineLogger } from './base/logger.ts'
import type { ControlTarget } from './control/control-target.ts'
import type { RunResult } from './metrics/run-result.ts'
import { block, summary } from './report/terminal.ts'
import { AutoScaler, type AutoScalerOptions } from './scaling/auto-scaler.ts'
import { defaultScaleDownThreshold } from './scaling/policies/threshold.ts'
import { runSimulation } from './simulation/run.ts'
import { custom } from './traffic/patterns/custom.ts'
import { threePhase } from './traffic/patterns/three-phase.ts'
import type { HistoryListener } from './verify/events.ts'

export interface DemoOptions extends AutoScalerOptions, LoadBalancerOptions {
  /** Seconds; 30. */
  duration?: number
  /** Concurrent users at the ends; 5. */
  baseRate?: number
  /** Concurrent users in the middle; 50. */
  peakRate?: number
  /** Concurrent users by progress (0–1), instead of the three phases between `baseRate` and `peakRate`. */
  loadPattern?: (progress: number) => number
  /** Also print the reason of each decision as it is taken. */
  verbose?: boolean
  /** An autoscaler made already, instead of its options. */
  autoScaler?: AutoScaler
  /** 42 unless told. */
  seed?: number | string
  /** Virtual seconds a real second; 1 (real time). `Infinity` is as fast as the machine can. */
  pace?: number
  /** Ends the run early; the summary so far is printed. */
  signal?: AbortSignal
  /** Against real server processes and WebSockets on this machine instead of simulated ones. Always at the pace of real time. */
  live?: boolean
  /** Of a live demo: the folder of its room log; in memory unless told. */
  data?: string
  /** Of a live demo: the port of the chat; any free one unless told. */
  port?: number
  /** Of a live demo: the port of its dashboard; any free one unless told. */
  controlPort?: number
  /** Of a live demo: takes what each user did and saw. */
  onEvent?: HistoryListener
  /** Called when the run begins, with what it can be watched and steered by and, of a live one, its dashboard's address. */
  onControl?: (control: ControlTarget, dashboard?: string) => void
  /** Takes each line; standard output unless told. */
  write?: (line: string) => void
  /** Takes the line of each control interval; `write` unless told. */
  onProgress?: (line: string) => void
}

/**
 * Two servers of the default threshold of 30 users hold the default peak of 50, and nothing would scale: the demo
 * scales out from 15 users a server on.
 */
export const DEMO_SCALE_UP_THRESHOLD = 15
/** Seconds that the demo takes unless told. */
export const DEMO_DURATION = 30

function policyLine(scaler: AutoScaler, options: DemoOptions): string {
  const { minServers, maxServers, cooldown } = scaler.limits
  const limits = `${minServers} to ${maxServers} servers, cooldown ${cooldown}s`
  if (scaler.policy.name !== 'threshold') return `${scaler.policy.name}, ${limits}`
  if (options.autoScaler) return `threshold, ${limits}`
  const up = options.scaleUpThreshold ?? DEMO_SCALE_UP_THRESHOLD
  const down = options.scaleDownThreshold ?? defaultScaleDownThreshold(up)
  const note = options.scaleUpThreshold === undefined ? " (the demo's own; 30 unless told elsewhere)" : ''
  return `threshold, up above ${up} users a server${note}, down below ${down}, ${limits}`
}

function liveOptions({ data, port, controlPort, onEvent }: DemoOptions, write: (line: string) => void) {
  const onListening = (chat: string, dashboard: string) =>
    write(`   Dashboard: ${dashboard}   Chat: ${chat}\n`)
  return { data, port, controlPort, onEvent, onListening }
}

/**
 * Runs the demonstration: users come, the fleet grows, they go, it shrinks. Prints what happens and a summary.
 * @throws {ConcertinaError} INVALID_INPUT, naming the option; of a live demo also ADDRESS_UNAVAILABLE and DATA_IN_USE.
 */
export async function runAutoScalingDemo(options: DemoOptions = {}): Promise<RunResult> {
  const {
    verbose = false,
    pace = 1,
    seed = 42,
    signal,
    onControl,
    onProgress,
    write = (line: string) => console.log(line),
  } = options
  const duration = requireNumber('duration', options.duration ?? DEMO_DURATION, { above: 0 })
  const baseRate = requireNumber('baseRate', options.baseRate ?? 5, { min: 0 })
  const peakRate = requireNumber('peakRate', options.peakRate ?? Math.max(50, baseRate), { min: 0 })
  const pattern = options.loadPattern
    ? custom(options.loadPattern, { duration })
    : threePhase({ duration, baseRate, peakRate })
  const scaler =
    options.autoScaler ??
    new AutoScaler(
      options.policy
        ? options
        : { ...options, scaleUpThreshold: options.scaleUpThreshold ?? DEMO_SCALE_UP_THRESHOLD },
    )
  const { strategy = 'round-robin', routing = 'sticky' } = options
  const load: [string, string][] = options.loadPattern
    ? [['Load', 'a function of progress']]
    : [
        ['Base load', `${baseRate} concurrent users`],
        ['Peak load', `${peakRate} concurrent users`],
      ]

  write(`\n${'⚡'.repeat(35)}`)
  write(`${' '.repeat(14)}Concertina Auto-Scaling Chat System Demo`)
  write(`${'⚡'.repeat(35)}\n`)
  write(
    block('📋 Configuration', [
      ['Simulation duration', `${duration}s`],
      ...load,
      ['Policy', policyLine(scaler, options)],
      ['Balancer', `${strategy}, ${routing} routing`],
      ['Seed', String(seed)],
      ['Verbose logging', verbose ? 'on' : 'off'],
    ]),
  )
  const run = {
    pattern,
    duration,
    seed,
    autoScaler: scaler,
    balancer: { strategy, routing },
    signal,
    onControl,
    logger: lineLogger(write, { verbose, progress: onProgress }),
  }
  write(`\n🚀 Starting auto-scaling ${options.live ? 'fleet' : 'simulation'}...\n`)
  const result = options.live
    ? await (await import('./live/run.ts')).runLive({ ...run, ...liveOptions(options, write) })
    : await runSimulation({ ...run, pace })
  write(`\n${summary(result)}\n`)
  return result
}
