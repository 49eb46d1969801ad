import { createPolicy, type PolicySpec, policySchema } from '../scaling/policies.ts'
import type { Candidate, EvaluationSettings, PolicyLimits } from './evaluate.ts'

/** The values that are tried for an option of a policy, or a limit that belongs to it. */
export interface Dimension {
  /** Its key, with dots between levels. */
  readonly path: string
  /** `undefined` is without the option. */
  readonly values: readonly (number | undefined)[]
}

/** What is tried at once: a value for each path. */
export type Setting = Readonly<Record<string, number | undefined>>

/** Limits that may be searched beside a policy's own options. */
export const LIMIT_PATHS: readonly string[] = [
  'cooldown',
  'scaleUpStabilization',
  'scaleDownStabilization',
  'maxStepUp',
  'maxStepDown',
] satisfies (keyof PolicyLimits)[]

/** From full to empty: those that are too full are given up soon, and the first that holds is nearly the cheapest. */
const SHARES = [1.2, 1.1, 1, 0.9, 0.8, 0.7, 0.6, 0.45, 0.3, 0.2, 0.1, 0.05]
const LOWER_SHARES = [0.7, 0.5, 0.3, 0.1]
const WINDOWS = [0, 120, 300, 900, 1800, 3600]
const FEW_WINDOWS = [0, 300, 1800]

const rounded = (value: number) => Number(value.toPrecision(6))

/**
 * What is searched for a policy by default: how full servers may be, how long it waits before it scales in, and what else
 * decides between cost and overload. Nothing for a policy without such options.
 */
export function searchSpace(
  policy: PolicySpec,
  { usersPerServer, provisioningDelay, interval }: EvaluationSettings,
): Dimension[] {
  const ofUsers = (shares: readonly number[]) => shares.map((share) => rounded(share * usersPerServer))
  const ofMetric = (shares: readonly number[]) =>
    'metric' in policy && policy.metric === 'utilization' ? shares : ofUsers(shares)
  const held = (values: readonly number[]) => ({ path: 'scaleDownStabilization', values })
  switch (policy.kind) {
    case 'threshold':
      return [
        { path: 'scaleUpThreshold', values: ofUsers(SHARES) },
        { path: 'scaleDownThreshold', values: ofUsers(LOWER_SHARES) },
        held(WINDOWS),
      ]
    case 'step':
      return [
        { path: 'scaleOut.threshold', values: ofMetric(SHARES) },
        { path: 'scaleIn.threshold', values: ofMetric(LOWER_SHARES) },
        { path: 'scaleOut.adjustments.0.change', values: [1, 4, 16] },
        { path: 'warmUp', values: [...new Set([0, provisioningDelay, 300])] },
      ]
    case 'target-tracking':
      return [
        { path: 'target', values: ofMetric(SHARES) },
        { path: 'scaleOutAfter', values: [0, 60, 180] },
        { path: 'scaleInAfter', values: WINDOWS },
      ]
    case 'hpa':
      return [
        { path: 'target', values: ofMetric(SHARES) },
        { path: 'tolerance', values: [0, 0.1, 0.2] },
        { path: 'scaleDown.stabilizationWindow', values: WINDOWS },
      ]
    case 'knative':
      return [
        { path: 'target', values: ofUsers(SHARES.map((share) => share / (policy.targetUtilization ?? 0.7))) },
        { path: 'stableWindow', values: [30, 60, 300] },
        { path: 'panicThreshold', values: [1.2, 2, 10] },
        held(FEW_WINDOWS),
      ]
    case 'queueing':
      return [{ path: 'beta', values: [0, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32] }, held(WINDOWS)]
    case 'percentile':
      return [
        { path: 'target', values: ofMetric(SHARES) },
        { path: 'percentile', values: [0.5, 0.9, 0.95, 0.99, 1] },
        { path: 'horizon', values: [3600, 86_400, 3 * 86_400] },
        held(FEW_WINDOWS),
      ]
    case 'aws-predictive':
      return [
        { path: 'target', values: ofMetric(SHARES) },
        { path: 'schedulingBuffer', values: [0, 300, 900] },
      ]
    case 'predictive':
      return [
        { path: 'usersPerServer', values: ofUsers([1, 0.85, 0.7]) },
        { path: 'horizon', values: [0.5, 1, 2].map((share) => share * (provisioningDelay + interval)) },
        { path: 'alpha', values: [0.2, 0.5, 0.8] },
        { path: 'beta', values: [0, 0.1] },
        { path: 'season', values: [undefined, 86_400] },
        held(FEW_WINDOWS),
      ]
    default:
      return []
  }
}

