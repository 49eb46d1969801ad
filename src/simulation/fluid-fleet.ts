import type { Observation, ServerObservation } from '../scaling/policy.ts'

/**
 * A fleet as a stack: servers in the order of their launch, each ready `provisioningDelay` seconds after it. Scale-in takes
 * the newest, and so those first that still start, as the real fleet does with servers that are equally full.
 */
export class FluidFleet {
  readonly #delay: number
  readonly #launched: number[] = []
  readonly #ids: number[] = []
  #nextId = 1
  /** Servers that take users. */
  ready = 0

  /** @param standing servers that are ready from the beginning */
  constructor(provisioningDelay: number, standing: number) {
    this.#delay = provisioningDelay
    this.scaleTo(standing, -provisioningDelay)
    this.ready = standing
  }

  /** Starting and ready. */
  get size(): number {
    return this.#launched.length
  }

  scaleTo(size: number, time: number): void {
    while (this.#launched.length < size) {
      this.#launched.push(time)
      this.#ids.push(this.#nextId++)
    }
    if (size < this.#launched.length) {
      this.#launched.length = size
      this.#ids.length = size
      this.ready = Math.min(this.ready, size)
    }
  }

  /** When the next of those that start will be ready; `Infinity` when none starts. */
  get nextReadyAt(): number {
    return this.ready < this.size ? this.#launched[this.ready]! + this.#delay : Infinity
  }

  /** Those whose time has come take users. */
  advance(time: number): void {
    while (this.nextReadyAt <= time + 1e-9) this.ready++
  }

  observe(load: number, usersPerServer: number): ServerObservation[] {
    const users = load / this.ready
    const utilization = Math.min(1, users / usersPerServer)
    return this.#launched.map((launched, i) =>
      i < this.ready
        ? { id: this.#ids[i]!, state: 'ready', users, readyAt: launched + this.#delay, utilization }
        : { id: this.#ids[i]!, state: 'starting', users: 0 },
    )
  }
}

/** What a policy sees; the servers one by one are only made when it looks at them. */
export class FluidObservation implements Observation {
  readonly time: number
  readonly load: number
  readonly size: number
  readonly age = 0
  readonly #fleet: FluidFleet
  readonly #usersPerServer: number
  #servers: readonly ServerObservation[] | undefined

  constructor(time: number, load: number, fleet: FluidFleet, usersPerServer: number) {
    this.time = time
    this.load = load
    this.size = fleet.size
    this.#fleet = fleet
    this.#usersPerServer = usersPerServer
  }

  get servers(): readonly ServerObservation[] {
    this.#servers ??= this.#fleet.observe(this.load, this.#usersPerServer)
    return this.#servers
  }
}
