import type { Observation, ServerObservation } from './types.ts'

/** A server that is only counted. */
export interface FluidServer {
  readonly id: number
  /** Seconds. */
  readonly launchedAt: number
  readonly readyAt: number
}

/**
 * A fleet that is only counted: the servers that are ready, and above them those that start, in the order in which they will be
 * ready. Scale-in takes from the top, and so those first that still start, as the real fleet does with servers that are equally full.
 */
export class FluidFleet {
  /** When a server that is launched now will be ready, seconds. */
  readonly #readyAt: (time: number, number: number) => number
  readonly #servers: FluidServer[] = []
  #nextId = 1
  /** Servers that take users. */
  ready = 0

  /**
   * @param readyAt when the n-th server is ready that is launched at `time`, seconds
   * @param standing servers that are ready from the beginning, and the seconds that each took to start
   */
  constructor(readyAt: (time: number, number: number) => number, standing: number, standingDelay = 0) {
    this.#readyAt = readyAt
    for (let i = 0; i < standing; i++)
      this.#servers.push({ id: this.#nextId++, launchedAt: -standingDelay, readyAt: 0 })
    this.ready = standing
  }

  /** Another fleet that is as this one is now. */
  copy(): FluidFleet {
    const copy = new FluidFleet(this.#readyAt, 0)
    copy.#servers.push(...this.#servers)
    copy.#nextId = this.#nextId
    copy.ready = this.ready
    return copy
  }

  /** Starting and ready. */
  get size(): number {
    return this.#servers.length
  }

  /** Returns the servers that were ready and end. */
  scaleTo(size: number, time: number): FluidServer[] {
    while (this.#servers.length < size) this.#launch(time)
    const { ready } = this
    this.ready = Math.min(ready, size)
    return this.#servers.splice(size).slice(0, ready - this.ready)
  }

  /** One of the ready servers ends, for which another was launched that many seconds before. */
  replaceOne(time: number, notice: number): void {
    this.ready--
    this.#servers.splice(this.ready, 1)
    this.#launch(time - notice, time)
  }

  #launch(time: number, earliest = time): void {
    const readyAt = Math.max(earliest, this.#readyAt(time, this.#servers.length + 1))
    let place = this.#servers.length
    while (place > this.ready && this.#servers[place - 1]!.readyAt > readyAt) place--
    this.#servers.splice(place, 0, { id: this.#nextId++, launchedAt: time, readyAt })
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
