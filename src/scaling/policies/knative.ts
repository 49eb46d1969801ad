import { z } from 'zod'
import { requireNumber } from '../../errors.ts'
import { option, seconds, specKind } from '../../spec-kind.ts'
import type { Policy } from '../policy.ts'
import { Window } from './window.ts'

export interface KnativeOptions {
  /** Users that a server may hold; 30. */
  target?: number
  /** Share of the target that is aimed for; 0.7. */
  targetUtilization?: number
  /** Seconds over which the load is averaged; 60. */
  stableWindow?: number
  /** The panic window, as a share of the stable one; 0.1. */
  panicWindow?: number
  /** It panics when the panic window wants this many times the ready servers; 2. */
  panicThreshold?: number
  /** The ready servers may be multiplied, and divided, by at most so much at once; 1000 and 2. */
  maxScaleUpRate?: number
  maxScaleDownRate?: number
}

/**
 * Knative's pod autoscaler: the average load of the stable window over the target, rounded up; when the average of the short panic window
 * wants twice what is ready, it panics: it takes the larger of the two, and never scales in until a whole stable window has passed
 * without panic.
 *
 * Source: Knative Serving, `pkg/autoscaler/scaling/README.md` and the configuration `config-autoscaler`, for windows, rates and
 * defaults.
 */
export function knativePolicy(options: KnativeOptions = {}): Policy {
  const target = requireNumber('target', options.target ?? 30, { above: 0 })
  const share = requireNumber('targetUtilization', options.targetUtilization ?? 0.7, { above: 0, max: 1 })
  const stableWindow = requireNumber('stableWindow', options.stableWindow ?? 60, { above: 0 })
  const panicShare = requireNumber('panicWindow', options.panicWindow ?? 0.1, { above: 0, max: 1 })
  const panicThreshold = requireNumber('panicThreshold', options.panicThreshold ?? 2, { above: 1 })
  const upRate = requireNumber('maxScaleUpRate', options.maxScaleUpRate ?? 1000, { above: 1 })
  const downRate = requireNumber('maxScaleDownRate', options.maxScaleDownRate ?? 2, { above: 1 })
  const stable = new Window(stableWindow)
  const panic = new Window(stableWindow * panicShare)
  const aim = target * share
  let panicSince: number | undefined
  let panicServers = 0

  return {
    name: 'knative',
    usersPerServer: target,
    limits: { cooldown: 0 },
    evaluate({ time, load, size, servers }) {
      if (load === undefined) return { servers: size, reason: 'the load is unknown, so nothing changes' }
      stable.add(time, load)
      panic.add(time, load)
      const ready = Math.max(1, servers.filter(({ state }) => state === 'ready').length)
      const most = Math.ceil(upRate * ready)
      const least = Math.floor(ready / downRate)
      const want = (mean: number) => Math.min(most, Math.max(least, Math.ceil(mean / aim - 1e-9)))
      const byStable = want(stable.mean)
      const byPanic = want(panic.mean)
      const over = byPanic / ready >= panicThreshold
      if (over) {
        if (panicSince === undefined) panicServers = 0
        panicSince = time
      } else if (panicSince !== undefined && time - panicSince > stableWindow) {
        panicSince = undefined
      }
      const numbers = { stableMean: stable.mean, panicMean: panic.mean, ready, aim }
      if (panicSince === undefined) {
        const what = `${stable.mean.toFixed(1)} users on average of ${stableWindow} s`
        return { servers: byStable, reason: `${what}, at ${aim.toFixed(1)} a server`, numbers }
      }
      panicServers = Math.max(panicServers, byStable, byPanic, size)
      const what = `${panic.mean.toFixed(1)} users on average of ${(stableWindow * panicShare).toFixed(0)} s`
      return {
        servers: panicServers,
        reason: `panic: ${what}, at ${aim.toFixed(1)} a server, with ${ready} ready`,
        numbers,
      }
    },
  }
}

export const knativeKind = specKind(
  'knative',
  {
    target: option(z.number().positive(), 'users that a server may hold', 30),
    targetUtilization: option(z.number().positive().max(1), 'share of the target that is aimed for', 0.7),
    stableWindow: option(seconds, 'seconds over which the load is averaged', 60),
    panicWindow: option(z.number().positive().max(1), 'share of the stable window', 0.1),
    panicThreshold: option(z.number().gt(1), 'times the ready servers, from which it panics', 2),
    maxScaleUpRate: option(z.number().gt(1), 'times the ready servers, at most at once', 1000),
    maxScaleDownRate: option(z.number().gt(1), 'divides the ready servers, at most at once', 2),
  },
  knativePolicy,
)
