import type { Observation, ServerObservation } from './types.ts'

/** A server that is only counted. */
export interface FluidServer {
  readonly id: number
  /** Seconds. */
  readonly launchedAt: number
  readonly readyAt: number
}

/**
 * A fleet that is only counted: a stack of servers in the order of their launch, each ready `provisioningDelay` seconds after
 * it. Scale-in takes the newest, and so those first that still start, as the real fleet does with servers that are equally full.
 */
export class FluidFleet {
  /** From launch to ready, of the servers that are launched from now on; seconds. */
  provisioningDelay: number
  readonly #servers: FluidServer[] = []
  #nextId = 1
  /** Servers that take users. */
  ready = 0

  /** @param standing servers that are ready from the beginning */
  constructor(provisioningDelay: number, standing: number) {
    this.provisioningDelay = provisioningDelay
    this.scaleTo(standing, -provisioningDelay)
    this.ready = standing
  }

  /** Starting and ready. */
  get size(): number {
    return this.#servers.length
  }

  scaleTo(size: number, time: number): void {
    while (this.#servers.length < size) {
      this.#servers.push({ id: this.#nextId++, launchedAt: time, readyAt: time + this.provisioningDelay })
    }
    this.#servers.length = size
    this.ready = Math.min(this.ready, size)
  }

  /** When the next of those that start will be ready; `Infinity` when none starts. */
  get nextReadyAt(): number {
    return this.#servers[this.ready]?.readyAt ?? Infinity
  }

  /** Those whose time has come take users. */
  advance(time: number): void {
    while (this.nextReadyAt <= time + 1e-9) this.ready++
  }

  /** Its servers; `observed` has those that are ready. */
  observe(observed: (server: FluidServer) => ServerObservation): ServerObservation[] {
    return this.#servers.map((server, i) =>
      i < this.ready
        ? observed(server)
        : { id: server.id, state: 'starting', users: 0, launchedAt: server.launchedAt },
    )
  }
}

/** What a policy sees of such a fleet; the servers one by one are only made when it looks at them. */
export class FluidObservation implements Observation {
  readonly time: number
  readonly load: number | undefined
  readonly desiredCount: number
  readonly age: number
  readonly wallTime?: number
  readonly incomplete?: string
  readonly #servers: () => ServerObservation[]
  #made: readonly ServerObservation[] | undefined

  /** @param servers makes the servers one by one */
  constructor(
    { time, load, age = 0, wallTime, incomplete }: Omit<Observation, 'desiredCount' | 'servers'>,
    size: number,
    servers: () => ServerObservation[],
  ) {
    this.time = time
    this.load = load
    this.desiredCount = size
    this.age = age
    if (wallTime !== undefined) this.wallTime = wallTime
    if (incomplete !== undefined) this.incomplete = incomplete
    this.#servers = servers
  }

  get servers(): readonly ServerObservation[] {
    this.#made ??= this.#servers()
    return this.#made
  }
}
