import type { ServerId } from '../../fleet/provider.ts'
import type { Observation, ServerObservation } from '../types.ts'

/** A fleet, divided as AWS Auto Scaling does. */
export interface WarmFleet {
  /** Those whose figures count. */
  readonly warm: readonly ServerObservation[]
  /** Servers that start, or became ready a short while ago: no part of the capacity that a scale-out is taken from. */
  readonly warming: number
  /** Servers that are terminating: still part of the capacity that a scale-in is taken from. */
  readonly draining: number
}

/** Knows which servers have warmed up: those that are ready for some seconds, and those that were there when it began. */
export class WarmUp {
  readonly #seconds: number
  /** When each server will have warmed up. */
  #warmFrom: Map<ServerId, number> | undefined

  constructor(seconds: number) {
    this.#seconds = seconds
  }

  observe({ time, desiredCount, servers }: Observation): WarmFleet {
    this.#warmFrom ??= new Map(servers.map(({ id }) => [id, -Infinity]))
    const warmFrom = this.#warmFrom
    const warm: ServerObservation[] = []
    let draining = 0
    for (const server of servers) {
      const { id, state, readyAt } = server
      if (state === 'draining') draining++
      if (state === 'ready' && !warmFrom.has(id)) warmFrom.set(id, (readyAt ?? time) + this.#seconds)
      if (state !== 'draining' && (warmFrom.get(id) ?? Infinity) <= time) warm.push(server)
    }
    if (warmFrom.size > servers.length) {
      const alive = new Set(servers.map(({ id }) => id))
      for (const id of warmFrom.keys()) if (!alive.has(id)) warmFrom.delete(id)
    }
    return { warm, warming: Math.max(0, desiredCount - warm.length), draining }
  }
}
