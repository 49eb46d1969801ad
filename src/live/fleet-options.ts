import { z } from 'zod'
import { type OptionsOf, option, optionSet } from '../base/options.ts'
import { MAX_HEAD_BYTES } from '../http/http-head.ts'

/** How users are moved to servers that have fewer than their share. */
export const rebalanceOptions = optionSet({
  deadband: option(z.number().min(0).max(1), 'share around the target within which no user is moved', 0.1),
  movesPerSecond: option(z.number().positive(), 'users moved per second', 50),
})

/** Options of `rebalance`. */
export type RebalanceOptions = OptionsOf<typeof rebalanceOptions.shape>

/** What bounds a fleet of real servers. */
export const liveFleetOptions = optionSet({
  maxHeadBytes: option(z.number().int().min(1024), "bytes of a request's head", MAX_HEAD_BYTES),
  spares: option(
    z.number().int().min(0).max(100),
    'server processes that are started ahead, so that a scale-out has a server at once; each takes about 40 MB',
    0,
  ),
  acceptRate: option(z.number().positive(), 'users/s that a server takes over from draining ones', 200),
})
