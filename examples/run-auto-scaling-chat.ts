/**
 * The demonstration as a script, with the flags of the Python one: `npx tsx examples/run-auto-scaling-chat.ts --duration 30`.
 * With `--deployment` the replicas of a Kubernetes Deployment follow the users, with `--group` the instances of an Auto
 * Scaling Group; otherwise the servers are simulated.
 */
import { parseArgs } from 'node:util'
import { AWSIntegration, ConcertinaError, K8sIntegration, runAutoScalingDemo } from '../src/index.ts'

/** The values of the flags. */
function flags() {
  return parseArgs({
    options: {
      duration: { type: 'string', short: 'd', default: '30' },
      'base-rate': { type: 'string', short: 'b', default: '5' },
      'peak-rate': { type: 'string', short: 'p', default: '50' },
      verbose: { type: 'boolean', short: 'v', default: false },
      namespace: { type: 'string' },
      deployment: { type: 'string' },
      region: { type: 'string' },
      group: { type: 'string' },
      'instance-type': { type: 'string' },
    },
  }).values
}

function cloudProvider(values: ReturnType<typeof flags>) {
  const { namespace, deployment, region, group, 'instance-type': instanceType } = values
  if (deployment !== undefined) return new K8sIntegration({ namespace, deployment })
  if (group !== undefined) return new AWSIntegration({ region, group, instanceType })
  return undefined
}

try {
  const values = flags()
  await runAutoScalingDemo({
    duration: Number(values.duration),
    baseRate: Number(values['base-rate']),
    peakRate: Number(values['peak-rate']),
    verbose: values.verbose,
    cloudProvider: cloudProvider(values),
  })
} catch (error) {
  const ofFlags = error instanceof TypeError && 'code' in error
  if (!ofFlags && !(error instanceof ConcertinaError)) throw error
  const hint =
    error instanceof ConcertinaError && error.hint !== undefined ? `\n  allowed: ${error.hint}` : ''
  console.error(`${error.message}${hint}`)
  process.exitCode = 2
}
