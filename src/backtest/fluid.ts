import { invalidInput, requireNumber } from '../base/errors.ts'
import { type KeysOf, requireKnown } from '../base/known-keys.ts'
import { seededRng } from '../base/rng.ts'
import { ElasticityMeter, type ElasticityScores } from '../metrics/elasticity.ts'
import type { Decision } from '../pipeline/items.ts'
import type { AutoScaler } from '../scaling/auto-scaler.ts'
import { FluidFleet, FluidObservation, type FluidServer } from '../scaling/fluid-fleet.ts'
import type { ServerObservation } from '../scaling/types.ts'
import { Draining } from './draining.ts'
import type { LoadCurve } from './load-curve.ts'
import { type MessageLatency, MessageMeter, type MessageModel } from './message-latency.ts'
import { WithoutRestart } from './without-restart.ts'
import { checkSurroundings, Platform, SPOT_NOTICE, SURROUNDINGS_KEYS, type Surroundings } from './world.ts'

/** The world that a policy is evaluated in. Times in seconds. */
export interface FluidWorld extends Surroundings {
  readonly curve: LoadCurve
  /** Users that one ready server holds; those above it are overload. */
  readonly usersPerServer: number
  /** From launch to ready. */
  readonly provisioningDelay: number
  /** Seconds at the start that are not counted, in whole control intervals; 0. */
  readonly warmUp?: number
  /** Servers that are ready at the start, if the load does not need more before the first of a policy could be. */
  readonly initialServers?: number
}

/** What a run may come to before it is given up. */
export interface RunBound {
  /** Share of user-time above capacity. */
  readonly overload: number
  readonly serverSeconds: number
}

/** What a backtest of one policy on one load needs. */
export interface FluidOptions extends FluidWorld {
  /** Policy, limits and control interval. It remembers: a new one for each run. */
  readonly scaler: AutoScaler
  /** At `at` seconds the autoscaler is started again: `again` makes the new one, and knows what the old one leaves it. */
  readonly restart?: { readonly at: number; readonly again: (before: AutoScaler) => AutoScaler } | undefined
  /** Of what is random in its surroundings. */
  readonly seed?: number | string
  readonly onDecision?: ((decision: Decision) => void) | undefined
  /** Called whenever servers became ready or the fleet was decided about; time in seconds. */
  readonly onStep?: (time: number, ready: number) => void
  /** What servers do with messages; without it there is no latency. */
  readonly messages?: MessageModel | undefined
  /** The run ends early, as `abandoned`, once it has more overload, or costs more server-seconds, than this. */
  readonly giveUp?: RunBound | undefined
}

export const WORLD_KEYS: KeysOf<FluidWorld> = {
  ...SURROUNDINGS_KEYS,
  curve: true,
  usersPerServer: true,
  provisioningDelay: true,
  warmUp: true,
  initialServers: true,
}

const KEYS: KeysOf<FluidOptions> = {
  ...WORLD_KEYS,
  scaler: true,
  restart: true,
  seed: true,
  onDecision: true,
  onStep: true,
  messages: true,
  giveUp: true,
}

/** What a policy did with a load. */
export interface FluidResult {
  /** Share of user-time above the capacity of the ready servers. */
  readonly overload: number
  /** From launch to stop of every server, also while it starts; on nodes of every place that is paid for. */
  readonly serverHours: number
  readonly averageServers: number
  /** Decisions that changed the number of servers. */
  readonly scalingEvents: number
  /** Hours that were scored. */
  readonly hours: number
  /** Servers that were launched, and those of them that were ended before they were ready. */
  readonly starts: number
  readonly startsInVain: number
  /** Spot servers that were interrupted. */
  readonly interruptions: number
  /** Users who had to change their server because it ended. */
  readonly usersMoved: number
  readonly peakServers: number
  /** The most servers that one decision added or removed. */
  readonly largestStep: number
  /** What was paid, where prices are known. */
  readonly money?: number
  /** How many more servers there were in the hour after the restart than without it, as a share. */
  readonly afterRestart?: number
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

/** The start and the end of scoring, seconds. */
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
  requireKnown('', options, KEYS)
  const { curve, usersPerServer, provisioningDelay, onDecision, onStep, giveUp, metricDelay = 0 } = options
  let { scaler } = options
  const { interval, limits } = scaler
  const { begin, end } = scoredTime(options, interval)
  checkSurroundings(options)
  const standing = standingServers(options, interval, limits)
  const platform = new Platform(
    options,
    provisioningDelay,
    standing,
    seededRng(options.seed ?? 'backtest'),
    curve.weekTime,
  )
  const fleet = new FluidFleet(platform.readyAt, standing, provisioningDelay)
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
  const count = {
    scalingEvents: 0,
    starts: 0,
    startsInVain: 0,
    interruptions: 0,
    peakServers: 0,
    largestStep: 0,
  }
  let restart = options.restart
  let withoutRestart: WithoutRestart | undefined
  let userTime = 0
  let excess = 0
  let movedBefore = 0
  let time = 0

