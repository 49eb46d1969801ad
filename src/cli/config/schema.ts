import { z } from 'zod'
import { balancerOptions } from '../../balancing/load-balancer.ts'
import type { DistributionSpec } from '../../base/distribution.ts'
import { atLeastZero, option, optionSet, port, seconds } from '../../base/options.ts'
import { API_SCOPES } from '../../chat/api/keys.ts'
import { authOptions } from '../../chat/auth/options.ts'
import { hookOptions } from '../../chat/hooks/http-hooks.ts'
import { webhookListOptions } from '../../chat/hooks/webhook-options.ts'
import { chatLimitOptions } from '../../chat/options.ts'
import { namespaceOptions } from '../../chat/rooms/namespaces.ts'
import { otherFleetOptions } from '../../control/other-fleet.ts'
import { weightsShape } from '../../fleet/fleet.ts'
import { simulatedProviderOptions } from '../../fleet/providers/simulated.ts'
import { connectionRateOptions } from '../../http/connection-rates.ts'
import { liveFleetOptions, rebalanceOptions } from '../../live/fleet-options.ts'
import { scalingShape } from '../../scaling/auto-scaler.ts'
import { policyLimitsShape } from '../../scaling/limit-options.ts'
import { policySchema } from '../../scaling/policies.ts'
import { workShape } from '../../simulation/request-processor.ts'
import { telemetryOptions } from '../../telemetry/options.ts'
import { patternSchema } from '../../traffic/patterns.ts'
import { trafficShape } from '../../traffic/user-traffic-source.ts'

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

/** What the config says of a fleet of real servers. */
export const liveOptions = optionSet({
  host: option(z.string().min(1), 'address to listen on', '127.0.0.1'),
  port: option(port, 'port of the chat; 0 is any free one', 8080),
  controlPort: option(port, 'port of dashboard, control API and metrics', 8081),
  controlHost: option(
    z.string().min(1),
    'address of the control API; any but 127.0.0.1 needs a token',
    '127.0.0.1',
  ),
  controlToken: option(z.string().min(16), 'or the variable CONCERTINA_CONTROL_TOKEN'),
  fleetName: option(z.string().min(1).max(60), 'what pages call this fleet; default none'),
  fleets: option(
    z.array(otherFleetOptions.schema).max(50),
    'other fleets, such as eu=https://eu.example.org:8081, that the page /fleets of the dashboard shows, too',
  ),
  apiKeys: z
    .array(
      z.strictObject({
        name: z.string().min(1).describe('who uses it; for the audit log'),
        key: z.string().min(32),
        scopes: z.array(z.enum(API_SCOPES)).min(1).optional().describe('default all'),
        rooms: z.array(z.string()).min(1).optional().describe('names, or prefixes and *; default every room'),
      }),
    )
    .optional()
    .describe('keys of the server API on the control port; or the variable CONCERTINA_API_KEY'),
  data: option(z.string().min(1), 'folder of the room log', 'concertina-data'),
  namespaces: option(
    namespaceOptions,
    "options of rooms, by the beginning of their names; the longest that fits counts, '' is for every room",
  ),
  webhooks: option(webhookListOptions, 'receivers of what happens in rooms, by signed HTTP requests'),
  hooks: hookOptions.schema
    .optional()
    .describe('a backend that decides about joins and messages, asked by signed HTTP requests'),
  auth: authOptions.schema.optional(),
  origins: option(
    z.array(z.string()),
    'origins whose pages may connect, such as https://chat.example.org, https://*.example.org, or * for all',
  ),
  trustedProxies: option(
    z.array(z.string()),
    'addresses and ranges of proxies that are believed about their clients (X-Forwarded-For, Forwarded); default none',
  ),
  accessLog: option(
    z.string().min(1),
    'file for one JSON line of each connection, request and rejection, or - for the standard output',
  ),
  proxyProtocol: option(
    z.boolean(),
    'connections of trusted proxies begin with a PROXY header, version 1 or 2',
    false,
  ),
  limits: z
    .strictObject({
      ...chatLimitOptions.shape,
      ...connectionRateOptions.shape,
      maxHeadBytes: liveFleetOptions.shape.maxHeadBytes,
    })
    .optional(),
  rebalance: rebalanceOptions.schema.optional(),
  spares: liveFleetOptions.shape.spares,
  acceptRate: liveFleetOptions.shape.acceptRate,
  work: option(
    z.boolean(),
    "whether each message costs the server's serviceTime; default false for serve, true for demo",
  ),
})

/** The config file: what a run depends on, for the simulator and the live fleet alike. */
export const configSchema = z.strictObject({
  duration: option(seconds, "seconds; default the load pattern's own"),
  seed: option(z.union([z.number(), z.string()]), 'of everything random', 42),
  load: patternSchema.optional(),
  traffic: z
    .strictObject({
      ...trafficShape,
      thinkTime: option(
        distributionSchema,
        'seconds between two messages of a user; default exponential with mean 5',
      ),
      session: option(distributionSchema, 'seconds that a user stays; default exponential with mean 300'),
    })
    .optional()
    .describe('how users come, talk and go'),
  autoScaler: z
    .strictObject({
      policy: option(policySchema, 'decides how many servers are desired; default threshold'),
      shadow: option(policySchema, 'a second policy that decides on the same load and never acts'),
      ...scalingShape,
    })
    .optional()
    .describe('when the fleet grows and shrinks'),
  policies: z
    .record(z.string().min(1), z.strictObject({ policy: policySchema, ...policyLimitsShape }))
    .optional()
    .describe('policies by name, each with its own limits, for compare and tune'),
  balancer: balancerOptions.schema.optional().describe('which server a user or a message goes to'),
  server: z
    .strictObject({
      ...workShape,
      serviceTime: option(
        distributionSchema,
        'work of a message, seconds; default exponential with mean 0.05',
      ),
      ...weightsShape,
      ...simulatedProviderOptions.shape,
    })
    .optional()
    .describe('a server: what each message costs beside delivering it'),
  live: liveOptions.schema.optional().describe('a fleet of real servers'),
  telemetry: telemetryOptions.schema
    .optional()
    .describe('traces and metrics for OpenTelemetry, of serve, server, controller and keda'),
})

export type LiveConfig = NonNullable<z.infer<typeof configSchema>['live']>

/** A policy with its limits, as it is under `policies`. */
export type NamedPolicy = NonNullable<z.infer<typeof configSchema>['policies']>[string]

export type Config = z.infer<typeof configSchema>

/** The schema for editors. */
export function configJsonSchema(): object {
  const schema = z.toJSONSchema(configSchema, { target: 'draft-7', io: 'input' })
  return { ...schema, title: 'Concertina config' }
}
