import { invalidInput, requireNumber } from '../errors.ts'
import type { Clock } from '../pipeline/clock.ts'
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
}

/** The servers, and the only way to change how many there are. */
export class Fleet {
  /** Every server that is not gone, in order of id: starting, ready and draining. */
  readonly servers: Server[] = []
  /** Those that take users, in order of id. A new array after each change. */
  ready: readonly Server[] = []
  /** Servers that are wanted: starting + ready. */
  size = 0
  readonly #clock: Clock
  readonly #provider: Provider
  readonly #listeners: FleetListener[] = []
  readonly #weights: readonly number[]
  #nextId = 1
  #closed = false

  constructor(clock: Clock, provider: ProviderFactory, options: FleetOptions = {}) {
    this.#clock = clock
    const { weights = [1] } = options
    if (weights.length === 0) throw invalidInput('weights', 'there is none', 'at least one number above 0')
    this.#weights = weights.map((weight, i) => requireNumber(`weights[${i}]`, weight, { above: 0 }))
    this.#provider = provider({
      ready: (id) => this.#move(id, 'ready'),
      stopped: (id) => this.#move(id, 'stopped'),
      failed: (id) => this.#move(id, 'failed'),
      busyUntil: (id) => this.#find(id)?.work?.busyUntil() ?? this.#clock.now(),
    })
  }

  /** Tells of every later change of a server's state. */
  onChange(listener: FleetListener): void {
    this.#listeners.push(listener)
  }

  /** Has `size` servers from the beginning; to be called before the run begins. */
  begin(size: number): void {
    while (this.size < size) this.#launch(true)
  }

  /**
   * Launches or drains servers until `size` are wanted. Scale-in takes first those that still start, then those with
   * the fewest users, then the newest.
   */
  scaleTo(size: number): void {
    while (this.size < size) this.#launch(false)
    while (this.size > size) {
      const server = this.#cheapest()
      const startedAlready = server.state === 'ready'
      server.state = startedAlready ? 'draining' : 'stopped'
      // One that still starts holds nobody: it is gone as soon as it is told.
      if (!startedAlready) this.#remove(server)
      this.#changed(server)
      this.#provider.drain(server.id)
    }
  }

  /** Ends every server. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#provider.close()
  }

  #launch(standing: boolean): void {
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
    this.#provider.launch(id, standing)
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
    this.size = this.servers.filter((each) => each.state !== 'draining').length
    for (const listener of this.#listeners) listener(server)
  }
}
