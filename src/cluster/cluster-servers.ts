import { Buckets, LATENCY_BOUNDS } from '../base/buckets.ts'
import { Signal } from '../base/signal.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { ServerId, ServerRef } from '../fleet/provider.ts'
import type { Server } from '../fleet/server.ts'
import { LostUsers } from '../live/lost-users.ts'
import type { ServerReport } from '../live/messages.ts'
import { addReport, type FleetTotals, NO_TOTALS, ReportedWork } from '../live/reported-work.ts'
import { reasons } from '../scaling/reasons.ts'
import type { Bus } from './broker.ts'
import { type ServerStatus, STATUS_TOPIC } from './messages.ts'
import { Silence } from './silence.ts'

interface KnownServer {
  status: ServerStatus
  readonly work: ReportedWork
}

const CHECK_MS = 500
/** Checks without a status after which the load counts as incomplete, and after which a server counts as gone. */
const LATE_CHECKS = 5
const SILENT_CHECKS = 12
/** Checks within which every server that runs has been heard of. */
const COMPLETE_CHECKS = 5

/** The chat servers of a cluster, as they report themselves on the bus. Standby controllers listen, too. */
export class ClusterServers {
  readonly #bus: Bus
  readonly #known = new Map<ServerRef, KnownServer>()
  readonly #silence = new Silence<ServerRef>()
  readonly #unsubscribe: () => void
  readonly #timer: NodeJS.Timeout
  readonly #gone: FleetTotals = { ...NO_TOTALS }
  readonly #latencyOfGone = new Buckets(LATENCY_BOUNDS)
  readonly #lost = new LostUsers()
  /** Checks for which the broker has been connected. */
  #listening = 0
  #fleet: Fleet | undefined
  /** Emits every status. */
  readonly statuses = new Signal<ServerStatus>()
  /** Emits a server that is silent for too long, and whose last status was not that it stopped. */
  readonly silent = new Signal<ServerStatus>()

  constructor(bus: Bus) {
    this.#bus = bus
    this.#unsubscribe = bus.subscribe(STATUS_TOPIC, (text) =>
      this.#onStatus(JSON.parse(text) as ServerStatus),
    )
    this.#timer = setInterval(() => this.#check(), CHECK_MS)
  }

  close(): void {
    clearInterval(this.#timer)
    this.#unsubscribe()
    this.#lost.close()
  }

  /** The fleet that is to know what its servers report; of a new leader a new one. */
  follow(fleet: Fleet): void {
    this.#fleet = fleet
    fleet.onChange((server) => {
      if (this.#fleet !== fleet) return
      const known = server.ref === undefined ? undefined : this.#known.get(server.ref)
      if (!known) return
      server.work = known.work
      server.users = known.status.report.staying
      const { staying } = known.status.report
      if (server.state === 'failed') this.#lost.add(staying, this.load - staying)
    })
  }

  /** Whether every server that runs has been heard of by now. */
  get complete(): boolean {
    return this.#listening >= COMPLETE_CHECKS
  }

  /** The last statuses of the servers that report. */
  get current(): readonly ServerStatus[] {
    return [...this.#known]
      .filter(([ref]) => this.#silence.of(ref) <= LATE_CHECKS)
      .map(([, { status }]) => status)
  }

  status(ref: ServerRef): ServerStatus | undefined {
    return this.#known.get(ref)?.status
  }

  /** Users who were here before are likely to reconnect. */
  expect(users: number): void {
    const missing = users - this.load
    if (missing > 0) this.#lost.add(missing, this.load)
  }

  /** Why the load is not all of it at this moment, if so. */
  get incomplete(): string | undefined {
    if (!this.#bus.connected) return reasons.say('brokerGone')
    if (!this.complete) return reasons.say('notYet')
    const ready = this.#fleet?.ready ?? []
    const silent = ready.filter(({ ref }) => ref === undefined || this.#silence.of(ref) > LATE_CHECKS).length
    if (silent > 0) return reasons.say('silent', { silent, ready: ready.length })
    return this.#lost.missing(this.load)
  }

  #byRef(ref: ServerRef | undefined): KnownServer | undefined {
    return ref === undefined ? undefined : this.#known.get(ref)
  }

  #byId(id: ServerId): KnownServer | undefined {
    return this.#byRef(this.#fleet?.servers.find((server) => server.id === id)?.ref)
  }

  report(id: ServerId): ServerReport | undefined {
    return this.#byId(id)?.status.report
  }

  /** Users on a server. */
  users({ id }: Pick<Server, 'id'>): number {
    return this.report(id)?.staying ?? 0
  }

  /** Users on all servers, those that drain included. */
  get load(): number {
    let sum = 0
    for (const { status } of this.#known.values()) sum += status.report.staying
    return sum
  }

  get totals(): FleetTotals {
    const totals = { ...this.#gone }
    for (const { status } of this.#known.values()) addReport(totals, status.report)
    return totals
  }

  /** Moving users whom servers above their target sent on. */
  get handedOn(): number {
    let sum = 0
    for (const { status } of this.#known.values()) sum += status.handedOn
    return sum
  }

  /** Seconds from receiving to acknowledging, of all messages of all servers. */
  get latency(): Buckets {
    const latency = new Buckets(LATENCY_BOUNDS)
    latency.add(this.#latencyOfGone)
    for (const { status } of this.#known.values()) latency.add(status.report.latency)
    return latency
  }

  #onStatus(status: ServerStatus): void {
    const { ref, report } = status
    const known = this.#known.get(ref)
    if (status.state === 'stopped') {
      if (known) this.#forget(ref, { ...known, status })
      this.statuses.emit(status)
      return
    }
    const lost = report.lost - (known?.status.report.lost ?? 0)
    const entry = known ?? { status, work: new ReportedWork() }
    entry.status = status
    this.#silence.heard(ref)
    entry.work.last = report
    entry.work.at = performance.now()
    this.#known.set(ref, entry)
    const server = this.#fleet?.servers.find((each) => each.ref === ref)
    if (server) {
      server.work = entry.work
      server.users = report.staying
    }
    if (known && lost > 0) this.#lost.add(lost, this.load)
    this.statuses.emit(status)
  }

  #forget(ref: ServerRef, { status }: KnownServer): void {
    this.#known.delete(ref)
    this.#silence.forget(ref)
    addReport(this.#gone, status.report)
    this.#latencyOfGone.add(status.report.latency)
  }

  #check(): void {
    // While the broker is away all are silent: that means nothing.
    if (!this.#bus.connected) {
      this.#listening = 0
      this.#silence.reset()
      return
    }
    this.#listening++
    for (const ref of this.#silence.check(SILENT_CHECKS)) {
      const known = this.#known.get(ref)!
      this.silent.emit(known.status)
      this.#forget(ref, known)
    }
  }
}
