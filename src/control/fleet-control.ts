import type { StrategyName } from '../balancing/strategy-names.ts'
import { invalidInput, requireNumber } from '../base/errors.ts'
import { Histogram } from '../base/histogram.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { Server } from '../fleet/server.ts'
import type { Decision, ScaledTick } from '../pipeline/items.ts'
import type { AutoScaler } from '../scaling/auto-scaler.ts'
import { wholeReason } from '../scaling/decision-words.ts'
import { createPolicy, type PolicySpec, specOf } from '../scaling/policies.ts'
import { policyWords } from '../scaling/policy-words.ts'
import { type LoadPattern, MOST_USERS } from '../traffic/load-pattern.ts'
import { Alerts } from './alerts.ts'
import type { ControlTarget, FleetEvent, FleetSnapshot, ServerSnapshot } from './control-target.ts'
import { DecisionHistory } from './decision-history.ts'
import { EventLog } from './event-log.ts'
import { eventWords } from './event-words.ts'

/** A load pattern that can be overruled while it runs. */
export interface OverridablePattern extends LoadPattern {
  /** Desired users; `null` follows the pattern. */
  set: number | null
}

/** Makes a load pattern that can be overruled while it runs. */
export function overridablePattern(pattern: LoadPattern): OverridablePattern {
  const overridable: OverridablePattern = {
    duration: pattern.duration,
    description: pattern.description,
    recorded: pattern.recorded,
    set: null,
    users: (time) => overridable.set ?? pattern.users(time),
  }
  return overridable
}

/** The parts of a running fleet, simulated or live, that are watched and controlled. */
export interface FleetParts {
  readonly fleet: Fleet
  readonly autoScaler: AutoScaler
  readonly balancer: { readonly strategy: StrategyName; setStrategy(name: StrategyName): void }
  /** The load of virtual users, where there is one. */
  readonly pattern?: OverridablePattern | undefined
  /** Seconds since the run began. */
  now(): number
  load(): { load: number; requestedLoad: number }
  users(server: Server): number
  deliveriesPerSecond(): number
  latency(): FleetSnapshot['latency']
  /** Of time 0, milliseconds since 1970, on a fleet whose clock is the world's. */
  startMs?(): number
  /** Whether it is a chat, whose rooms and users can be administrated. */
  readonly hasChat?: true
  rooms?(): number
  rejected?(): number
}

interface Rate {
  readonly time: number
  readonly messages: number
  readonly perSecond: number
}

/** Seconds over which messages are counted. */
const RATE_SECONDS = 0.9

/** What people see of a fleet, and what they may do to it. */
export class FleetControl implements ControlTarget {
  readonly #parts: FleetParts
  readonly #events: EventLog
  readonly #rates = new Map<number, Rate>()
  #decision: Decision | undefined
  readonly #decisions = new DecisionHistory()
  readonly #delays = new Histogram()
  readonly #alerts = new Alerts()

  constructor(parts: FleetParts) {
    this.#parts = parts
    this.#events = new EventLog(() => parts.now())
    parts.fleet.onChange(({ id, life, launchedAt, killedByHand }) => {
      if (life.state === 'ready' && life.readyAt > launchedAt) this.#delays.record(life.readyAt - launchedAt)
      if (life.state !== 'failed') return
      if (killedByHand) this.#events.add('hand', eventWords.say('gone', { id }))
      else {
        this.#events.add('failure', eventWords.say('failed', { id, why: life.reason }))
        this.#alerts.failed(parts.now())
      }
    })
  }

