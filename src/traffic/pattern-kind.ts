import { z } from 'zod'
import type { LoadPattern } from './load-pattern.ts'

/** Seconds, above 0. */
export const seconds = z.number().positive().describe('seconds')
/** Users, or a time that may be 0. */
export const atLeastZero = z.number().min(0)

/** A kind of load pattern as plain data: what a config file may say, and what it makes. */
export interface PatternKind<Spec> {
  readonly kind: string
  readonly schema: z.ZodType<Spec> & z.core.$ZodTypeDiscriminable
  create(spec: Spec): LoadPattern
}

/** Declares the kind of load pattern that `create` makes from fields of the given shape. */
export function patternKind<K extends string, S extends z.ZodRawShape>(
  kind: K,
  shape: S,
  create: (fields: z.infer<z.ZodObject<S>>) => LoadPattern,
) {
  const schema = z.strictObject({ kind: z.literal(kind), ...shape })
  return { kind, schema, create: (spec: z.infer<typeof schema>) => create(spec as z.infer<z.ZodObject<S>>) }
}
