import { createServer } from 'node:http'
import type { LoadBalancerOptions } from '../balancing/load-balancer.ts'
import type { ChatOptions } from '../chat/options.ts'
import { latencySummary } from '../metrics/metrics-collector.ts'
import type { LatencySummary, RunResult } from '../metrics/run-result.ts'
import { virtualClock } from '../pipeline/clock.ts'
import { LocalEnvironment } from '../pipeline/local-environment.ts'
import type { AutoScaler } from '../scaling/auto-scaler.ts'
import type { SimulationOptions } from '../simulation/options.ts'
import { exponential } from '../traffic/distribution.ts'
import { UserTrafficSource } from '../traffic/user-traffic-source.ts'
import { type CheckReport, HistoryChecker } from './history-checker.ts'
import { Supervisor, type SupervisorOptions } from './supervisor.ts'
import { VirtualUsers } from './virtual-users.ts'

export interface LiveRunOptions extends Omit<SimulationOptions, 'autoScaler' | 'balancer'> {
  autoScaler: AutoScaler
  balancer?: LoadBalancerOptions
  signal?: AbortSignal
  logger?: SupervisorOptions['logger']
  /** Folder of the room log; a memory log unless told. */
  data?: string
  chat?: ChatOptions
  port?: number
}

/** What the users of a live run saw. */
export interface LiveReport {
  readonly checks: CheckReport
  /** Users moved to another server without a break, and connections that broke and came again. */
  readonly moved: number
  readonly reconnected: number
  /** Time without a connection, of those that broke. */
  readonly outage: LatencySummary
  readonly failedServers: number
}

export interface LiveRunResult extends RunResult {
  readonly live: LiveReport
}

/** Seconds after its due time that a tick looks: those who come at that time have come by then. */
const LOOK_LATER = 0.2

/**
 * Runs virtual users against a live fleet on this machine: real processes, real WebSockets, the pace of real time; the same
 * traffic, autoscaler and balancer as the simulation of the same options.
 * @throws {ConcertinaError} INVALID_INPUT, ADDRESS_UNAVAILABLE or DATA_IN_USE.
 */
export async function runLive(options: LiveRunOptions): Promise<LiveRunResult> {
  const { pattern, seed = 42, server = {}, traffic = {}, autoScaler, balancer = {}, signal, logger } = options
  const duration = options.duration ?? pattern.duration
  let failedServers = 0
  const { concurrency = 4, queueLimit = 1000, serviceTime = exponential(0.05) } = server
  const supervisor = new Supervisor(
    {
      gateway: { port: options.port ?? 0 },
      data: options.data,
      chat: {
        auth: { anonymous: true },
        work: { concurrency, queueLimit, serviceTime: serviceTime.spec },
        ...options.chat,
      },
      autoScaler,
      strategy: balancer.strategy,
      weights: server.weights,
      seed,
      logger,
      requestedLoad: (time) => pattern.users(Math.min(time, duration)),
    },
    createServer((_, response) => response.writeHead(426).end()),
  )
  supervisor.fleet.onChange(({ state }) => {
    if (state === 'failed') failedServers++
  })
  const checker = new HistoryChecker()
  try {
    const port = await supervisor.start()
    const users = new VirtualUsers({
      url: `ws://127.0.0.1:${port}/chat`,
      name: 'user',
      onEvent: (event) => checker.take(event),
    })
    supervisor.run(LOOK_LATER)
    const { interrupted } = await new LocalEnvironment('live-users', {
      clock: virtualClock({ pace: 1 }),
      seed,
    })
      .fromBatch(UserTrafficSource, { ...traffic, pattern, duration, interval: autoScaler.interval })
      .sink(users)
      .submit({ signal })
    await users.settle()
    const result = supervisor.loop.stop()
    users.end()
    await supervisor.close()
    return {
      ...result,
      seed,
      interrupted,
      totalMessages: users.counts.acked,
      rejectedMessages: users.counts.failed,
      throughput: result.duration > 0 ? users.counts.acked / result.duration : 0,
      latency: latencySummary(users.latency, 0),
      live: {
        checks: checker.check(),
        moved: users.counts.moved,
        reconnected: users.counts.reconnected,
        outage: latencySummary(users.outages, 0),
        failedServers,
      },
    }
  } catch (error) {
    await supervisor.close()
    throw error
  }
}
