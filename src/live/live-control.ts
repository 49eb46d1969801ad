import { FleetControl, type FleetParts, type OverridablePattern } from '../control/fleet-control.ts'
import { steadyStart } from '../control/steady-start.ts'
import type { AutoScaler } from '../scaling/auto-scaler.ts'
import type { LiveServers } from './live-servers.ts'
import type { ServerReport } from './messages.ts'
import type { Supervisor } from './supervisor.ts'

const RATE_SECONDS = 1

/** A fleet of real servers, on one machine or on many. */
export interface ControlledFleet extends Pick<Supervisor, 'fleet' | 'clock' | 'now' | 'ticks'> {
  readonly servers: Pick<LiveServers, 'report' | 'users' | 'totals'>
  readonly placement: FleetParts['balancer']
  /** Where the rooms are known. */
  readonly rooms?: { readonly count: number }
}

/**
 * The control of a live fleet.
 * @param pattern the load of virtual users, where there is one
 */
export function liveControl(
  supervisor: ControlledFleet,
  autoScaler: AutoScaler,
  pattern?: OverridablePattern,
): FleetControl {
  const { fleet, servers, clock, placement } = supervisor
  const worst = (pick: (report: ServerReport) => number) =>
    Math.max(
      0,
      ...fleet.servers.map(({ id }) => servers.report(id)).map((report) => (report ? pick(report) : 0)),
    )
  let last = { time: 0, deliveries: 0, perSecond: 0 }
  let counted = { time: -Infinity, rooms: 0 }
  const rooms = () => {
    const time = clock.now()
    if (time - counted.time >= RATE_SECONDS) counted = { time, rooms: supervisor.rooms?.count ?? 0 }
    return counted.rooms
  }
  const startMs = steadyStart(() => clock.now())
  const control = new FleetControl({
    hasChat: true,
    startMs,
    rejected: () => servers.totals.rejected,
    ...(supervisor.rooms && { rooms }),
    fleet,
    autoScaler,
    balancer: placement,
    pattern,
    now: () => clock.now(),
    load: () => supervisor.now(),
    users: (server) => servers.users(server),
    deliveriesPerSecond: () => {
      const time = clock.now()
      if (time - last.time >= RATE_SECONDS) {
        const { deliveries } = servers.totals
        last = { time, deliveries, perSecond: Math.max(0, deliveries - last.deliveries) / (time - last.time) }
      }
      return last.perSecond
    },
    latency: () => ({
      p50Ms: worst(({ latencyP50Ms }) => latencyP50Ms),
      p95Ms: worst(({ latencyP95Ms }) => latencyP95Ms),
      p99Ms: worst(({ latencyP99Ms }) => latencyP99Ms),
    }),
  })
  supervisor.ticks.subscribe((tick) => control.onTick(tick))
  return control
}
