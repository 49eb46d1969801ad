import type { ScalingLimits } from './limits.ts'
import type { Decision, Observation, Policy } from './types.ts'

/** Figures older than this, in seconds, are as good as missing. */
const STALE_SECONDS = 60

/** Whoever wants more servers wants as many as there may be; a log has no word for infinitely many. */
const MOST = 2 ** 31 - 1

/** Policy, then limits: what to do about an observation. Acts on nothing. */
export function decide(policy: Policy, limits: ScalingLimits, observation: Observation): Decision {
  const { time, load, desiredCount } = observation
  const { servers: asked, reason, numbers, forecast } = policy.evaluate(observation)
  // A part of a server is a whole one; what is no number at all tells nothing.
  const servers = Number.isNaN(asked) ? desiredCount : Math.ceil(Math.min(asked, MOST) - 1e-9)
  const missing = load === undefined || (observation.age ?? 0) > STALE_SECONDS
  const blind = Number.isNaN(asked) || (missing && servers < desiredCount)
  const limited = limits.apply(time, blind ? desiredCount : servers, desiredCount)
  const to = limited.servers
  return {
    time,
    action: to > desiredCount ? 'scale_up' : to < desiredCount ? 'scale_down' : 'none',
    from: desiredCount,
    to,
    desired: servers,
    load,
    policy: policy.name,
    reason,
    limitedBy: blind ? 'missing-metrics' : limited.limitedBy,
    numbers,
    ...(forecast && { forecast }),
  }
}
