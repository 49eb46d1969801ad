import { z } from 'zod'
import { STRATEGY_NAMES } from '../../balancing/strategies.ts'
import type { DistributionSpec } from '../../base/distribution.ts'
import { atLeastZero, count, seconds } from '../../base/spec-kind.ts'
import { policySchema } from '../../scaling/policies.ts'
import { patternSchema } from '../../traffic/patterns.ts'

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

const oneOrMore = z.union([z.string(), z.array(z.string()).min(1)])

/** Limits that go with a policy, whatever fleet it is for. */
const limitsShape = {
  cooldown: atLeastZero.optional().describe('seconds; 5'),
  scaleUpStabilization: atLeastZero.optional().describe('seconds; 0'),
  scaleDownStabilization: atLeastZero.optional().describe('seconds; 0'),
  maxStepUp: count.optional().describe('servers one decision may add; no limit'),
  maxStepDown: count.optional().describe('servers one decision may remove; no limit'),
}

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
      policy: policySchema.optional(),
      shadow: policySchema
        .optional()
        .describe('a second policy that decides on the same load and never acts'),
      scaleUpThreshold: z.number().positive().optional().describe('users a server; 30'),
      scaleDownThreshold: atLeastZero.optional().describe('users a server; 10'),
      minServers: count.optional().describe('2'),
      maxServers: count.optional().describe('10'),
      interval: seconds.optional().describe('seconds between two decisions; 1'),
      ...limitsShape,
    })
    .optional()
    .describe('when the fleet grows and shrinks'),
  policies: z
    .record(z.string().min(1), z.strictObject({ policy: policySchema, ...limitsShape }))
    .optional()
    .describe('policies by name, each with its own limits, for compare and tune'),
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
    .describe('a server: what each message costs beside delivering it'),
  live: z
    .strictObject({
      host: z.string().min(1).optional().describe('address to listen on; 127.0.0.1'),
      port: z.number().int().min(0).max(65535).optional().describe('of the chat; 8080, 0 takes any free one'),
      controlPort: z.number().int().min(0).max(65535).optional().describe('of metrics and control; 8081'),
      controlHost: z
        .string()
        .min(1)
        .optional()
        .describe('address to steer from; 127.0.0.1, others need a token'),
      controlToken: z.string().min(16).optional().describe('or the variable CONCERTINA_CONTROL_TOKEN'),
      data: z.string().min(1).optional().describe('folder of the room log; concertina-data'),
      auth: z
        .strictObject({
          secret: z.string().min(32).optional().describe('signs tokens; or the variable CONCERTINA_SECRET'),
          previousSecrets: z
            .array(z.string().min(32))
            .optional()
            .describe('secrets that still verify tokens and sign none, while a secret is rotated'),
          publicKeys: z
            .array(z.string())
            .optional()
            .describe('PEM keys that verify RS256, ES256 and EdDSA tokens'),
          jwksUrl: z.string().optional().describe("address of the issuer's key set"),
          issuer: oneOrMore.optional().describe('accepted values of iss; any'),
          audience: oneOrMore.optional().describe('accepted values of aud; any'),
          leewaySeconds: z
            .number()
            .min(0)
            .max(300)
            .optional()
            .describe('that the clocks of issuer and server may differ; 5'),
          claims: z
            .strictObject({
              user: z.string().optional().describe('sub'),
              rooms: z.string().optional().describe('rooms'),
              readOnly: z.string().optional().describe('readOnly'),
            })
            .optional()
            .describe('names of the claims, where those of the issuer differ'),
          defaultRooms: z
            .array(z.string())
            .optional()
            .describe('rooms of a token without that claim; every room'),
          anonymous: z.boolean().optional().describe('whether users without a token may connect; false'),
        })
        .optional(),
      origins: z.array(z.string()).optional().describe('origins whose pages may connect'),
      limits: z
        .strictObject({
          maxConnections: count.optional().describe('of a server; 20000'),
          maxBodyBytes: count.max(200_000).optional().describe("of a message's body; 8192"),
          maxRooms: count.optional().describe('of a connection; 50'),
          messagesPerSecond: z.number().positive().optional().describe('of a user; 20'),
          messageBurst: count.optional().describe('of a user; 40'),
          outboxBytes: count.min(32_768).optional().describe('that may wait for a slow reader; 262144'),
          slowSeconds: seconds.optional().describe('that a reader may stay too slow; 30'),
          connectionsPerSecond: z.number().positive().optional().describe('of an address; 200'),
          connectionBurst: count.optional().describe('of an address; 2000'),
        })
        .optional(),
      rebalance: z
        .strictObject({
          deadband: z.number().min(0).max(1).optional().describe('share around the target; 0.1'),
          pace: z.number().positive().optional().describe('users moved a second; 50'),
        })
        .optional(),
      acceptRate: z
        .number()
        .positive()
        .optional()
        .describe('users a second that a server takes over from others that drain; 200'),
      work: z
        .boolean()
        .optional()
        .describe("whether each message costs the server's serviceTime; false for serve"),
    })
    .optional()
    .describe('a fleet of real servers'),
})

export type LiveConfig = NonNullable<z.infer<typeof configSchema>['live']>

/** A policy with its limits, as it stands under `policies`. */
export type NamedPolicy = NonNullable<z.infer<typeof configSchema>['policies']>[string]

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
  allOf?: JsonSchema[]
  items?: JsonSchema
  additionalProperties?: JsonSchema | boolean
  definitions?: Record<string, JsonSchema>
}

const root = configJsonSchema() as JsonSchema

/** Follows references, and of alternatives takes the one of the kind that `value` names. */
function settle(schema: JsonSchema | undefined, value: unknown): JsonSchema | undefined {
  if (schema?.$ref) return settle(root.definitions?.[schema.$ref.split('/').at(-1)!], value)
  if (schema?.allOf) return settle(schema.allOf[0], value)
  const options = schema?.oneOf ?? schema?.anyOf
  if (!options) return schema
  const wanted = (value as { kind?: unknown } | null)?.kind
  return options.find((option) => option.properties?.kind?.const === wanted) ?? schema
}

/** The schema at `path` of `value`. */
function schemaAt(path: readonly PropertyKey[], value: unknown): JsonSchema | undefined {
  let schema = settle(root, value)
  let at = value
  for (const key of path) {
    at = (at as Record<PropertyKey, unknown> | undefined)?.[key]
    const { items, properties, additionalProperties: named } = schema ?? {}
    const any = typeof named === 'object' ? named : undefined
    schema = settle(typeof key === 'number' ? items : (properties?.[String(key)] ?? any), at)
  }
  return schema
}

/** The keys that are allowed at `path` of `value`; none when it is no object there. */
export function allowedKeys(path: readonly PropertyKey[], value: unknown): string[] {
  return Object.keys(schemaAt(path, value)?.properties ?? {})
}

/** The kinds there are of the thing whose `kind` is at `path` of `value`; none when it is no such thing. */
export function allowedKinds(path: readonly PropertyKey[], value: unknown): string[] {
  const schema = schemaAt(path.at(-1) === 'kind' ? path.slice(0, -1) : path, value)
  return (schema?.oneOf ?? schema?.anyOf ?? [])
    .flatMap((each) => each.properties?.kind?.const ?? [])
    .map(String)
}
