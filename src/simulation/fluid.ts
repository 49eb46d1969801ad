import { invalidInput, requireNumber } from '../errors.ts'
import { ElasticityMeter, type ElasticityScores } from '../metrics/elasticity.ts'
import type { AutoScaler } from '../scaling/auto-scaler.ts'
import type { Decision } from '../scaling/decision.ts'
import { FluidFleet, FluidObservation } from '../scaling/fluid-fleet.ts'
import type { LoadCurve } from './load-curve.ts'

/** The world that a policy is judged in. Times in seconds. */
export interface FluidWorld {
  readonly curve: LoadCurve
  /** Users that one ready server holds; those above it are overload. */
  readonly usersPerServer: number
  /** From launch to ready. */
  readonly provisioningDelay: number
  /** Of the beginning, for which nothing is counted; 0. Counts whole control intervals. */
  readonly warmUp?: number
  /** Servers that are ready at the begin; those that the first load needs, if that is more. */
  readonly initialServers?: number
}

export interface FluidOptions extends FluidWorld {
  /** Policy, limits and control interval. It remembers: a new one for each run. */
  readonly scaler: AutoScaler
  readonly onDecision?: (decision: Decision) => void
  /** The run ends early, as `abandoned`, once it has more overload, or costs more server-seconds, than this. */
  readonly giveUp?: { readonly overload: number; readonly serverSeconds: number }
}

/** What a policy did with a load. */
export interface FluidResult {
  /** Share of user-time above the capacity of the ready servers. */
  readonly overload: number
  /** From launch to stop of every server, also while it starts. */
  readonly serverHours: number
  readonly averageServers: number
  /** Decisions that changed the number of servers. */
  readonly scalingEvents: number
  readonly peakServers: number
  readonly elasticity: ElasticityScores
  /** Ended early, by `giveUp`: the other figures are of the time until then. */
  readonly abandoned: boolean
}

/** Servers that are ready when a run, and the floor, begin. */
export function standingServers(
  world: FluidWorld,
  limits: { minServers: number; maxServers: number },
): number {
  const needed = Math.ceil(world.curve.at(0) / world.usersPerServer - 1e-9)
  const least = requireNumber('initialServers', world.initialServers ?? 0, { min: 0, integer: true })
  return Math.min(limits.maxServers, Math.max(limits.minServers, needed, least))
}

/** The begin of scoring and the end, seconds. */
export function scoredTime(world: FluidWorld, interval: number): { begin: number; end: number } {
  requireNumber('usersPerServer', world.usersPerServer, { above: 0 })
  requireNumber('provisioningDelay', world.provisioningDelay, { min: 0 })
  const warmUp = requireNumber('warmUp', world.warmUp ?? 0, { min: 0 })
  const begin = Math.ceil(warmUp / interval - 1e-9) * interval
  const end = world.curve.duration
  if (begin >= end) {
    throw invalidInput('warmUp', `${warmUp} s leave nothing of ${end} s to score`, `seconds below ${end}`)
  }
  return { begin, end }
}

/**
 * Plays a load against a policy without any user or message: the load is a fluid that ready servers hold up to
 * `usersPerServer` each. Integrals over the load are exact. What changes at one instant happens in this order: servers
 * become ready, the policy sees them, the fleet changes.
 * @throws {ConcertinaError} INVALID_INPUT, naming the option.
 */
export function runFluid(options: FluidOptions): FluidResult {
  const { curve, usersPerServer, provisioningDelay, scaler, onDecision, giveUp } = options
  const { interval, limits } = scaler
  const { begin, end } = scoredTime(options, interval)
  const fleet = new FluidFleet(provisioningDelay, standingServers(options, limits))
  const meter = new ElasticityMeter()
  const allUserTime = curve.excess(begin, end, 0)
  const mostExcess = giveUp ? giveUp.overload * allUserTime : Infinity
  const mostCost = giveUp?.serverSeconds ?? Infinity
  let userTime = 0
  let excess = 0
  let serverSeconds = 0
  let scalingEvents = 0
  let peakServers = 0
  let time = 0
  for (let k = 0; ; k++) {
    time = k * interval
    if (time >= end || excess > mostExcess || serverSeconds > mostCost) break
    fleet.advance(time)
    const load = curve.at(time)
    const servers = () => {
      const users = load / fleet.ready
      const utilization = Math.min(1, users / usersPerServer)
      return fleet.observe(({ id, launchedAt, readyAt }) => ({
        id,
        state: 'ready',
        users,
        launchedAt,
        readyAt,
        utilization,
      }))
    }
    const decision = scaler.decide(new FluidObservation({ time, load }, fleet.size, servers))
    onDecision?.(decision)
    fleet.scaleTo(decision.to, time)
    const until = Math.min(end, time + interval)
    const scored = time >= begin
    if (scored) {
      if (decision.to !== decision.from) scalingEvents++
      peakServers = Math.max(peakServers, fleet.size)
      serverSeconds += fleet.size * (until - time)
      userTime += curve.excess(time, until, 0)
      meter.add(Math.ceil(load / usersPerServer - 1e-9), fleet.ready, until - time)
    }
    for (let at = time; at < until; ) {
      const next = Math.min(until, fleet.nextReadyAt)
      if (scored) excess += curve.excess(at, next, fleet.ready * usersPerServer)
      at = next
      if (at < until) fleet.advance(at)
    }
  }
  const abandoned = time < end
  return {
    overload: excess / ((abandoned ? allUserTime : userTime) || 1),
    serverHours: serverSeconds / 3600,
    averageServers: serverSeconds / (Math.min(time, end) - begin || 1),
    scalingEvents,
    peakServers,
    elasticity: meter.scores(),
    abandoned,
  }
}
