import { z } from 'zod'
import { balancerOptions } from '../../balancing/load-balancer.ts'
import type { DistributionSpec } from '../../base/distribution.ts'
import { atLeastZero, option, seconds } from '../../base/options.ts'
import { weightsShape } from '../../fleet/fleet.ts'
import { simulatedProviderOptions } from '../../fleet/providers/simulated.ts'
import { scalingShape } from '../../scaling/auto-scaler.ts'
import { policyLimitsShape } from '../../scaling/limit-options.ts'
import { policySchema } from '../../scaling/policies.ts'
import { workShape } from '../../simulation/request-processor.ts'
import { telemetryOptions } from '../../telemetry/options.ts'
import { patternSchema } from '../../traffic/patterns.ts'
import { trafficShape } from '../../traffic/user-traffic-source.ts'
import { liveOptions } from './live-options.ts'

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

/** A policy with its limits, as it is under `policies`. */
export type NamedPolicy = NonNullable<z.infer<typeof configSchema>['policies']>[string]

export type Config = z.infer<typeof configSchema>

/** The schema for editors. */
export function configJsonSchema(): object {
  const schema = z.toJSONSchema(configSchema, { target: 'draft-7', io: 'input' })
  return { ...schema, title: 'Concertina config' }
}
