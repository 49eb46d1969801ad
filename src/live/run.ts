import type { LoadBalancerOptions } from '../balancing/load-balancer.ts'
import { virtualClock } from '../base/clock.ts'
import { invalidInput } from '../base/errors.ts'
import { type KeysOf, requireKnown } from '../base/known-keys.ts'
import type { ChatOptions } from '../chat/options.ts'
import type { ControlTarget } from '../control/control-target.ts'
import { overridablePattern } from '../control/fleet-control.ts'
import { VirtualUsers } from '../load/virtual-users.ts'
import { latencySummary } from '../metrics/metrics-collector.ts'
import type { RunResult } from '../metrics/run-result.ts'
import { setupOf } from '../metrics/run-setup.ts'
import { LocalEnvironment } from '../pipeline/local-environment.ts'
import type { AutoScaler } from '../scaling/auto-scaler.ts'
import { checkServerOptions, SIMULATION_KEYS, type SimulationOptions } from '../simulation/options.ts'
import { UserTrafficSource } from '../traffic/user-traffic-source.ts'
import { HistoryChecker } from '../verify/checker.ts'
import type { HistoryListener } from '../verify/events.ts'
import { chatPageServer } from './control-http.ts'
import { startControlPlane } from './control-plane.ts'
import { liveControl } from './live-control.ts'
import { messageWork } from './message-work.ts'
import { Supervisor } from './supervisor.ts'
import type { SupervisorOptions } from './supervisor-options.ts'

/** Options of a live run: those of a simulation, and what real servers and connections need. */
export interface LiveRunOptions extends Omit<SimulationOptions, 'autoScaler' | 'balancer'> {
  autoScaler: AutoScaler
  balancer?: LoadBalancerOptions
  signal?: AbortSignal
  logger?: SupervisorOptions['logger']
  /** Starts the server processes; default `localProvider`. */
  provider?: SupervisorOptions['provider']
  /** Where rooms are kept; default the log in `data`. It is closed with the fleet. */
  roomLog?: SupervisorOptions['roomLog']
  /** Folder of the room log and of what the fleet learned; default none, with rooms in memory. */
  data?: string
  chat?: ChatOptions
  port?: number
  /** Of dashboard, control API and metrics; default any free one. */
  controlPort?: number
  /** Takes what each user did and saw. */
  onEvent?: HistoryListener
  /** Called when the fleet is up, with the addresses of the chat page and the dashboard. */
  onListening?: (chat: string, dashboard: string) => void
  /** Called then, too, with what the run can be watched and controlled by. */
  onControl?: (control: ControlTarget, dashboard: string) => void
}

const KEYS: KeysOf<LiveRunOptions> = {
  ...SIMULATION_KEYS,
  signal: true,
  logger: true,
  provider: true,
  roomLog: true,
  data: true,
  chat: true,
  port: true,
  controlPort: true,
  onEvent: true,
  onListening: true,
  onControl: true,
}

const ignore = () => {}

/** Seconds after its due time that a tick looks: those who come at that time have come by then. */
const LOOK_LATER = 0.2

/**
 * Runs virtual users against a live fleet on this machine: real processes, real WebSockets, the pace of real time; the same
 * traffic, autoscaler and balancer as the simulation of the same options.
 * @throws {ConcertinaError} INVALID_INPUT, ADDRESS_UNAVAILABLE or DATA_IN_USE.
 */
export async function runLive(options: LiveRunOptions): Promise<RunResult> {
  requireKnown('', options, KEYS)
  const { seed = 42, server = {}, traffic = {}, autoScaler, balancer = {}, signal, logger } = options
  checkServerOptions(server)
  const pattern = overridablePattern(options.pattern)
  const duration = options.duration ?? pattern.duration
  if (balancer.routing === 'message')
    throw invalidInput('routing', 'a live user stays on its server', 'sticky')
  const source = new UserTrafficSource({ ...traffic, pattern, duration, interval: autoScaler.interval })
  let users: VirtualUsers | undefined
  const supervisor: Supervisor = new Supervisor(
    {
      gateway: { port: options.port ?? 0 },
      data: options.data,
      roomLog: options.roomLog,
      chat: {
        auth: { anonymous: true },
        work: messageWork(server),
        ...options.chat,
      },
      autoScaler,
      strategy: balancer.strategy,
      weights: server.weights,
      seed,
      logger,
      provider: options.provider,
      usersSample: () => users?.sample() ?? {},
      requestedLoad: (time) => pattern.users(Math.min(time, duration)),
    },
    chatPageServer(() => supervisor.isReady),
  )
  const checker = new HistoryChecker()
  let plane: Awaited<ReturnType<typeof startControlPlane>> | undefined
  try {
    const port = await supervisor.start()
    const url = `ws://127.0.0.1:${port}/chat`
    const control = liveControl(supervisor, autoScaler, pattern)
    plane = await startControlPlane(control, { port: options.controlPort ?? 0 }, supervisor)
    const { faults } = supervisor
    const { onListening = ignore, onControl = ignore, onEvent: onUserEvent = ignore } = options
    faults.guard('onListening', onListening)(`http://127.0.0.1:${port}/`, plane.url)
    faults.guard('onControl', onControl)(control, plane.url)
    const report = faults.guard('onEvent', onUserEvent)
    const onEvent: HistoryListener = (event) => {
      checker.record(event)
      report(event)
    }
    users = new VirtualUsers({ url, name: `user-${Date.now().toString(36)}`, onEvent })
    const startMs = Date.now() - supervisor.clock.now() * 1000
    supervisor.run(LOOK_LATER)
    const { interrupted } = await new LocalEnvironment('live-users', {
      clock: virtualClock({ pace: 1 }),
      seed,
    })
      .fromBatch(source)
      .sink(users)
      .submit({ signal })
    await users.waitForDeliveries()
    const result = supervisor.loop.stop()
    users.end()
    await supervisor.close()
    return {
      ...result,
      seed,
      interrupted,
      setup: setupOf(
        autoScaler,
        { strategy: supervisor.placement.strategy, routing: 'sticky' },
        { ...pattern, recorded: { startMs, speed: 1 } },
      ),
      totalMessages: users.counts.acked + users.counts.failed,
      processedMessages: users.counts.acked,
      rejectedMessages: users.counts.failed,
      throughput: result.duration > 0 ? users.counts.acked / result.duration : 0,
      latency: latencySummary(users.latency, 0),
      live: {
        checks: checker.check(),
        moved: users.counts.moved,
        reconnected: users.counts.reconnected,
        outage: latencySummary(users.outages, 0),
        failedServers: supervisor.failures,
      },
    }
  } finally {
    users?.end()
    await supervisor.close()
    plane?.close()
  }
}
