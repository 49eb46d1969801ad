import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { histogramText } from '../base/histogram-text.ts'
import { EmbeddedRoomLog } from '../chat/log/embedded/embedded.ts'
import type { LiveServers } from './live-servers.ts'
import type { Supervisor } from './supervisor.ts'

const PROCESS = 'concertina_supervisor_'
/** What prom-client exports of the process by default, but names against the conventions of Prometheus. */
const MISNAMED = ['active_handles_total', 'active_requests_total', 'active_resources_total']

/** Metrics in the text format of Prometheus. */
export interface MetricsText {
  readonly contentType: string
  text(): Promise<string>
}

/** What the metrics of a fleet are read from: the supervisor of one machine, or the controller of a cluster. */
export interface MeteredFleet
  extends Pick<
    Supervisor,
    | 'fleet'
    | 'autoScaler'
    | 'decisions'
    | 'lastDecision'
    | 'moves'
    | 'failures'
    | 'startups'
    | 'keepsRooms'
    | 'log'
  > {
  readonly servers: Pick<LiveServers, 'load' | 'totals' | 'latency' | 'users' | 'report'> & {
    readonly handedOn?: number
  }
  readonly faults: Pick<Supervisor['faults'], 'counts'>
  /** Whether users can be served; default while a server is ready. */
  readonly isReady?: boolean
  readonly serverApi?: Supervisor['serverApi']
  /** Of one machine; a cluster's way in belongs to the platform. */
  readonly gateway?: Pick<Supervisor['gateway'], 'handedOver' | 'retried' | 'rejected'>
}