  const observe = (of: FluidFleet) => {
    const load = curve.at(Math.max(0, time - metricDelay))
    const users = Math.max(0, load - draining.users(time)) / of.ready
    const utilization = Math.min(1, users / usersPerServer)
    const server = ({ id, launchedAt, readyAt }: FluidServer): ServerObservation => ({
      id,
      state: 'ready',
      users,
      launchedAt,
      readyAt,
      utilization,
    })
    return new FluidObservation({ time, load }, of.size, () => {
      const servers = of.observe(server)
      servers.push(...draining.observe(time))
      return servers
    })
  }

  for (let k = 0; ; k++) {
    time = k * interval
    if (time >= end || excess > mostExcess || platform.serverSeconds > mostCost) break
    fleet.advance(time)
    draining.advance(time)
    if (restart && time >= restart.at) {
      withoutRestart = new WithoutRestart(fleet, scaler, time)
      scaler = restart.again(scaler)
      restart = undefined
    }
    const scored = time >= begin
    if (!scored) {
      movedBefore = draining.moved
      platform.serverSeconds = 0
      platform.money = 0
    }
    const taken = platform.interruptions(fleet.ready, time, interval)
    const usersEach = () => Math.max(0, curve.at(time) - draining.users(time)) / fleet.ready
    for (let i = 0; i < taken; i++) {
      draining.moved += usersEach()
      fleet.replaceOne(time, SPOT_NOTICE)
    }
    withoutRestart?.decide(time, observe)
    const decision = scaler.decide(observe(fleet))
    onDecision?.({ ...decision, ready: fleet.ready })
    const sizeBefore = fleet.size
    const each = decision.to < sizeBefore ? usersEach() : 0
    const ended = fleet.scaleTo(decision.to, time).map(({ id }) => id)
    withoutRestart?.compare(time, fleet.size)
    draining.add(ended, each, usersPerServer, time)
    const until = Math.min(end, time + interval)
    let held = 0
    if (scored) {
      if (decision.to !== decision.from) count.scalingEvents++
      count.starts += Math.max(0, fleet.size - sizeBefore) + taken
      count.startsInVain += Math.max(0, sizeBefore - fleet.size - ended.length)
      count.interruptions += taken
      count.peakServers = Math.max(count.peakServers, fleet.size)
      count.largestStep = Math.max(count.largestStep, Math.abs(fleet.size - sizeBefore))
      held = curve.excess(time, until, 0)
      userTime += held
      meter.add(Math.ceil(curve.at(time) / usersPerServer - 1e-9), fleet.ready, until - time)
    }
    for (let at = time; at < until; ) {
      platform.occupy(fleet.size, draining.size, at)
      const next = Math.min(until, fleet.nextReadyAt, draining.nextEndAt, platform.nextEndAt)
      onStep?.(at, fleet.ready)
      if (scored) {
        const elsewhere = draining.size > 0 ? draining.users(next) : 0
        excess += curve.excess(at, next, fleet.ready * usersPerServer + elsewhere)
        platform.pay(at, next)
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
  const seconds = Math.max(0, Math.min(time, end) - begin)
  return {
    overload: excess / ((abandoned ? allUserTime : userTime) || 1),
    serverHours: platform.serverSeconds / 3600,
    averageServers: platform.serverSeconds / (seconds || 1),
    ...count,
    hours: seconds / 3600,
    usersMoved: draining.moved - movedBefore,
    ...(options.prices && { money: platform.money }),
    ...(withoutRestart && { afterRestart: withoutRestart.difference }),
    elasticity: meter.scores(),
    ...(messages && { latency: messages.result() }),
    abandoned,
  }
}
