import { z } from 'zod'
import { type Filled, type OptionSet, type OptionsOf, optionSet } from './options.ts'

/** Something that a config file may name by its `kind`: its options, and what is made of them. */
export interface SpecKind<Spec, Made> {
  readonly kind: string
  readonly schema: z.ZodType<Spec>
  create(spec: Spec): Made
}

/**
 * Declares the kind of thing that `create` makes of options.
 * @param options its option set, or the shape of one
 * @param create gets the options checked, with their defaults
 */
export function specKind<K extends string, S extends z.ZodRawShape, Made>(
  kind: K,
  options: S | OptionSet<S>,
  create: (fields: Filled<S>) => Made,
) {
  const set = isSet(options) ? options : optionSet(options)
  const schema = z.strictObject({ kind: z.literal(kind), ...set.shape })
  return {
    kind,
    schema,
    options: set as OptionSet<S>,
    create: ({ kind: _, ...fields }: { kind: K } & OptionsOf<S>) => create(set.parse(fields)),
  }
}

function isSet<S extends z.ZodRawShape>(options: S | OptionSet<S>): options is OptionSet<S> {
  return 'parse' in options && typeof options.parse === 'function'
}
