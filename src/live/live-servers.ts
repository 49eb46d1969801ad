import type { ChildProcess } from 'node:child_process'
import { Buckets, LATENCY_BOUNDS } from '../base/buckets.ts'
import { onceAMinute } from '../base/once-a-minute.ts'
import { Signal } from '../base/signal.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { ServerId } from '../fleet/provider.ts'
import type { Server } from '../fleet/server.ts'
import { reasons } from '../scaling/reasons.ts'
import type { SpanSink } from '../telemetry/span.ts'
import { LostUsers } from './lost-users.ts'
import type { FromServer, ServerReport, ToServer } from './messages.ts'
import { onMessages } from './on-messages.ts'
import { addReport, type FleetTotals, NO_TOTALS, ReportedWork } from './reported-work.ts'

/** Seconds after which a ready server that did not report counts as silent. */
const SILENT_SECONDS = 2

/** The processes behind the fleet's servers: sends them commands, and keeps what they report. */
export class LiveServers {
  readonly #fleet: Fleet
  readonly #inFlight: (id: ServerId, accepted: number) => number
  readonly #processes = new Map<ServerId, { child: ChildProcess; work: ReportedWork }>()
  readonly #gone: FleetTotals = { ...NO_TOTALS }
  readonly #latencyOfGone = new Buckets(LATENCY_BOUNDS)
  /** Users who lost their connection recently. */
  readonly #lost = new LostUsers()
  /** Gets what the servers trace. */
  spans: SpanSink | undefined
  /** What an operator should know, once a minute, however many servers say it. */
  readonly warnings = new Signal<string>()
  readonly #isNewWarning = onceAMinute()

  /** @param inFlight sockets that were given to a server and are not in its report yet */
  constructor(fleet: Fleet, inFlight: (id: ServerId, accepted: number) => number) {
    this.#fleet = fleet
    this.#inFlight = inFlight
    fleet.onChange((server) => {
      const process = this.#processes.get(server.id)
      if (!process) return
      if (server.state === 'ready') {
        server.work = process.work
        process.work.at = performance.now()
      }
      if (server.state === 'failed') this.#lost.add(this.users(server), this.load)
      if ('endedAt' in server.life) this.#forget(server.id)
    })
  }

  attach(id: ServerId, child: ChildProcess): void {
    const work = new ReportedWork()
    this.#processes.set(id, { child, work })
    onMessages<FromServer>(child, {
      spans: ({ spans, dropped }) => {
        for (const span of spans) this.spans?.add(span)
        this.spans?.drop(dropped)
      },
      warning: ({ message }) => {
        if (this.#isNewWarning(message)) this.warnings.emit(message)
      },
      report: (report) => this.#onReport(id, work, report),
    })
  }

  #onReport(id: ServerId, work: ReportedWork, report: ServerReport): void {
    const lost = report.lost - (work.last?.lost ?? 0)
    work.last = report
    work.at = performance.now()
    const server = this.#fleet.servers.find((each) => each.id === id)
    if (server) server.users = this.users(server)
    if (lost > 0) this.#lost.add(lost, this.load)
  }

  /** Users who were here at the last run are likely to reconnect. */
  expect(users: number): void {
    this.#lost.add(users, 0)
  }

  /** Why the load is not all of it at this moment, if so. */
  get incomplete(): string | undefined {
    const { ready } = this.#fleet
    const late = performance.now() - SILENT_SECONDS * 1000
    const silent = ready.filter(({ id }) => (this.#processes.get(id)?.work.at ?? 0) < late).length
    if (silent > 0) return reasons.say('silent', { silent, ready: ready.length })
    return this.#lost.missing(this.load)
  }

  close(): void {
    this.#lost.close()
  }

  send(id: ServerId, message: ToServer): void {
    const child = this.#processes.get(id)?.child
    if (child?.connected) child.send(message)
  }

  /** The process of a server, for those who must end it. */
  child(id: ServerId): ChildProcess | undefined {
    return this.#processes.get(id)?.child
  }

  report(id: ServerId): ServerReport | undefined {
    return this.#processes.get(id)?.work.last
  }

  /** Users on a server, with those on their way to it. */
  users({ id }: Pick<Server, 'id'>): number {
    const { staying = 0, accepted = 0 } = this.report(id) ?? {}
    return staying + this.#inFlight(id, accepted)
  }

  /** Connections of a server, with those on their way to it; those that closed since its last report are still counted. */
  connections({ id }: Pick<Server, 'id'>): number {
    const { connections = 0, accepted = 0 } = this.report(id) ?? {}
    return connections + this.#inFlight(id, accepted)
  }

  /** Users on all servers. */
  get load(): number {
    return this.#fleet.servers.reduce((sum, server) => sum + this.users(server), 0)
  }

  get totals(): FleetTotals {
    const totals = { ...this.#gone }
    for (const { work } of this.#processes.values()) addReport(totals, work.last)
    return totals
  }

  /** Seconds from receiving to acknowledging, of all messages of all servers. */
  get latency(): Buckets {
    const latency = new Buckets(LATENCY_BOUNDS)
    latency.add(this.#latencyOfGone)
    for (const { work } of this.#processes.values()) if (work.last) latency.add(work.last.latency)
    return latency
  }

  #forget(id: ServerId): void {
    const last = this.report(id)
    addReport(this.#gone, last)
    if (last) this.#latencyOfGone.add(last.latency)
    this.#processes.delete(id)
  }
}
