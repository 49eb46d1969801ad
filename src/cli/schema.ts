import { z } from 'zod'
import { STRATEGY_NAMES } from '../balancing/strategies.ts'
import type { DistributionSpec } from '../traffic/distribution.ts'
import { atLeastZero, seconds } from '../traffic/pattern-kind.ts'
import { patternSchema } from '../traffic/patterns.ts'

const count = z.number().int().min(1)

const kind = <K extends string, S extends z.ZodRawShape>(name: K, shape: S) =>
  z.strictObject({ kind: z.literal(name), ...shape })

const distributionSchema: z.ZodType<DistributionSpec> = z
  .discriminatedUnion('kind', [
    kind('constant', { value: seconds }),
    kind('exponential', { mean: seconds }),
    kind('uniform', { min: atLeastZero, max: seconds }),
    kind('lognormal', { mean: seconds, cv: z.number().positive() }),
    kind('gamma', { mean: seconds, cv: z.number().positive() }),
    kind('pareto', { mean: seconds, shape: z.number().gt(1) }),
  ])
  .describe('a distribution of times in seconds')

/** The config file: what a run depends on, for the simulator and the live fleet alike. */
export const configSchema = z.strictObject({
  duration: seconds.optional().describe("seconds; the load pattern's own unless told"),
  seed: z.union([z.number(), z.string()]).optional().describe('42 unless told'),
  load: patternSchema.optional(),
  traffic: z
    .strictObject({
      arrivals: z.enum(['exact', 'poisson']).optional(),
      thinkTime: distributionSchema.optional(),
      session: distributionSchema.optional(),
      rooms: count.optional(),
    })
    .optional()
    .describe('how users come, talk and go'),
  autoScaler: z
    .strictObject({
      scaleUpThreshold: z.number().positive().optional().describe('users a server; 30'),
      scaleDownThreshold: atLeastZero.optional().describe('users a server; 10'),
      minServers: count.optional().describe('2'),
      maxServers: count.optional().describe('10'),
      cooldown: atLeastZero.optional().describe('seconds; 5'),
      interval: seconds.optional().describe('seconds between two decisions; 1'),
      scaleUpStabilization: atLeastZero.optional().describe('seconds; 0'),
      scaleDownStabilization: atLeastZero.optional().describe('seconds; 0'),
      maxStepUp: count.optional().describe('servers one decision may add; no limit'),
      maxStepDown: count.optional().describe('servers one decision may remove; no limit'),
    })
    .optional()
    .describe('when the fleet grows and shrinks'),
  balancer: z
    .strictObject({
      strategy: z.enum(STRATEGY_NAMES).optional().describe('round-robin unless told'),
      routing: z.enum(['sticky', 'message']).optional().describe('sticky unless told'),
    })
    .optional()
    .describe('which server a user or a message goes to'),
  server: z
    .strictObject({
      concurrency: count.optional().describe('messages worked on at once; 4'),
      queueLimit: z.number().int().min(0).optional().describe('messages that may wait; 1000'),
      serviceTime: distributionSchema.optional(),
      weights: z
        .array(z.number().positive())
        .min(1)
        .optional()
        .describe('sizes of the servers in the order of their launch, over and over; 1 each'),
      startupDelay: atLeastZero.optional().describe('seconds from launch to ready; 1'),
    })
    .optional()
    .describe('a server in virtual time'),
})

export type Config = z.infer<typeof configSchema>

/** The schema for editors. */
export function configJsonSchema(): object {
  const schema = z.toJSONSchema(configSchema, { target: 'draft-7', io: 'input' })
  return { ...schema, title: 'Concertina config' }
}

interface JsonSchema {
  $ref?: string
  properties?: Record<string, JsonSchema & { const?: unknown }>
  oneOf?: JsonSchema[]
  anyOf?: JsonSchema[]
  items?: JsonSchema
  definitions?: Record<string, JsonSchema>
}

/** The keys that are allowed at `path` of `value`; none when it is no object there. */
export function allowedKeys(path: readonly PropertyKey[], value: unknown): string[] {
  const root = configJsonSchema() as JsonSchema
  const settle = (schema: JsonSchema | undefined, at: unknown): JsonSchema | undefined => {
    if (schema?.$ref) return settle(root.definitions?.[schema.$ref.split('/').at(-1)!], at)
    const options = schema?.oneOf ?? schema?.anyOf
    if (!options) return schema
    const wanted = (at as { kind?: unknown } | null)?.kind
    return options.find((option) => option.properties?.kind?.const === wanted)
  }
  let schema = settle(root, value)
  let at = value
  for (const key of path) {
    at = (at as Record<PropertyKey, unknown> | undefined)?.[key]
    schema = settle(typeof key === 'number' ? schema?.items : schema?.properties?.[String(key)], at)
  }
  return Object.keys(schema?.properties ?? {})
}
