import { z } from 'zod'
import { atLeastZero, type OptionsOf, option, optionSet } from '../../base/options.ts'
import { specKind } from '../../base/spec-kind.ts'
import { ADDITIVE_METRICS, amountOf, sizeBy, unknownAmount } from '../metric.ts'
import { reasons } from '../reasons.ts'
import type { Policy } from '../types.ts'

const queueingOptions = optionSet({
  metric: option(z.enum(ADDITIVE_METRICS), 'what is held', 'users'),
  usersPerServer: option(z.number().positive(), 'users, or how much else, that one server holds', 30),
  beta: option(atLeastZero, 'standard deviations of room above the load', 1),
})

/** Options of `queueing`. */
export type QueueingOptions = OptionsOf<typeof queueingOptions.shape>

/**
 * Square-root staffing: room for L + β·√L users where there are L, as the number of independent users varies by √L. The
 * room grows more slowly than the load, so a large fleet may run fuller than a small one. While a ready server does not report
 * the metric, none is removed.
 *
 * Source: Halfin and Whitt, "Heavy-traffic limits for queues with many exponential servers", *Operations Research* 29
 * (1981); Whitt, "Understanding the efficiency of multi-server service systems", *Management Science* 38 (1992).
 */
export function queueingPolicy(options: QueueingOptions = {}): Policy {
  const { metric, usersPerServer, beta } = queueingOptions.parse(options)
  return {
    name: 'queueing',
    ...(metric === 'users' && { usersPerServer }),
    evaluate(observation) {
      const { desiredCount } = observation
      const amount = amountOf(observation, metric)
      if (!amount) return unknownAmount(metric, observation)
      const shown = metric === 'users' ? amount.value : Number(amount.value.toFixed(2))
      const room = amount.value + beta * Math.sqrt(amount.value)
      const sized = sizeBy(amount, Math.ceil(room / usersPerServer), desiredCount)
      const what = reasons.say('room', { load: shown, metric, beta, root: shown, room: room.toFixed(1) })
      return {
        servers: sized.servers,
        reason: sized.because(reasons.say('at', { what, target: usersPerServer })),
        numbers: { room, usersPerServer, beta },
      }
    },
  }
}

export const queueingKind = specKind('queueing', queueingOptions, queueingPolicy)
