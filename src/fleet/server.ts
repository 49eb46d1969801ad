import type { ServerId, ServerRef } from './provider.ts'

/** `starting → ready → draining → stopped`, or `failed` from any of them. */
export type ServerState = 'starting' | 'ready' | 'draining' | 'stopped' | 'failed'

/** What a server has done and is doing, reported by what does its work. */
export interface ServerWork {
  /** Messages under way at `time`: worked on and waiting. */
  inFlight(time: number): number
  /** When the work that is under way will be done, seconds. */
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

/** One server of a fleet. Only its fleet changes `state`; only the balancer changes `users`. */
export interface Server {
  readonly id: ServerId
  /** The provider's name of it; none while a launch has no server yet. */
  ref?: ServerRef
  /** Its share relative to the others. */
  readonly weight: number
  state: ServerState
  /** Users on it. */
  users: number
  /** Seconds on the run's clock. */
  readonly launchedAt: number
  readyAt?: number
  endedAt?: number
  /** Why it failed. */
  failure?: string
  work?: ServerWork
}
