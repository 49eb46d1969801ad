import type { Candidate, EvaluationSettings } from '../../backtest/evaluate.ts'
import { invalidInput } from '../../base/errors.ts'
import type { PolicySpec } from '../../scaling/policies.ts'
import type { Imported } from '../import/imported.ts'

/** What runs today, as it can be judged on users alone. */
export interface Current {
  readonly candidate: Candidate
  readonly settings: EvaluationSettings
  /** What had to be assumed. */
  readonly notes: readonly string[]
}

/** A policy that looks at users only; a target of CPU becomes the same share of what a server holds. */
function onUsers(policy: PolicySpec, usersPerServer: number, notes: string[]): PolicySpec | undefined {
  if ('policies' in policy) {
    const members = policy.policies.flatMap((each) => onUsers(each, usersPerServer, notes) ?? [])
    return members.length > 1 ? { ...policy, policies: members } : members[0]
  }
  if (!('metric' in policy) || policy.metric === undefined || policy.metric === 'users') return policy
  const { metric } = policy
  if (metric === 'cpu' && 'target' in policy && policy.target !== undefined) {
    const target = policy.target * usersPerServer
    notes.push(`its target of ${policy.target} cpu is judged as ${+target.toPrecision(4)} users a server`)
    return { ...policy, metric: 'users', target } as PolicySpec
  }
  notes.push(`its target of ${metric} is left out: a trace has users only`)
  return undefined
}

/**
 * The policy that runs today, under its own limits.
 * @throws {ConcertinaError} INVALID_INPUT when nothing of it looks at users.
 */
export function currentOf({ source, autoScaler }: Imported, settings: EvaluationSettings): Current {
  const { policy, minServers = settings.minServers, maxServers = settings.maxServers, ...rest } = autoScaler
  const { interval = settings.interval, ...limits } = rest
  const notes: string[] = []
  const onUsersPolicy = onUsers(policy, settings.usersPerServer, notes)
  if (!onUsersPolicy)
    throw invalidInput('current', `no metric of ${source} can be judged by users`, 'users or cpu')
  return {
    candidate: { name: 'today', policy: onUsersPolicy, limits },
    settings: { ...settings, minServers, maxServers, interval },
    notes,
  }
}
