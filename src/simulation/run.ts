import { LoadBalancer } from '../balancing/load-balancer.ts'
import { virtualClock } from '../base/clock.ts'
import { invalidInput } from '../base/errors.ts'
import { type KeysOf, requireKnown } from '../base/known-keys.ts'
import type { Logger } from '../base/logger.ts'
import { type FleetControl, overridablePattern } from '../control/fleet-control.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { ProviderFactory } from '../fleet/provider.ts'
import { MetricsCollector } from '../metrics/metrics-collector.ts'
import type { RunResult } from '../metrics/run-result.ts'
import { setupOf } from '../metrics/run-setup.ts'
import { ScalingEventsSink } from '../metrics/scaling-events-sink.ts'
import { MapFunction } from '../pipeline/functions.ts'
import type { ProcessedItem, ScaledTick } from '../pipeline/items.ts'
import { LocalEnvironment } from '../pipeline/local-environment.ts'
import { AutoScaler } from '../scaling/auto-scaler.ts'
import { UserTrafficSource } from '../traffic/user-traffic-source.ts'
import { checkServerOptions, SIMULATION_KEYS, type SimulationOptions } from './options.ts'
import { RequestProcessor } from './request-processor.ts'
import { Watch } from './watch.ts'

/** What concerns who watches a run and where its servers are, and not what is simulated. */
export interface WatchOptions {
  /** Virtual seconds per real second; default as fast as possible. */
  pace?: number
  /** Ends the run early. */
  signal?: AbortSignal
  /** Where the servers really are; default simulated ones. The run begins when the smallest fleet allowed is ready. */
  provider?: ProviderFactory
  logger?: Logger
  /** Called at every tick. */
  onTick?: (tick: ScaledTick) => void
  /** Called when the run begins, with what it can be watched and controlled by. Then servers that fail are replaced. */
  onControl?: (control: FleetControl) => void
}

const KEYS: KeysOf<SimulationOptions & WatchOptions> = {
  ...SIMULATION_KEYS,
  pace: true,
  signal: true,
  provider: true,
  logger: true,
  onTick: true,
  onControl: true,
}

class OnTick extends MapFunction<ProcessedItem, ProcessedItem> {
  readonly #onTick: (tick: ScaledTick) => void

  constructor(onTick: (tick: ScaledTick) => void) {
    super()
    this.#onTick = onTick
  }

  execute(item: ProcessedItem): ProcessedItem {
    if (item.kind === 'tick') this.#onTick(item)
    return item
  }
}

/** Adopts the servers of a platform, and resolves when `count` of them are ready or `signal` is aborted. */
async function platformReady(fleet: Fleet, count: number, { signal, logger }: WatchOptions): Promise<void> {
  try {
    await fleet.start()
  } catch (error) {
    await fleet.close()
    throw error
  }
  fleet.begin(count)
  if (fleet.ready.length >= count || signal?.aborted) return
  logger?.info(`Waiting for ${count} servers, ${fleet.ready.length} are ready`)
  await new Promise<void>((resolve) => {
    fleet.onChange(() => fleet.ready.length >= count && resolve())
    signal?.addEventListener('abort', () => resolve())
  })
}

/** Milliseconds for the platform to do what was decided last. */
const SETTLE_MS = 60_000

/** Resolves when servers neither start nor drain: a fleet that is closed gives up what it was at. */
async function platformSettled(fleet: Fleet, { signal, logger }: WatchOptions): Promise<void> {
  const done = () => fleet.servers.every(({ state }) => state === 'ready')
  if (done() || signal?.aborted) return
  logger?.info('Waiting for the servers that start or drain')
  await new Promise<void>((resolve) => {
    const end = () => {
      clearTimeout(timer)
      resolve()
    }
    const timer = setTimeout(end, SETTLE_MS)
    fleet.onChange(() => done() && end())
    signal?.addEventListener('abort', end)
  })
}

/**
 * Runs simulated users through autoscaler, balancer and simulated servers.
 * @throws {ConcertinaError} INVALID_INPUT, naming the option.
 */
export async function runSimulation(options: SimulationOptions & WatchOptions): Promise<RunResult> {
  requireKnown('', options, KEYS)
  const { seed, server = {}, traffic = {}, pace, signal, logger, onTick, onControl, provider } = options
  checkServerOptions(server)
  const overridable = onControl && overridablePattern(options.pattern)
  const pattern = overridable ?? options.pattern
  const duration = options.duration ?? pattern.duration
  if (!Number.isFinite(duration)) {
    throw invalidInput(
      'duration',
      `the load pattern (${pattern.description}) has no end`,
      'a duration in seconds',
    )
  }
  const scaler =
    options.autoScaler instanceof AutoScaler ? options.autoScaler : new AutoScaler(options.autoScaler)
  const users = new UserTrafficSource({ ...traffic, pattern, duration, interval: scaler.interval })
  const env = new LocalEnvironment('auto-scaling-chat', {
    clock: virtualClock({ pace }),
    seed,
    logger,
    provider: provider ?? { startupDelay: server.startupDelay, drainWindow: server.drainWindow },
    fleet: {
      weights: server.weights,
      replaceFailed: (provider ?? onControl) !== undefined,
      onProblem: (reason) => logger?.warn(`Provider: ${reason}`),
    },
    ...(provider && { onEnd: (fleet) => platformSettled(fleet, options) }),
  })
  if (provider) await platformReady(env.fleet, scaler.limits.minServers, options)
  const balancer = new LoadBalancer(options.balancer, provider ? 0 : server.drainWindow)
  const processed = env.fromBatch(users).map(scaler).map(balancer).map(RequestProcessor, server)
  const ticked = onTick ? processed.map(new OnTick(onTick)) : processed
  const watched = overridable ? ticked.map(new Watch(scaler, balancer, overridable, onControl)) : ticked
  const metrics = new MetricsCollector(() => (balancer.routing === 'sticky' ? { moved: balancer.moves } : {}))
  const result = await watched.sink(metrics, ScalingEventsSink).submit({ signal })
  return { ...result, setup: setupOf(scaler, balancer, pattern) }
}