/** Prometheus metrics of a live fleet, read from its plain counters when they are asked for. */
export function liveMetrics(supervisor: MeteredFleet): MetricsText {
  const registry = new Registry()
  const registers = [registry]
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name: `concertina_${name}`,
      help,
      registers,
      collect() {
        this.set(read())
      },
    })
  const counter = (name: string, help: string, read: () => number) =>
    new Counter({
      name: `concertina_${name}_total`,
      help,
      registers,
      collect() {
        this.reset()
        this.inc(read())
      },
    })
  const perServer = (name: string, help: string, read: (id: number) => number | undefined) =>
    new Gauge({
      name: `concertina_server_${name}`,
      help,
      labelNames: ['server'],
      registers,
      collect() {
        this.reset()
        for (const { id } of supervisor.fleet.servers) {
          const value = read(id)
          if (value !== undefined) this.set({ server: String(id) }, value)
        }
      },
    })

  const { fleet, servers, gateway, autoScaler } = supervisor
  const { limits } = autoScaler
  gauge('users', 'Concurrent users.', () => servers.load)
  new Gauge({
    name: 'concertina_servers',
    help: 'Servers by state.',
    labelNames: ['state'],
    registers,
    collect() {
      for (const state of ['starting', 'ready', 'draining']) {
        this.set({ state }, fleet.servers.filter((server) => server.state === state).length)
      }
    },
  })
  gauge('servers_desired', 'Servers wanted: starting and ready.', () => fleet.desiredCount)
  gauge(
    'policy_servers',
    'Servers the policy wanted at the last decision, before the limits.',
    () => supervisor.lastDecision?.desired ?? fleet.desiredCount,
  )
  gauge('servers_min', 'Fewest servers the autoscaler may want.', () => limits.minServers)
  gauge('servers_max', 'Most servers the autoscaler may want.', () => limits.maxServers)
  gauge('autoscaler_paused', 'Whether the autoscaler is paused: 1, or 0.', () =>
    autoScaler.policy.paused ? 1 : 0,
  )
  new Counter({
    name: 'concertina_scaling_decisions_total',
    help: 'Decisions of the autoscaler by what they did.',
    labelNames: ['action'],
    registers,
    collect() {
      this.reset()
      for (const [action, count] of Object.entries(supervisor.decisions)) this.inc({ action }, count)
    },
  })
  counter('messages', 'Messages acknowledged.', () => servers.totals.messages)
  counter('messages_rejected', 'Messages refused for want of room or disk.', () => servers.totals.refused)
  counter('deliveries', 'Messages pushed to members.', () => servers.totals.deliveries)
  counter(
    'members_behind',
    'Times that a member read too slowly and caught up from the log.',
    () => servers.totals.behind,
  )
  counter(
    'slow_connections_closed',
    'Connections closed for reading too slowly.',
    () => servers.totals.slowClosed,
  )
  if (gateway) {
    counter('sockets_handed_over', 'Sockets handed to a server.', () => gateway.handedOver)
    counter(
      'sockets_retried',
      'Sockets offered to another server, the first one having gone.',
      () => gateway.retried,
    )
    new Counter({
      name: 'concertina_connections_rejected_total',
      help: 'Connections refused at the gateway, by reason.',
      labelNames: ['reason'],
      registers,
      collect() {
        this.reset()
        for (const [reason, count] of Object.entries(gateway.rejected)) this.inc({ reason }, count)
      },
    })
  } else {
    gauge('leader', 'Whether this controller leads: 1, or 0.', () => 1)
    counter(
      'newcomers_handed_on',
      'Moving users sent on by a server that had its share.',
      () => servers.handedOn ?? 0,
    )
  }
  counter('users_moved', 'Users asked to move to even out the servers.', () => supervisor.moves)
  counter(
    'rooms_resumed',
    'Times that a room was joined where its user had left off, after a lost connection or a move.',
    () => servers.totals.resumed,
  )
  counter('servers_failed', 'Servers that failed.', () => supervisor.failures)
  new Counter({
    name: 'concertina_faults_total',
    help: 'Errors thrown by policies, listeners and operators, which the fleet survived.',
    labelNames: ['where'],
    registers,
    collect() {
      this.reset()
      for (const [where, count] of supervisor.faults.counts) this.inc({ where }, count)
    },
  })
  if (supervisor.keepsRooms) {
    const embedded = () => (supervisor.log instanceof EmbeddedRoomLog ? supervisor.log : undefined)
    gauge('room_log_bytes', 'Bytes of the room log on disk.', () => embedded()?.bytes ?? 0)
    gauge(
      'room_log_damaged',
      'Damaged stretches found when the room log was opened.',
      () => embedded()?.damage.filter(({ kind }) => kind !== 'torn-tail').length ?? 0,
    )
  }
  perServer('users', 'Users on the server.', (id) => servers.users({ id }))
  perServer('cpu_cores', 'CPU use of the server in cores.', (id) => servers.report(id)?.cpu)
  perServer('memory_bytes', 'Resident memory of the server.', (id) => servers.report(id)?.memoryBytes)
  perServer(
    'event_loop_utilization',
    'Share of time its event loop is busy.',
    (id) => servers.report(id)?.eventLoopUtilization,
  )
  perServer('latency_p99_seconds', '99th percentile of the time from receiving to acknowledging.', (id) => {
    const report = servers.report(id)
    return report && report.latencyP99Ms / 1000
  })
  collectDefaultMetrics({ register: registry, prefix: PROCESS })
  for (const name of MISNAMED) registry.removeSingleMetric(`${PROCESS}nodejs_${name}`)
  const { contentType } = registry
  return { contentType, text: async () => [await registry.metrics(), ...histograms(supervisor)].join('\n') }
}

function histograms({ servers, startups, log }: MeteredFleet): string[] {
  const all = [
    histogramText(
      'concertina_message_latency_seconds',
      'Time from receiving a message to acknowledging it.',
      servers.latency,
    ),
    histogramText(
      'concertina_server_startup_seconds',
      'Time from launching a server until it is ready.',
      startups,
    ),
  ]
  if (log instanceof EmbeddedRoomLog) {
    all.push(
      histogramText(
        'concertina_room_log_commit_seconds',
        'Time the disk took to write and sync a batch of messages.',
        log.commits,
      ),
    )
  }
  return all
}
