import type { ServerId, ServerRef } from './provider.ts'

/**
 * `starting → ready → draining → stopped`, or `failed` from any of them, with what is known in each. A draining server whose
 * platform keeps it is ready again. Times in seconds on the run's clock; `readyAt` is when it first was ready.
 */
export type ServerLife =
  | { readonly state: 'starting' }
  | { readonly state: 'ready'; readonly readyAt: number }
  | { readonly state: 'draining'; readonly readyAt?: number }
  | { readonly state: 'stopped'; readonly readyAt?: number; readonly endedAt: number }
  | { readonly state: 'failed'; readonly readyAt?: number; readonly endedAt: number; readonly reason: string }

/** *starting → ready → draining → stopped*, or *failed*. */
export type ServerState = ServerLife['state']

/** What a server has done and is doing, reported by what does its work. */
export interface ServerWork {
  /** Messages in progress at `time`: worked on and waiting. */
  inFlight(time: number): number
  /** When the work in progress will be done, seconds. */
  busyUntil(): number
  /** Totals up to `time`. */
  totals(time: number): WorkTotals
  /** What else was measured of it; nothing in virtual time. */
  measured?(): Measurements
}

/** What a real server reports of its process. */
export interface Measurements {
  /** CPU use in cores. */
  readonly cpu: number
  /** Resident memory, bytes. */
  readonly memoryBytes: number
  /** Share of time its event loop was busy, 0–1. */
  readonly eventLoopUtilization: number
  /** 99th percentile of its latency, milliseconds. */
  readonly latencyP99Ms: number
}

export interface WorkTotals {
  /** Messages accepted. */
  readonly messages: number
  /** Slot-seconds that were busy. */
  readonly busySeconds: number
  /** Messages it can work on at once. */
  readonly concurrency: number
  /** Messages that wait. */
  readonly queued: number
}

/** One server of a fleet. Only its fleet changes its life and its name; only the balancer changes `users`. */
export class Server {
  readonly id: ServerId
  /** Its share relative to the others. */
  readonly weight: number
  /** Seconds on the run's clock. */
  readonly launchedAt: number
  life: ServerLife = { state: 'starting' }
  /** The provider's name of it; none while a launch has no server yet. */
  ref?: ServerRef
  /** Users on it. */
  users = 0
  work?: ServerWork
  /** Whether it was killed by hand: its end is not a failure then. */
  killedByHand = false

  constructor(id: ServerId, weight: number, launchedAt: number) {
    this.id = id
    this.weight = weight
    this.launchedAt = launchedAt
  }

  get state(): ServerState {
    return this.life.state
  }

  /** When it first was ready, if it ever was. */
  get readyAt(): number | undefined {
    return this.life.state === 'starting' ? undefined : this.life.readyAt
  }
}
