import { z } from 'zod'
import { type OptionsOf, option, optionSet, seconds } from '../../base/options.ts'
import { specKind } from '../../base/spec-kind.ts'
import { ADDITIVE_METRICS, amountOf, unknownAmount } from '../metric.ts'
import { reasons } from '../reasons.ts'
import type { Policy } from '../types.ts'
import { SlidingMean } from './sliding-mean.ts'

const knativeOptions = optionSet({
  metric: option(z.enum(ADDITIVE_METRICS), 'what is averaged over time', 'users'),
  target: option(z.number().positive(), 'users, or how much else, that a server may hold', 30),
  targetUtilization: option(z.number().positive().max(1), 'share of the target that is aimed for', 0.7),
  stableWindow: option(seconds, 'seconds over which the load is averaged', 60),
  panicWindow: option(z.number().positive().max(1), 'share of the stable window', 0.1),
  panicThreshold: option(z.number().gt(1), 'times the ready servers, from which it panics', 2),
  maxScaleUpRate: option(z.number().gt(1), 'times the ready servers, at most at once', 1000),
  maxScaleDownRate: option(z.number().gt(1), 'divides the ready servers, at most at once', 2),
})

/** Options of `knative`. */
export type KnativeOptions = OptionsOf<typeof knativeOptions.shape>

/**
 * Knative's pod autoscaler: the average of the stable window over the target, rounded up; when the average of the short panic window
 * asks for twice what is ready, it panics: it takes the larger of the two, and never scales in until a whole stable window has passed
 * without panic. It begins in panic where more than one server is ready, since it does not know the past.
 *
 * Source: Knative Serving, `pkg/autoscaler/scaling/autoscaler.go` (commit 00a4a55cd385) and `README.md`, `pkg/autoscaler/aggregation/bucketing.go` and
 * the configuration `config-autoscaler`, for windows, rates and defaults. Otherwise than there, an observation that is missing does not count
 * as 0 in a window, and a panic also keeps the servers that still start. Scale to zero, activation scale, scale-down delay and burst
 * capacity are left out.
 */
export function knativePolicy(options: KnativeOptions = {}): Policy {
  const { metric, target, targetUtilization, stableWindow, panicThreshold, ...rest } =
    knativeOptions.parse(options)
  const { panicWindow: panicShare, maxScaleUpRate: upRate, maxScaleDownRate: downRate } = rest
  const stable = new SlidingMean(stableWindow)
  const panic = new SlidingMean(stableWindow * panicShare)
  const aim = target * targetUtilization
  let panicSince: number | undefined
  let panicServers = 0
  let begun = false

  return {
    name: 'knative',
    ...(metric === 'users' && { usersPerServer: target }),
    limits: { cooldown: 0 },
    evaluate(observation) {
      const { time, desiredCount, servers } = observation
      const amount = amountOf(observation, metric)
      if (!amount) return unknownAmount(metric, observation)
      stable.add(time, amount.value)
      panic.add(time, amount.value)
      const ready = Math.max(1, servers.filter(({ state }) => state === 'ready').length)
      const most = Math.ceil(upRate * ready)
      const least = Math.floor(ready / downRate)
      const needed = (mean: number) => Math.ceil(mean / aim - 1e-9)
      const want = (mean: number) => Math.min(most, Math.max(least, needed(mean)))
      const byStable = want(stable.mean)
      const byPanic = want(panic.mean)
      if (!begun && ready > 1) panicSince = time
      begun = true
      if (needed(panic.mean) / ready >= panicThreshold) {
        panicSince = time
      } else if (panicSince !== undefined && time - panicSince > stableWindow) {
        panicSince = undefined
        panicServers = 0
      }
      const numbers = { stableMean: stable.mean, panicMean: panic.mean, ready, aim }
      if (panicSince === undefined) {
        const what = reasons.say('average', { mean: stable.mean.toFixed(1), metric, window: stableWindow })
        return { servers: byStable, reason: reasons.say('at', { what, target: aim.toFixed(1) }), numbers }
      }
      panicServers = Math.max(panicServers, byStable, byPanic, desiredCount)
      const what = reasons.say('average', {
        mean: panic.mean.toFixed(1),
        metric,
        window: (stableWindow * panicShare).toFixed(0),
      })
      const at = reasons.say('at', { what, target: aim.toFixed(1) })
      return {
        servers: panicServers,
        reason: reasons.say('panic', { what: reasons.say('withReady', { what: at, ready }) }),
        numbers,
      }
    },
  }
}

export const knativeKind = specKind('knative', knativeOptions, knativePolicy)