/** Every combination of the values of all dimensions. */
export function combinations(space: readonly Dimension[]): Setting[] {
  return space.reduce<Setting[]>(
    (all, { path, values }) => all.flatMap((each) => values.map((value) => ({ ...each, [path]: value }))),
    [{}],
  )
}

/** A copy of plain data with a value put at a path; what is missing on the way is made. */
function put(target: unknown, [key, ...rest]: readonly string[], value: number | undefined): unknown {
  if (key === undefined) return value
  if (Array.isArray(target))
    return target.map((each, i) => (String(i) === key ? put(each, rest, value) : each))
  const object = { ...(target as Record<string, unknown> | undefined) }
  return { ...object, [key]: put(object[key], rest, value) }
}

/** The candidate with options of its policy, or limits, set to other values; `undefined` where one of the values is not allowed. */
function written(base: Candidate, setting: Setting): Candidate | undefined {
  let policy: unknown = base.policy
  let limits = base.limits
  for (const [path, value] of Object.entries(setting)) {
    if (LIMIT_PATHS.includes(path)) limits = { ...limits, [path]: value }
    else policy = put(policy, path.split('.'), value)
  }
  const parsed = policySchema.safeParse(policy)
  return parsed.success ? { ...base, policy: parsed.data, ...(limits && { limits }) } : undefined
}

/** Whether an option of the candidate, or a limit, may have this value, whatever the others have. */
export function mayHave(base: Candidate, path: string, value: number | undefined): boolean {
  return written(base, { [path]: value }) !== undefined
}

/** The candidate with options of its policy, or limits, set otherwise; `undefined` where that is not allowed. */
export function variant(base: Candidate, setting: Setting): Candidate | undefined {
  const candidate = written(base, setting)
  if (!candidate) return undefined
  try {
    createPolicy(candidate.policy)
  } catch {
    return undefined // such as a lower threshold above the upper one
  }
  return candidate
}

/** How far the next finer grid reaches from the best setting, below and above, for each path. */
type Reach = Map<string, { down: number; up: number }>

/** Half of the way from the best setting to its neighbours in the grid. */
export function reachOf(space: readonly Dimension[], best: Setting): Reach {
  const reach: Reach = new Map()
  for (const { path, values } of space) {
    const at = best[path]
    const numbers = values.filter((value) => value !== undefined).sort((a, b) => a - b)
    if (at === undefined || numbers.length < values.length) continue
    const below = numbers.findLast((value) => value < at) ?? at
    const above = numbers.find((value) => value > at) ?? at
    reach.set(path, { down: (at - below) / 2, up: (above - at) / 2 })
  }
  return reach
}

/** Half as far in every direction, from a new best setting on. */
export function halved(reach: Reach): Reach {
  return new Map([...reach].map(([path, { down, up }]) => [path, { down: down / 2, up: up / 2 }]))
}

/** The settings that differ from the best by the reach in one path or in two. */
export function around(best: Setting, reach: Reach): Setting[] {
  const moves = [...reach].flatMap(([path, { down, up }]) =>
    [-down, up].filter((by) => by !== 0).map((by): [string, number] => [path, rounded(best[path]! + by)]),
  )
  const ones = moves.map(([path, value]) => ({ ...best, [path]: value }))
  const twos = moves.flatMap(([path, value], i) =>
    moves
      .slice(i + 1)
      .filter(([other]) => other !== path)
      .map(([other, second]) => ({ ...best, [path]: value, [other]: second })),
  )
  return [...ones, ...twos]
}
