import { histogramText } from '../base/histogram-text.ts'
import { EmbeddedRoomLog } from '../chat/log/embedded/embedded.ts'
import type { FleetRooms } from './fleet-rooms.ts'
import type { LiveServers } from './live-servers.ts'
import { addScalingMetrics, MetricSet, type MetricsText } from './scaling-metrics.ts'
import type { Supervisor } from './supervisor.ts'

/** What the metrics of a fleet are read from: the supervisor of one machine, or the controller of a cluster. */
export interface MeteredFleet
  extends Pick<
    Supervisor,
    'fleet' | 'autoScaler' | 'decisions' | 'lastDecision' | 'moves' | 'failures' | 'startups'
  > {
  readonly servers: Pick<LiveServers, 'load' | 'totals' | 'latency' | 'users' | 'report'> & {
    readonly handedOn?: number
  }
  readonly faults: Pick<Supervisor['faults'], 'counts'>
  /** Whether users can be served; default while a server is ready. */
  readonly isReady?: boolean
  /** Of one machine; those of a cluster are the broker's. */
  readonly rooms?: Pick<FleetRooms, 'log' | 'onDisk' | 'serverApi'>
  /** Of one machine; a cluster's way in belongs to the platform. */
  readonly gateway?: Pick<Supervisor['gateway'], 'handedOver' | 'retried' | 'rejected'>
}

/** Prometheus metrics of a live fleet, read from its plain counters when they are asked for. */
export function liveMetrics(supervisor: MeteredFleet): MetricsText {
  const metrics = new MetricSet()
  const perServer = (name: string, help: string, read: (id: number) => number | undefined) =>
    metrics.gauges(`server_${name}`, help, 'server', () =>
      fleet.servers.flatMap(({ id }) => {
        const value = read(id)
        return value === undefined ? [] : [[String(id), value] as const]
      }),
    )

  const { fleet, servers, gateway } = supervisor
  metrics.gauge('users', 'Concurrent users.', () => servers.load)
  addScalingMetrics(metrics, supervisor)
  metrics.counter('messages', 'Messages acknowledged.', () => servers.totals.messages)
  metrics.counter(
    'messages_rejected',
    'Messages rejected for want of room or disk.',
    () => servers.totals.rejected,
  )
  metrics.counter('deliveries', 'Messages pushed to members.', () => servers.totals.deliveries)
  metrics.counter(
    'members_lagging',
    'Times that a member read too slowly and caught up from the log.',
    () => servers.totals.lagging,
  )
  metrics.counter(
    'slow_connections_closed',
    'Connections closed for reading too slowly.',
    () => servers.totals.slowClosed,
  )
  if (gateway) {
    metrics.counter('sockets_handed_over', 'Sockets handed to a server.', () => gateway.handedOver)
    metrics.counter(
      'sockets_retried',
      'Sockets offered to another server, the first one having gone.',
      () => gateway.retried,
    )
    metrics.counters(
      'connections_rejected',
      'Connections rejected at the gateway, by reason.',
      'reason',
      () => Object.entries(gateway.rejected),
    )
  } else {
    metrics.gauge('leader', 'Whether this controller leads: 1, or 0.', () => 1)
    metrics.counter(
      'newcomers_handed_on',
      'Users rejected because they were to move to another server.',
      () => servers.handedOn ?? 0,
    )
  }
  metrics.counter(
    'users_moved',
    'Users asked to move to even out the servers, or to follow their rooms.',
    () => supervisor.moves,
  )
  metrics.counter(
    'rooms_resumed',
    'Times that a room was joined where its user had left off, after a lost connection or a move.',
    () => servers.totals.resumed,
  )
  metrics.counter(
    'key_fetches_failed',
    'Times that the keys of the issuer of tokens could not be fetched.',
    () => servers.totals.keyFetchesFailed,
  )
  const { rooms } = supervisor
  if (rooms?.onDisk) {
    const embedded = () => (rooms.log instanceof EmbeddedRoomLog ? rooms.log : undefined)
    metrics.gauge('room_log_bytes', 'Bytes of the room log on disk.', () => embedded()?.bytes ?? 0)
    metrics.gauge(
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
  metrics.process('supervisor')
  const { registry } = metrics
  const { contentType } = registry
  return { contentType, text: async () => [await registry.metrics(), ...histograms(supervisor)].join('\n') }
}

function histograms({ servers, startups, rooms }: MeteredFleet): string[] {
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
  const { log } = rooms ?? {}
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
