import { invalidInput } from '../errors.ts'
import { createPolicy, POLICY_KEYS, type PolicySpec, policySchema } from '../scaling/policies.ts'
import type { FluidResult } from './fluid.ts'
import { type Contender, judge, type Terms } from './judge.ts'
import type { LoadCurve } from './load-curve.ts'

/** The values that are tried for an option of a policy; `path` is its key, with dots between levels. */
export interface Dimension {
  readonly path: string
  readonly values: readonly number[]
}

/** Limits of the autoscaler that may be searched beside the policy's own options. */
const STABILIZATION = 'scaleDownStabilization'
const WINDOWS = [0, 60, 120, 300, 600, 900, 1800, 3600]
const SHARES = [0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05]

/** What is searched for a kind unless told: how full servers may be, and how long it waits before it scales in. */
export function searchSpace(kind: string, terms: Terms): Dimension[] {
  const keys = POLICY_KEYS.get(kind) ?? []
  const space: Dimension[] = []
  const users = (share: number) => Number((share * terms.usersPerServer).toPrecision(6))
  for (const path of ['target', 'scaleUpThreshold']) {
    if (keys.includes(path)) space.push({ path, values: SHARES.map(users) })
  }
  if (keys.includes('scaleDownThreshold')) {
    space.push({ path: 'scaleDownThreshold', values: [0.7, 0.5, 0.3, 0.2, 0.1, 0.02].map(users) })
  }
  if (keys.includes('beta'))
    space.push({ path: 'beta', values: [0, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24, 32] })
  if (keys.includes('scaleDown')) space.push({ path: 'scaleDown.stabilizationWindow', values: WINDOWS })
  else space.push({ path: STABILIZATION, values: WINDOWS })
  return space
}

function put(target: Record<string, unknown>, path: readonly string[], value: number): void {
  const [key, ...rest] = path as [string, ...string[]]
  if (rest.length === 0) target[key] = value
  else {
    target[key] = { ...(target[key] as object | undefined) }
    put(target[key] as Record<string, unknown>, rest, value)
  }
}

/** The contender with an option of its policy, or its stabilization, set otherwise; `undefined` where that is not allowed. */
function variant(base: Contender, setting: Readonly<Record<string, number>>): Contender | undefined {
  const policy: Record<string, unknown> = { ...base.policy }
  let scaleDownStabilization = base.scaleDownStabilization
  for (const [path, value] of Object.entries(setting)) {
    if (path === STABILIZATION) scaleDownStabilization = value
    else put(policy, path.split('.'), value)
  }
  const parsed = policySchema.safeParse(policy)
  if (!parsed.success) return undefined
  try {
    createPolicy(parsed.data)
  } catch {
    return undefined // such as a lower threshold above the upper one
  }
  return { ...base, policy: parsed.data as PolicySpec, scaleDownStabilization }
}

/** Every combination of the values of all dimensions. */
function combinations(space: readonly Dimension[]): Record<string, number>[] {
  return space.reduce<Record<string, number>[]>(
    (all, { path, values }) => all.flatMap((each) => values.map((value) => ({ ...each, [path]: value }))),
    [{}],
  )
}

/** What a search found. */
export interface Tuned {
  readonly contender: Contender
  readonly setting: Readonly<Record<string, number>>
  readonly result: FluidResult
  /** Whether it keeps to the allowed overload; if nothing does, what is found has the least overload. */
  readonly within: boolean
  /** Settings that were tried. */
  readonly tried: number
}

/**
 * Tries every combination of a grid on a load and takes the cheapest that keeps to the allowed overload. A run is given up as
 * soon as it has used the allowance up or costs more than the best, so the answer is that of the whole grid.
 * @throws {ConcertinaError} INVALID_INPUT when the policy takes none of the combinations.
 */
export function tune(
  curve: LoadCurve,
  base: Contender,
  terms: Terms,
  space: readonly Dimension[],
  onTried: (done: number, of: number) => void = () => {},
): Tuned {
  const all = combinations(space)
  const contenders = all.flatMap((setting) => {
    const contender = variant(base, setting)
    return contender ? [{ setting, contender }] : []
  })
  if (contenders.length === 0) {
    const paths = space.map((each) => each.path).join(', ')
    throw invalidInput(
      '--search',
      `${base.policy.kind} takes no combination of ${paths}`,
      'other options or values',
    )
  }
  const tried = contenders.length
  let best: Tuned | undefined
  let done = 0
  for (const { setting, contender } of contenders) {
    const serverSeconds = best ? best.result.serverHours * 3600 : Infinity
    const result = judge(curve, contender, terms, { overload: terms.overload, serverSeconds })
    onTried(++done, tried)
    if (result.abandoned || result.overload > terms.overload) continue
    if (!best || result.serverHours < best.result.serverHours) {
      best = { contender, setting, result, within: true, tried }
    }
  }
  if (best) return best
  for (const { setting, contender } of contenders) {
    const overload = best?.result.overload ?? Infinity
    const result = judge(curve, contender, terms, { overload, serverSeconds: Infinity })
    if (!result.abandoned && (!best || result.overload < overload)) {
      best = { contender, setting, result, within: false, tried }
    }
  }
  return best!
}