  /** To be called after every decision. */
  onTick({ decision }: ScaledTick): void {
    const { action, to } = decision
    if (action !== 'none') {
      this.#events.add(
        'scale',
        eventWords.say(action === 'scale_up' ? 'up' : 'down', { servers: to, why: wholeReason(decision) }),
        decision,
      )
    }
    this.#decision = decision
    this.#decisions.add(decision)
    const now = this.#parts.now()
    this.#alerts.evaluate({
      time: now,
      rejected: this.#parts.rejected?.(),
      p99Ms: this.#parts.latency().p99Ms,
      desired: decision.desired,
      maxServers: this.#parts.autoScaler.limits.maxServers,
    })
    const { servers } = this.#parts.fleet
    for (const { id, work } of servers) {
      const last = this.#rates.get(id)
      if (last && now - last.time < RATE_SECONDS) continue
      const messages = work?.totals(now).messages ?? 0
      const perSecond = last ? Math.max(0, messages - last.messages) / (now - last.time) : 0
      this.#rates.set(id, { time: now, messages, perSecond })
    }
    for (const id of this.#rates.keys())
      if (!servers.some((server) => server.id === id)) this.#rates.delete(id)
  }

  snapshot(): FleetSnapshot {
    const { fleet, autoScaler, balancer, pattern } = this.#parts
    const { policy, limits, shadow } = autoScaler
    const { desired, reason, limitedBy, forecast } = this.#decision ?? {}
    const policySpec = specOf(policy.current)
    const { usersPerServer } = policy
    const { startMs, hasChat, rooms, rejected } = this.#parts
    return {
      time: this.#parts.now(),
      ...(startMs && { startMs: startMs() }),
      ...(hasChat && { hasChat }),
      ...(rooms && { rooms: rooms() }),
      ...(rejected && { rejected: rejected() }),
      interval: autoScaler.interval,
      ...(this.#delays.count > 0 && { provisioningDelay: this.#delays.quantile(0.5) }),
      ...this.#parts.load(),
      size: fleet.desiredCount,
      ready: fleet.ready.length,
      servers: fleet.servers.map((server) => this.#server(server)),
      messagesPerSecond: [...this.#rates.values()].reduce((sum, { perSecond }) => sum + perSecond, 0),
      deliveriesPerSecond: this.#parts.deliveriesPerSecond(),
      latency: this.#parts.latency(),
      policy: policy.name,
      ...(policySpec && { policySpec }),
      ...(usersPerServer !== undefined && { usersPerServer }),
      ...(desired !== undefined && reason !== undefined && { decision: { desired, reason, limitedBy } }),
      ...(forecast && { forecast }),
      alerts: this.#alerts.active,
      ...(shadow?.size !== undefined && { shadow: { policy: shadow.policy.name, servers: shadow.size } }),
      paused: policy.paused,
      strategy: balancer.strategy,
      limits: { minServers: limits.minServers, maxServers: limits.maxServers },
      loadCanBeSet: pattern !== undefined,
      ...(pattern?.set != null && { setLoad: pattern.set }),
    }
  }

  #server(server: Server): ServerSnapshot {
    const { id, state, work } = server
    return {
      id,
      state,
      users: this.#parts.users(server),
      messagesPerSecond: this.#rates.get(id)?.perSecond ?? 0,
      ...work?.measured?.(),
    }
  }

  onEvent(listener: (event: FleetEvent) => void): () => void {
    return this.#events.added.subscribe(listener)
  }

  events(after: number): readonly FleetEvent[] {
    return this.#events.after(after)
  }

  decisionAt(time: number): { decision?: Decision; next?: Decision } {
    return this.#decisions.at(time)
  }

  setLoad(users: number | null): void {
    const { pattern } = this.#parts
    if (!pattern) throw invalidInput('users', 'the load can be set only for virtual users', 'a demonstration')
    if (users !== null) requireNumber('users', users, { min: 0, max: MOST_USERS })
    pattern.set = users
    this.#events.add(
      'hand',
      users === null ? eventWords.say('followsPattern') : eventWords.say('loadSet', { users }),
    )
  }

  setPolicy(spec: PolicySpec): void {
    this.#parts.autoScaler.setPolicy(createPolicy(spec))
    this.#events.add('hand', eventWords.say('policy', { policy: policyWords(spec) }))
  }

  setShadow(spec: PolicySpec | null): void {
    this.#parts.autoScaler.setShadow(spec === null ? undefined : createPolicy(spec))
    this.#events.add(
      'hand',
      spec === null ? eventWords.say('noShadow') : eventWords.say('shadow', { policy: policyWords(spec) }),
    )
  }

  setStrategy(name: StrategyName): void {
    this.#parts.balancer.setStrategy(name)
    this.#events.add('hand', eventWords.say('strategy', { name }))
  }

  pause(paused: boolean): void {
    this.#parts.autoScaler.policy.paused = paused
    this.#events.add('hand', eventWords.say(paused ? 'paused' : 'resumed'))
  }

  setSize(servers: number): void {
    const { fleet, autoScaler } = this.#parts
    const { minServers, maxServers } = autoScaler.limits
    requireNumber('servers', servers, { min: minServers, max: maxServers, integer: true })
    autoScaler.policy.paused = true
    this.#events.add('hand', `${eventWords.say('size', { servers })}; ${eventWords.say('paused')}`)
    fleet.scaleTo(servers)
  }

  drain(id: number): void {
    if (!this.#parts.fleet.drain(id)) throw this.#noServer(id)
    this.#events.add('hand', eventWords.say('drained', { id }))
  }

  kill(id: number): void {
    if (!this.#parts.fleet.kill(id)) throw this.#noServer(id)
    this.#events.add('hand', eventWords.say('killed', { id }))
  }

  #noServer(id: number): Error {
    const ready = this.#parts.fleet.ready.map((server) => server.id)
    return invalidInput(
      'id',
      `there is no server ${id} that accepts users`,
      ready.join(', ') || 'none at this moment',
    )
  }
}
