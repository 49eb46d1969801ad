import { z } from 'zod'
import { check, within } from '../base/options.ts'
import { type SpecKind, specKind } from '../base/spec-kind.ts'
import { awsPredictiveKind } from './policies/aws-predictive.ts'
import { chainPolicy } from './policies/composite/chain.ts'
import { maxPolicy } from './policies/composite/max.ts'
import { hpaKind } from './policies/hpa/hpa.ts'
import { knativeKind } from './policies/knative.ts'
import { percentileKind } from './policies/percentile.ts'
import { predictiveKind } from './policies/predictive.ts'
import { queueingKind } from './policies/queueing.ts'
import { scheduleKind } from './policies/schedule/schedule.ts'
import { sloKind } from './policies/slo/slo.ts'
import { stepKind } from './policies/step.ts'
import { targetTrackingKind } from './policies/target-tracking.ts'
import { thresholdKind } from './policies/threshold.ts'
import { optionValue, optionWords, policyOptions } from './policy-words.ts'
import type { Policy } from './types.ts'

/** The registry: a line for each policy. */
const SIMPLE_KINDS = [
  thresholdKind,
  stepKind,
  targetTrackingKind,
  hpaKind,
  knativeKind,
  scheduleKind,
  queueingKind,
  predictiveKind,
  percentileKind,
  awsPredictiveKind,
  sloKind,
] as const

/** A policy as plain data, as in a config file. */
export type PolicySpec =
  | z.infer<(typeof SIMPLE_KINDS)[number]['schema']>
  | { kind: 'max' | 'chain'; policies: PolicySpec[] }

/** The kind of a policy that combines others. */
function combining<K extends string>(
  kind: K,
  description: string,
  combine: (policies: readonly Policy[]) => Policy,
) {
  return specKind(
    kind,
    {
      policies: z
        .array(z.lazy((): z.ZodType<PolicySpec> => policySchema))
        .min(1)
        .meta({ description, examples: [[{ kind: 'predictive' }, { kind: 'threshold' }]] }),
    },
    ({ policies }) => combine(policies.map((spec, i) => within(`policies[${i}]`, () => createPolicy(spec)))),
  )
}

const ALL_KINDS = [
  ...SIMPLE_KINDS,
  combining('max', 'the most that any of these desires', maxPolicy),
  combining('chain', 'the first of these with sufficient data decides', chainPolicy),
] as const

const KINDS = new Map(ALL_KINDS.map((each) => [each.kind, each as unknown as SpecKind<PolicySpec, Policy>]))

/** The names of all kinds of policy, in the order of the registry. */
export const POLICY_KINDS: readonly string[] = [...KINDS.keys()]

/** The keys that a policy's spec may have besides `kind`, by kind. */
export const POLICY_KEYS: ReadonlyMap<string, readonly string[]> = new Map(
  ALL_KINDS.map(({ kind, schema }) => [
    kind,
    Object.keys((schema as { shape?: object }).shape ?? {}).slice(1),
  ]),
)

/** What may be said of a policy, for config files. */
export const policySchema: z.ZodType<PolicySpec> = z
  .discriminatedUnion('kind', ALL_KINDS.map((each) => each.schema) as never)
  .meta({ id: 'Policy', description: 'what decides how many servers are desired' }) as never

/**
 * Makes the policy that `spec` describes.
 * @throws {ConcertinaError} INVALID_INPUT, naming the option.
 */
export function createPolicy(spec: PolicySpec): Policy {
  const { kind } = check(z.looseObject({ kind: z.enum(POLICY_KINDS as [string]) }), spec)
  const policy = KINDS.get(kind as never)!.create(spec)
  SPECS.set(policy, spec)
  return policy
}

const SPECS = new WeakMap<Policy, PolicySpec>()

/** The spec that `policy` was made from; nothing for a policy that was made in code. */
export function specOf(policy: Policy): PolicySpec | undefined {
  return SPECS.get(policy)
}

/** An option of a policy, for people. */
export interface PolicyDetail {
  readonly option: string
  /** Absent where it follows from something else, which `meaning` says. */
  readonly value?: string
  /** Whether nothing else was given. */
  readonly byDefault: boolean
  readonly meaning: string
}

/** Every option of a policy with its value, given or by default, and what it means. */
export function policyDetails(spec: PolicySpec): PolicyDetail[] {
  const { schema } = KINDS.get(spec.kind)!
  const { shape = {} } = schema as { shape?: Record<string, z.ZodType> }
  const given = new Map(policyOptions(spec))
  return Object.entries(shape)
    .filter(([key]) => key !== 'kind')
    .map(([key, field]): PolicyDetail => {
      const { description: meaning = '', default: usual } = field.meta() ?? {}
      const option = optionWords(key)
      const value = given.get(option) ?? (usual === undefined ? undefined : optionValue(usual))
      return { option, ...(value !== undefined && { value }), byDefault: !given.has(option), meaning }
    })
}
