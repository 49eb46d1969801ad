import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import { EmbeddedRoomLog } from '../chat/logs/embedded.ts'
import type { Supervisor } from './supervisor.ts'

/** Prometheus metrics of a live fleet, read from its plain counters when they are asked for. */
export function liveMetrics(supervisor: Supervisor): Registry {
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

  const { fleet, servers, gateway, log } = supervisor
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
  gauge('servers_wanted', 'Servers wanted: starting and ready.', () => fleet.size)
  counter('messages', 'Messages acknowledged.', () => servers.totals.messages)
  counter('messages_refused', 'Messages refused for want of room or disk.', () => servers.totals.refused)
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
  counter('sockets_handed_over', 'Sockets handed to a server.', () => gateway.counts.handedOver)
  counter(
    'sockets_retried',
    'Sockets offered to another server, the first one having gone.',
    () => gateway.counts.retried,
  )
  counter('connections_refused', 'Connections refused at the gateway.', () => gateway.counts.refused)
  counter('users_moved', 'Users asked to move to even out the servers.', () => supervisor.moves)
  counter('servers_failed', 'Servers that failed.', () => supervisor.failures)
  if (log instanceof EmbeddedRoomLog) {
    gauge('room_log_bytes', 'Bytes of the room log on disk.', () => log.bytes)
    gauge(
      'room_log_damaged',
      'Damaged stretches found when the room log was opened.',
      () => log.damage.filter(({ tornTail }) => !tornTail).length,
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
  collectDefaultMetrics({ register: registry, prefix: 'concertina_supervisor_' })
  return registry
}
