import type { Cancel, Clock } from '../base/clock.ts'
import { invalidInput, requireNumber } from '../base/errors.ts'
import type { Provider, ProviderFactory, ServerId } from './provider.ts'
import type { Server } from './server.ts'

/** Called after a server changed its state. */
export type FleetListener = (server: Server) => void

export interface FleetOptions {
  /**
   * Weights of the servers in the order of their launch, over and over; 1 each. A server of weight 2 is twice as large:
   * it works on twice as many messages at once, and a balancer that heeds weights gives it twice as much.
   */
  weights?: readonly number[]
  /**
   * Launches another server for each that fails; no unless told. At once after a failure out of the blue, later and later
   * (1, 2, 4 … 60 s) when the new ones fail, too, within half a minute.
   */
  replaceFailed?: boolean
}

/** Seconds that a server must have been ready to count as a good one. */
const PROVEN_SECONDS = 30
const MAX_BACKOFF_SECONDS = 60

/** The servers, and the only way to change how many there are. */
export class Fleet {
  /** Every server that is not gone, in order of id: starting, ready and draining. */
  readonly servers: Server[] = []
  /** Those that take users, in order of id. A new array after each change. */
  ready: readonly Server[] = []
  /** Servers that are wanted: starting + ready. */
  desiredCount = 0
  readonly #clock: Clock
  readonly #provider: Provider
  readonly #listeners: FleetListener[] = []
  readonly #weights: readonly number[]
  readonly #replaceFailed: boolean
  /** Launches that wait. */
  readonly #later = new Map<ServerId, Cancel>()
  #nextId = 1
  /** Failures one after another, of servers that were not proven yet. */
  #failures = 0
  #closed = false

  constructor(clock: Clock, provider: ProviderFactory, options: FleetOptions = {}) {
    this.#clock = clock
    const { weights = [1], replaceFailed = false } = options
    this.#replaceFailed = replaceFailed
    if (weights.length === 0) throw invalidInput('weights', 'there is none', 'at least one number above 0')
    this.#weights = weights.map((weight, i) => requireNumber(`weights[${i}]`, weight, { above: 0 }))
    this.#provider = provider({
      ready: (id) => this.#move(id, 'ready'),
      stopped: (id) => this.#move(id, 'stopped'),
      failed: (id, reason) => this.#failed(id, reason),
      busyUntil: (id) => this.#find(id)?.work?.busyUntil() ?? this.#clock.now(),
    })
  }

  /** Tells of every later change of a server's state. */
  onChange(listener: FleetListener): void {
    this.#listeners.push(listener)
  }

  /** Has `size` servers from the beginning; to be called before the run begins. */
  begin(size: number): void {
    while (this.desiredCount < size) this.#launch(true)
  }

  /**
   * Launches or drains servers until `size` are wanted. Scale-in takes first those that still start, then those with
   * the fewest users, then the newest.
   */
  scaleTo(size: number): void {
    while (this.desiredCount < size) this.#launch(false)
    while (this.desiredCount > size) {
      const server = this.#cheapest()
      if (this.drain(server.id)) continue
      // One that still starts holds nobody: it is gone as soon as it is told.
      server.state = 'stopped'
      this.#remove(server)
      this.#changed(server)
      this.#cancelLaunch(server.id)
    }
  }

  /**
   * Drains this very server; another is launched only when the fleet is scaled out again.
   * @returns whether there is such a server that takes users
   */
  drain(id: ServerId): boolean {
    const server = this.#find(id)
    if (server?.state !== 'ready') return false
    server.state = 'draining'
    this.#changed(server)
    this.#provider.drain(id)
    return true
  }

  /**
   * Ends this very server without letting it finish, as a failure would.
   * @returns whether there is such a server that runs
   */
  kill(id: ServerId): boolean {
    const server = this.#find(id)
    if (!server || this.#later.has(id)) return false
    this.#provider.kill(id)
    return true
  }

  /** Ends every server. */
  async close(): Promise<void> {
    this.#closed = true
    for (const cancel of this.#later.values()) cancel()
    await this.#provider.close()
  }

  #launch(standing: boolean, delay = 0): void {
    const id = this.#nextId++
    const server: Server = {
      id,
      weight: this.#weights[(id - 1) % this.#weights.length]!,
      state: 'starting',
      users: 0,
      launchedAt: this.#clock.now(),
    }
    this.servers.push(server)
    this.#changed(server)
    if (delay === 0) {
      this.#provider.launch(id, standing)
      return
    }
    const launch = () => {
      this.#later.delete(id)
      this.#provider.launch(id, standing)
    }
    this.#later.set(id, this.#clock.at(this.#clock.now() + delay, launch))
  }

  #cancelLaunch(id: ServerId): void {
    const cancel = this.#later.get(id)
    this.#later.delete(id)
    if (cancel) cancel()
    else this.#provider.drain(id)
  }

  #failed(id: ServerId, reason: string): void {
    const server = this.#find(id)
    if (!server || this.#closed) return
    const wanted = server.state !== 'draining'
    const age = this.#clock.now() - (server.readyAt ?? Number.POSITIVE_INFINITY)
    if (age > PROVEN_SECONDS) this.#failures = 0
    server.failure = reason
    this.#move(id, 'failed')
    if (!wanted || !this.#replaceFailed) return
    const delay = this.#failures === 0 ? 0 : Math.min(MAX_BACKOFF_SECONDS, 2 ** (this.#failures - 1))
    this.#failures++
    this.#launch(false, delay)
  }

  #find(id: ServerId): Server | undefined {
    return this.servers.find((server) => server.id === id)
  }

  #cheapest(): Server {
    const wanted = this.servers.filter((server) => server.state !== 'draining')
    const rank = (server: Server) => (server.state === 'starting' ? -1 : server.users)
    return wanted.reduce((best, server) => (rank(server) <= rank(best) ? server : best))
  }

  #move(id: ServerId, state: 'ready' | 'stopped' | 'failed'): void {
    const server = this.#find(id)
    if (!server || this.#closed) return
    if (state === 'ready' && server.state !== 'starting') return
    server.state = state
    if (state === 'ready') server.readyAt = this.#clock.now()
    else this.#remove(server)
    this.#changed(server)
  }

  #remove(server: Server): void {
    server.endedAt = this.#clock.now()
    this.servers.splice(this.servers.indexOf(server), 1)
  }

  #changed(server: Server): void {
    this.ready = this.servers.filter((each) => each.state === 'ready')
    this.desiredCount = this.servers.filter((each) => each.state !== 'draining').length
    for (const listener of this.#listeners) listener(server)
  }
}
