import { invalidInput, requireNumber } from '../base/errors.ts'
import { ElasticityMeter, type ElasticityScores } from '../metrics/elasticity.ts'
import type { AutoScaler } from '../scaling/auto-scaler.ts'
import { FluidFleet, FluidObservation } from '../scaling/fluid-fleet.ts'
import type { Decision } from '../scaling/types.ts'
import { Draining, type DrainTerms } from './draining.ts'
import type { LoadCurve } from './load-curve.ts'
import { type MessageLatency, MessageMeter, type MessageTerms } from './message-latency.ts'

/** The world that a policy is judged in. Times in seconds. */
export interface FluidWorld extends Partial<DrainTerms> {
  readonly curve: LoadCurve
  /** Users that one ready server holds; those above it are overload. */
  readonly usersPerServer: number
  /** From launch to ready. */
  readonly provisioningDelay: number
  /** Of the beginning, for which nothing is counted; 0. Counts whole control intervals. */
  readonly warmUp?: number
  /** Servers that are ready at the begin, if the load does not need more before the first of a policy could be. */
  readonly initialServers?: number
}

/** What a run may come to before it is given up. */
export interface RunBound {
  /** Share of user-time above capacity. */
  readonly overload: number
  readonly serverSeconds: number
}

export interface FluidOptions extends FluidWorld {
  /** Policy, limits and control interval. It remembers: a new one for each run. */
  readonly scaler: AutoScaler
  readonly onDecision?: ((decision: Decision) => void) | undefined
  /** Called whenever servers became ready or the fleet was decided about; time in seconds. */
  readonly onStep?: (time: number, ready: number) => void
  /** What servers do with messages; without it there is no latency. */
  readonly messages?: MessageTerms | undefined
  /** The run ends early, as `abandoned`, once it has more overload, or costs more server-seconds, than this. */
  readonly giveUp?: RunBound | undefined
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
  /** Hours that were scored. */
  readonly hours: number
  /** Servers that were launched, and those of them that were ended before they were ready. */
  readonly starts: number
  readonly startsInVain: number
  /** Users who had to change their server because it ended. */
  readonly usersMoved: number
  readonly peakServers: number
  readonly elasticity: ElasticityScores
  /** Of the messages that these users would have sent, if it was given what servers do with them. */
  readonly latency?: MessageLatency
  /** Ended early, by `giveUp`: the other figures are of the time until then. */
  readonly abandoned: boolean
}

/**
 * Servers that are ready when a run, and the floor, begin: as many as the highest load needs before the first server that a
 * second decision launches could be ready, since no policy can be blamed for those.
 */
export function standingServers(
  { curve, usersPerServer, provisioningDelay, initialServers = 0 }: FluidWorld,
  interval: number,
  limits: { minServers: number; maxServers: number },
): number {
  const { high } = curve.range(0, Math.min(curve.duration, provisioningDelay + interval))
  const needed = Math.ceil(high / usersPerServer - 1e-9)
  const least = requireNumber('initialServers', initialServers, { min: 0, integer: true })
  return Math.min(limits.maxServers, Math.max(limits.minServers, needed, least))
}

/** Decisions of one run: three years at every second. */
const MOST_DECISIONS = 1e8

/** The begin of scoring and the end, seconds. */
export function scoredTime(world: FluidWorld, interval: number): { begin: number; end: number } {
  requireNumber('usersPerServer', world.usersPerServer, { above: 0 })
  requireNumber('provisioningDelay', world.provisioningDelay, { min: 0 })
  const warmUp = requireNumber('warmUp', world.warmUp ?? 0, { min: 0 })
  const begin = Math.ceil(warmUp / interval - 1e-9) * interval
  const end = world.curve.duration
  if (end / interval > MOST_DECISIONS) {
    throw invalidInput(
      'interval',
      `${interval} s make ${(end / interval).toExponential(0)} decisions in ${end} s`,
      `at least ${(end / MOST_DECISIONS).toPrecision(2)} s here`,
    )
  }
  if (begin >= end) {
    throw invalidInput('warmUp', `${warmUp} s leave nothing of ${end} s to score`, `seconds below ${end}`)
  }
  return { begin, end }
}

