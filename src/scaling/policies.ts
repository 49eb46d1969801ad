import { z } from 'zod'
import type { SpecKind } from '../spec-kind.ts'
import { hpaKind } from './policies/hpa.ts'
import { queueingKind } from './policies/queueing.ts'
import { thresholdKind } from './policies/threshold.ts'
import type { Policy } from './policy.ts'

/** The registry: a line for each policy. */
const KINDS = [thresholdKind, hpaKind, queueingKind] as const

/** A policy as plain data, as in a config file. */
export type PolicySpec = z.infer<(typeof KINDS)[number]['schema']>

/** What may be said of a policy, for config files. */
export const policySchema: z.ZodType<PolicySpec> = z
  .discriminatedUnion('kind', KINDS.map((each) => each.schema) as never)
  .meta({ id: 'Policy', description: 'what decides how many servers are wanted' }) as never

/**
 * Makes the policy that `spec` describes.
 * @throws {ConcertinaError} INVALID_INPUT, naming the option.
 */
export function createPolicy(spec: PolicySpec): Policy {
  const kind = KINDS.find((each) => each.kind === spec.kind) as unknown as SpecKind<PolicySpec, Policy>
  return kind.create(spec)
}
