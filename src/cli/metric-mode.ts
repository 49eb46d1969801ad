import { stringify } from 'yaml'
import { invalidInput } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { namespaceOf } from '../fleet/providers/kubernetes/credentials.ts'
import { hpaManifest } from '../fleet/providers/kubernetes/hpa-manifest.ts'
import { metricOptions, startMetricApi } from '../fleet/providers/kubernetes/metric-api.ts'
import { AutoScaler } from '../scaling/auto-scaler.ts'
import { readConfig } from './config/config.ts'
import { scalingOptions } from './flags.ts'
import { needed } from './option-flag.ts'
import type { ProviderFlags, WorkloadFlags } from './workload-flags.ts'

type MetricFlags = ProviderFlags & WorkloadFlags

const METRIC_ONLY = ['metricPort', 'metricCert', 'metricKey'] as const

const NEEDS_IT = '--scale-by metric needs it'

/**
 * Whether the size is published as a metric, for an HPA to follow.
 * @throws {ConcertinaError} INVALID_INPUT, naming the flag.
 */
export function scalesByMetric(flags: MetricFlags): boolean {
  if (flags.scaleBy !== undefined && flags.provider !== 'kubernetes')
    throw invalidInput('--scale-by', 'it is only for Deployments', 'together with --provider kubernetes')
  if (flags.scaleBy === 'metric') {
    needed('--metric-cert', flags.metricCert, NEEDS_IT)
    needed('--metric-key', flags.metricKey, NEEDS_IT)
    return true
  }
  const given = METRIC_ONLY.find((name) => flags[name] !== undefined)
  if (given !== undefined)
    throw invalidInput(given, 'no metric is published', 'together with --scale-by metric')
  return false
}

/** Serves the size to the API server of Kubernetes, which asks for an HPA. Returns how that ends. */
export async function serveMetric(
  flags: MetricFlags,
  { host, desired, logger }: { host: string; desired: () => number | undefined; logger: Logger },
): Promise<() => void> {
  const api = await startMetricApi({
    host,
    port: flags.metricPort ?? metricOptions.defaultOf('metricPort'),
    certFile: needed('--metric-cert', flags.metricCert, NEEDS_IT),
    keyFile: needed('--metric-key', flags.metricKey, NEEDS_IT),
    namespace: namespaceOf(flags),
    deployment: needed('--deployment', flags.deployment, NEEDS_IT),
    desired,
    logger,
  })
  logger.info(`Metric:    external metrics API at ${host}, port ${api.port}, for an HPA`, {
    metricPort: api.port,
  })
  return api.close
}

/** `concertina controller --print-hpa`. */
export function printHpa(flags: MetricFlags): void {
  const deployment = needed('--deployment', flags.deployment, NEEDS_IT)
  const config = readConfig(flags.config)
  const { limits } = new AutoScaler({ ...config.autoScaler, ...scalingOptions(flags) })
  const { namespace } = flags
  const { minServers: minReplicas, maxServers: maxReplicas } = limits
  process.stdout.write(stringify(hpaManifest({ deployment, namespace, minReplicas, maxReplicas })))
}
