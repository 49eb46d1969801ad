import type { ServerObservation } from '../scaling/types.ts'

/** A draining server with fewer users than this is empty. */
const EMPTY = 0.5

/** How long users stay on a server that is to end. */
export interface DrainSettings {
  /** Seconds after which the rest is moved; 0 moves all at once. */
  readonly drainWindow: number
  /** Mean seconds of a session; users leave at this rate while a server drains. */
  readonly sessionDuration: number
}

interface DrainingServer {
  readonly id: number
  readonly users: number
  /** Seconds. */
  readonly since: number
  readonly until: number
}

/** Servers that take no new user, and are paid for until their sessions are over or their drain window is. */
export class Draining {
  /** Users that were moved to another server. */
  moved = 0
  readonly #settings: DrainSettings
  #servers: DrainingServer[] = []

  constructor(settings: DrainSettings) {
    this.#settings = settings
  }

  /** Servers that drain. */
  get size(): number {
    return this.#servers.length
  }

  /** When the next of them ends; `Infinity` when none drains. */
  get nextEndAt(): number {
    let next = Infinity
    for (const { until } of this.#servers) if (until < next) next = until
    return next
  }

  /** Drains servers from `time` on, each with its number of users, of whom at most `capacity` can stay. */
  add(ids: readonly number[], users: number, capacity: number, time: number): void {
    const { drainWindow, sessionDuration } = this.#settings
    const staying = Math.min(users, capacity)
    const emptyAfter = staying > EMPTY ? sessionDuration * Math.log(staying / EMPTY) : 0
    const lasts = Math.min(drainWindow, emptyAfter)
    if (lasts > 0) {
      this.moved += ids.length * (users - staying)
      for (const id of ids) this.#servers.push({ id, users: staying, since: time, until: time + lasts })
    } else this.moved += ids.length * users
  }

  /** Users that are still on them. */
  users(time: number): number {
    let sum = 0
    for (const server of this.#servers) sum += this.#left(server, time)
    return sum
  }

  /** What a policy sees of them. */
  observe(time: number): ServerObservation[] {
    return this.#servers.map((server) => ({
      id: server.id,
      state: 'draining',
      users: this.#left(server, time),
    }))
  }

  /** Ends those whose time is over; users who are still on them move. */
  advance(time: number): void {
    if (this.nextEndAt > time + 1e-9) return
    this.#servers = this.#servers.filter((server) => {
      if (server.until > time + 1e-9) return true
      const left = this.#left(server, server.until)
      if (left > EMPTY + 1e-6) this.moved += left
      return false
    })
  }

  #left({ users, since }: DrainingServer, time: number): number {
    return users * Math.exp((since - time) / this.#settings.sessionDuration)
  }
}
