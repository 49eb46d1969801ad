import type { Decision } from '../pipeline/items.ts'
import { askPolicy, numbersOf } from './ask-policy.ts'
import type { ScalingLimits } from './limits.ts'
import { reasons } from './reasons.ts'
import type { Observation, Policy } from './types.ts'

/** Figures older than this, in seconds, count as missing. */
const STALE_SECONDS = 60

/** Characters of a policy's reason: it is logged at every decision. */
const MOST_OF_REASON = 4000

/** More servers than any fleet has: JSON has no infinity. */
const MOST = 2 ** 31 - 1

/** Policy, then limits: what to do about an observation. Acts on nothing. */
export function decide(policy: Policy, limits: ScalingLimits, observation: Observation): Decision {
  const { time, load, desiredCount } = observation
  const { servers: asked, reason, numbers, forecast } = askPolicy(policy, observation)
  // A part of a server is a whole one; what is not a number says nothing.
  const invalid = typeof asked !== 'number' || Number.isNaN(asked)
  const servers = invalid ? desiredCount : Math.ceil(Math.min(asked, MOST) - 1e-9)
  const missing =
    load === undefined || (observation.age ?? 0) > STALE_SECONDS || observation.incomplete !== undefined
  const unchanged = invalid || (missing && servers < desiredCount)
  const limited = limits.apply(time, unchanged ? desiredCount : servers, desiredCount)
  const to = limited.servers
  return {
    time,
    action: to > desiredCount ? 'scale_up' : to < desiredCount ? 'scale_down' : 'none',
    from: desiredCount,
    to,
    desired: servers,
    load,
    policy: policy.name,
    reason: reasonOf(reason, invalid, unchanged ? observation.incomplete : undefined),
    limitedBy: unchanged ? 'missing-metrics' : limited.limitedBy,
    numbers: numbersOf(numbers),
    ...(forecast && numbersOf(forecast) === forecast && { forecast }),
  }
}

function reasonOf(reason: string, invalid: boolean, incomplete: string | undefined): string {
  let said = typeof reason === 'string' ? reason.slice(0, MOST_OF_REASON) : reasons.say('noReason')
  if (invalid) said += `; ${reasons.say('noNumber')}`
  if (incomplete) said += `; ${incomplete}`
  return said
}