/**
 * Plays a load against a policy without any user or message: the load is a fluid that ready servers hold up to
 * `usersPerServer` each. Integrals over the load are exact. What changes at one instant happens in this order: servers
 * become ready, the policy sees them, the fleet changes. A server that is scaled in keeps its users for `drainWindow` seconds or until
 * their sessions are over, and is paid for until then.
 * @throws {ConcertinaError} INVALID_INPUT, naming the option.
 */
export function runFluid(options: FluidOptions): FluidResult {
  const { curve, usersPerServer, provisioningDelay, scaler, onDecision, onStep, giveUp } = options
  const { interval, limits } = scaler
  const { begin, end } = scoredTime(options, interval)
  const fleet = new FluidFleet(provisioningDelay, standingServers(options, interval, limits))
  const { drainWindow = 0, sessionDuration = Infinity } = options
  const draining = new Draining({
    drainWindow: requireNumber('drainWindow', drainWindow, { min: 0 }),
    sessionDuration:
      sessionDuration === Infinity
        ? Infinity
        : requireNumber('sessionDuration', sessionDuration, { above: 0 }),
  })
  const meter = new ElasticityMeter()
  const messages = options.messages && new MessageMeter(options.messages)
  const allUserTime = curve.excess(begin, end, 0)
  const mostExcess = giveUp ? giveUp.overload * allUserTime : Infinity
  const mostCost = giveUp?.serverSeconds ?? Infinity
  let userTime = 0
  let excess = 0
  let serverSeconds = 0
  let scalingEvents = 0
  let peakServers = 0
  let starts = 0
  let startsInVain = 0
  let movedBefore = 0
  let time = 0
  for (let k = 0; ; k++) {
    time = k * interval
    if (time >= end || excess > mostExcess || serverSeconds > mostCost) break
    fleet.advance(time)
    draining.advance(time)
    const load = curve.at(time)
    const usersEach = Math.max(0, load - draining.users(time)) / fleet.ready
    const servers = () => {
      const utilization = Math.min(1, usersEach / usersPerServer)
      return fleet.observe(({ id, launchedAt, readyAt }) => ({
        id,
        state: 'ready',
        users: usersEach,
        launchedAt,
        readyAt,
        utilization,
      }))
    }
    const decision = scaler.decide(new FluidObservation({ time, load }, fleet.size, servers))
    onDecision?.({ ...decision, ready: fleet.ready })
    const [sizeBefore, readyBefore] = [fleet.size, fleet.ready]
    const scored = time >= begin
    if (!scored) movedBefore = draining.moved
    fleet.scaleTo(decision.to, time)
    const ended = readyBefore - fleet.ready
    if (ended > 0) draining.add(ended, usersEach, usersPerServer, time)
    const until = Math.min(end, time + interval)
    let held = 0
    if (scored) {
      if (decision.to !== decision.from) scalingEvents++
      starts += Math.max(0, fleet.size - sizeBefore)
      startsInVain += Math.max(0, sizeBefore - fleet.size - ended)
      peakServers = Math.max(peakServers, fleet.size)
      serverSeconds += fleet.size * (until - time)
      held = curve.excess(time, until, 0)
      userTime += held
      meter.add(Math.ceil(load / usersPerServer - 1e-9), fleet.ready, until - time)
    }
    for (let at = time; at < until; ) {
      const next = Math.min(until, fleet.nextReadyAt, draining.nextEndAt)
      onStep?.(at, fleet.ready)
      if (scored) {
        const elsewhere = draining.size > 0 ? draining.users(next) : 0
        excess += curve.excess(at, next, fleet.ready * usersPerServer + elsewhere)
        serverSeconds += draining.size * (next - at)
        const own = Math.max(0, held / (until - time) - elsewhere)
        messages?.add(own / usersPerServer, fleet.ready, next - at)
      }
      at = next
      if (at < until) {
        fleet.advance(at)
        draining.advance(at)
      }
    }
  }
  const abandoned = time < end
  return {
    overload: excess / ((abandoned ? allUserTime : userTime) || 1),
    serverHours: serverSeconds / 3600,
    averageServers: serverSeconds / (Math.min(time, end) - begin || 1),
    scalingEvents,
    hours: Math.max(0, Math.min(time, end) - begin) / 3600,
    starts,
    startsInVain,
    usersMoved: draining.moved - movedBefore,
    peakServers,
    elasticity: meter.scores(),
    ...(messages && { latency: messages.result() }),
    abandoned,
  }
}
