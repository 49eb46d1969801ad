import type { StrategyName } from '../balancing/strategies.ts'
import type { ControlTarget, FleetEvent, FleetSnapshot, ServerSnapshot } from '../control/control-target.ts'
import { EventList } from '../control/event-list.ts'
import { invalidInput, requireNumber } from '../errors.ts'
import type { Server } from '../fleet/server.ts'
import type { ScaledTick } from '../scaling/auto-scaler.ts'
import { createPolicy, type PolicySpec } from '../scaling/policies.ts'
import type { SteeredPolicy } from '../scaling/steered-policy.ts'
import type { LoadPattern } from '../traffic/load-pattern.ts'
import type { Supervisor } from './supervisor.ts'

/** A load pattern that can be overruled while it runs. */
export function steeredPattern(pattern: LoadPattern): LoadPattern & { set: number | null } {
  const steered = {
    ...pattern,
    set: null as number | null,
    users: (time: number) => steered.set ?? pattern.users(time),
  }
  return steered
}

/** What people see of a live fleet, and what they may do to it. */
export class LiveControl implements ControlTarget {
  readonly #supervisor: Supervisor
  readonly #policy: SteeredPolicy
  readonly #limits: { minServers: number; maxServers: number }
  readonly #pattern: { set: number | null } | undefined
  readonly #events: EventList
  readonly #rates = new Map<
    number,
    { time: number; messages: number; deliveries: number; perSecond: number; pushed: number }
  >()

  /** @param pattern the load of virtual users, where there is one */
  constructor(
    supervisor: Supervisor,
    policy: SteeredPolicy,
    limits: { minServers: number; maxServers: number },
    pattern?: { set: number | null },
  ) {
    this.#supervisor = supervisor
    this.#policy = policy
    this.#limits = limits
    this.#pattern = pattern
    this.#events = new EventList(() => supervisor.clock.now())
    supervisor.onTick = (tick) => this.#onTick(tick)
    supervisor.fleet.onChange(({ id, state, failure }) => {
      if (state === 'failed') this.#events.add('failure', `server ${id} failed: ${failure}`)
    })
  }

  #onTick({ decision }: ScaledTick): void {
    const { action, to, reason } = decision
    if (action !== 'none')
      this.#events.add(
        'scale',
        `${action === 'scale_up' ? 'up' : 'down'} to ${to} servers: ${reason}`,
        decision,
      )
    const now = this.#supervisor.clock.now()
    const { servers } = this.#supervisor.fleet
    for (const { id } of servers) {
      const { messages = 0, deliveries = 0 } = this.#supervisor.servers.report(id) ?? {}
      const last = this.#rates.get(id) ?? {
        time: now - 1,
        messages: 0,
        deliveries: 0,
        perSecond: 0,
        pushed: 0,
      }
      if (now - last.time < 0.9 && this.#rates.has(id)) continue
      const elapsed = Math.max(0.001, now - last.time)
      const rate = (current: number, before: number) => Math.max(0, current - before) / elapsed
      this.#rates.set(id, {
        time: now,
        messages,
        deliveries,
        perSecond: rate(messages, last.messages),
        pushed: rate(deliveries, last.deliveries),
      })
    }
    for (const id of this.#rates.keys())
      if (!servers.some((server) => server.id === id)) this.#rates.delete(id)
  }

  snapshot(): FleetSnapshot {
    const { fleet, servers, clock, placement } = this.#supervisor
    const { load, requestedLoad } = this.#supervisor.now()
    const reports = fleet.servers.flatMap(({ id }) => servers.report(id) ?? [])
    const busy = reports.filter(({ latencyP99Ms }) => latencyP99Ms > 0)
    const worst = (pick: (report: (typeof busy)[number]) => number) => Math.max(0, ...busy.map(pick))
    const sum = (pick: (rate: { perSecond: number; pushed: number }) => number) =>
      [...this.#rates.values()].reduce((total, rate) => total + pick(rate), 0)
    return {
      time: clock.now(),
      load,
      requestedLoad,
      size: fleet.size,
      ready: fleet.ready.length,
      servers: fleet.servers.map((server) => this.#server(server)),
      messagesPerSecond: sum(({ perSecond }) => perSecond),
      deliveriesPerSecond: sum(({ pushed }) => pushed),
      latency: {
        p50Ms: worst(({ latencyP50Ms }) => latencyP50Ms),
        p95Ms: worst(({ latencyP95Ms }) => latencyP95Ms),
        p99Ms: worst(({ latencyP99Ms }) => latencyP99Ms),
      },
      policy: this.#policy.name,
      paused: this.#policy.paused,
      strategy: placement.strategy,
      limits: this.#limits,
      loadCanBeSet: this.#pattern !== undefined,
      ...(this.#pattern?.set != null && { setLoad: this.#pattern.set }),
    }
  }

  #server({ id, state }: Server): ServerSnapshot {
    const { servers } = this.#supervisor
    const report = servers.report(id)
    return {
      id,
      state,
      users: servers.users({ id }),
      messagesPerSecond: this.#rates.get(id)?.perSecond ?? 0,
      ...(report && {
        cpu: report.cpu,
        memoryBytes: report.memoryBytes,
        eventLoopUtilization: report.eventLoopUtilization,
        latencyP99Ms: report.latencyP99Ms,
      }),
    }
  }

  events(after: number): readonly FleetEvent[] {
    return this.#events.after(after)
  }

  setLoad(users: number | null): void {
    if (!this.#pattern) throw invalidInput('users', 'these users are their own masters', 'a demonstration')
    if (users !== null) requireNumber('users', users, { min: 0 })
    this.#pattern.set = users
    this.#events.add(
      'hand',
      users === null ? 'the load follows its pattern again' : `the load is set to ${users} users`,
    )
  }

  setPolicy(spec: PolicySpec): void {
    this.#policy.current = createPolicy(spec)
    this.#events.add('hand', `the policy is ${JSON.stringify(spec)} now`)
  }

  setStrategy(name: StrategyName): void {
    this.#supervisor.placement.setStrategy(name)
    this.#events.add('hand', `the balancing strategy is ${name} now`)
  }

  pause(paused: boolean): void {
    this.#policy.paused = paused
    this.#events.add('hand', paused ? 'the autoscaler is paused' : 'the autoscaler goes on')
  }

  setSize(servers: number): void {
    const { minServers, maxServers } = this.#limits
    requireNumber('servers', servers, { min: minServers, max: maxServers, integer: true })
    this.#policy.paused = true
    this.#events.add('hand', `${servers} servers by hand; the autoscaler is paused`)
    this.#supervisor.fleet.scaleTo(servers)
  }

  drain(id: number): void {
    if (!this.#supervisor.fleet.drain(id)) throw this.#noServer(id)
    this.#events.add('hand', `server ${id} is drained by hand`)
  }

  kill(id: number): void {
    const child = this.#supervisor.servers.child(id)
    if (!child) throw this.#noServer(id)
    this.#events.add('hand', `server ${id} is killed by hand`)
    child.kill('SIGKILL')
  }

  #noServer(id: number): Error {
    const ready = this.#supervisor.fleet.ready.map((server) => server.id)
    return invalidInput(
      'id',
      `there is no server ${id} that takes users`,
      ready.join(', ') || 'none at this moment',
    )
  }
}
