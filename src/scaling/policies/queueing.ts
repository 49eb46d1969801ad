import { z } from 'zod'
import { requireNumber } from '../../errors.ts'
import { atLeastZero, option, specKind } from '../../spec-kind.ts'
import type { Policy } from '../policy.ts'

export interface QueueingOptions {
  /** Users that one server holds; 30. */
  usersPerServer?: number
  /** Standard deviations of room above the load; 1. */
  beta?: number
}

/**
 * Square-root staffing: room for L + β·√L users where there are L, as the number of independent users varies by √L. The
 * room grows more slowly than the load, so a large fleet may run fuller than a small one.
 *
 * Source: Halfin and Whitt, "Heavy-traffic limits for queues with many exponential servers", *Operations Research* 29
 * (1981); Whitt, "Understanding the efficiency of multi-server service systems", *Management Science* 38 (1992).
 */
export function queueingPolicy(options: QueueingOptions = {}): Policy {
  const usersPerServer = requireNumber('usersPerServer', options.usersPerServer ?? 30, { above: 0 })
  const beta = requireNumber('beta', options.beta ?? 1, { min: 0 })
  return {
    name: 'queueing',
    usersPerServer,
    evaluate({ load, size }) {
      if (load === undefined) return { servers: size, reason: 'the load is unknown, so nothing changes' }
      const room = load + beta * Math.sqrt(load)
      return {
        servers: Math.ceil(room / usersPerServer),
        reason: `${load} users and ${beta} × √${load} of room are ${room.toFixed(1)}, at ${usersPerServer} a server`,
        numbers: { room, usersPerServer, beta },
      }
    },
  }
}

export const queueingKind = specKind(
  'queueing',
  {
    usersPerServer: option(z.number().positive(), 'users that one server holds', 30),
    beta: option(atLeastZero, 'standard deviations of room above the load', 1),
  },
  queueingPolicy,
)
