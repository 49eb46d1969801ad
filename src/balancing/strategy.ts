import type { Rng } from '../base/rng.ts'
import type { ServerId } from '../fleet/provider.ts'

/** A server as a strategy sees it. */
export interface BalancedServer {
  readonly id: ServerId
  /** What it holds now: users, or messages in progress when every message is routed by itself. */
  readonly load: number
  /** Its share relative to the others, above 0; default 1. */
  readonly weight: number
}

/** The user, or message, to place. */
export interface PlacementRequest {
  readonly user: number
  readonly room: number
}

/** Picks the server for a user or a message. */
export interface Strategy {
  readonly name: string
  /** Whether the room alone decides the server, so that users follow their room when the servers change. */
  readonly byRoom?: boolean
  /** The servers that take users have changed. Called before the first `pick`; they stay in order of id. */
  update?(servers: readonly BalancedServer[]): void
  /** An index into `servers`, which is never empty. */
  pick(servers: readonly BalancedServer[], placement: PlacementRequest): number
}

/** Makes a strategy; `rng` is a stream of its own. */
export type StrategyFactory = (rng: Rng) => Strategy
