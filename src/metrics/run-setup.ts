import type { LoadBalancer } from '../balancing/load-balancer.ts'
import type { AutoScaler } from '../scaling/auto-scaler.ts'
import { specOf } from '../scaling/policies.ts'
import type { LoadPattern } from '../traffic/load-pattern.ts'
import type { RunSetup } from './run-result.ts'

/** How a run was set up, as its operators were at the end. */
export function setupOf(
  { policy, limits, interval }: AutoScaler,
  { strategy, routing }: Pick<LoadBalancer, 'strategy' | 'routing'>,
  { description, recorded }: Pick<LoadPattern, 'description' | 'recorded'>,
): RunSetup {
  const policySpec = specOf(policy.current)
  const { usersPerServer } = policy
  return {
    load: description,
    policy: policy.name,
    ...(policySpec && { policySpec }),
    ...(usersPerServer !== undefined && { usersPerServer }),
    interval,
    minServers: limits.minServers,
    maxServers: limits.maxServers,
    strategy,
    routing,
    ...(recorded && { clock: recorded }),
  }
}
