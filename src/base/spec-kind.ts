import { z } from 'zod'

/** Seconds, above 0. */
export const seconds = z.number().positive().describe('seconds')
/** A number that may be 0. */
export const atLeastZero = z.number().min(0)
/** A whole number, at least 1. */
export const count = z.number().int().min(1)

/**
 * A field that may be left out.
 * @param description what it says, with its unit
 * @param value what holds when it is left out, where that is one value
 */
export function option<T extends z.ZodType>(
  schema: T,
  description: string,
  value?: number | string | boolean,
) {
  return schema.optional().meta({ description, ...(value !== undefined && { default: value }) })
}

/** Something that a config file may name by its `kind`: what may be said of it, and what is made of that. */
export interface SpecKind<Spec, Made> {
  readonly kind: string
  readonly schema: z.ZodType<Spec>
  create(spec: Spec): Made
}

/** Declares the kind of thing that `create` makes from fields of the given shape. */
export function specKind<K extends string, S extends z.ZodRawShape, Made>(
  kind: K,
  shape: S,
  create: (fields: z.infer<z.ZodObject<S>>) => Made,
) {
  const schema = z.strictObject({ kind: z.literal(kind), ...shape })
  return { kind, schema, create: (spec: z.infer<typeof schema>) => create(spec as z.infer<z.ZodObject<S>>) }
}
