import { CloseStack } from '../base/close-stack.ts'
import type { Logger } from '../base/logger.ts'
import { aborted } from '../base/pause.ts'
import type { ProviderFactory } from '../fleet/provider.ts'
import { startControlPlane } from '../live/control-plane.ts'
import { prometheusSource } from '../load-sources/prometheus.ts'
import { AutoScaler } from '../scaling/auto-scaler.ts'
import { WorkloadController } from '../workload/controller.ts'
import { workloadMetrics } from '../workload/metrics.ts'
import { readConfig } from './config/config.ts'
import { liveOptions } from './config/live-options.ts'
import { DecisionLog } from './decision-log.ts'
import { scalingOptions } from './flags.ts'
import { fleetsOf } from './fleets-flag.ts'
import { needed } from './option-flag.ts'
import { serviceLogger } from './service-logger.ts'
import { openTelemetry } from './telemetry.ts'
import type { WorkloadFlags } from './workload-flags.ts'

/** Where a controller serves, and where it reports. */
interface Served {
  readonly host: string
  readonly logger: Logger
}

/**
 * Runs the controller of a workload, with its dashboard and decision log, until it is stopped.
 * @param command what runs, for telemetry
 * @param publish serves the decisions elsewhere; returns how that ends
 */
export async function runWorkloadController(
  command: 'controller' | 'keda',
  flags: WorkloadFlags,
  provider: ProviderFactory,
  signal: AbortSignal,
  publish: (controller: WorkloadController, place: Served) => Promise<() => void> = async () => () => {},
): Promise<void> {
  const config = readConfig(flags.config)
  const { live = {} } = config
  const logger = serviceLogger(flags, undefined)
  const fleets = fleetsOf(flags, live)
  const source = prometheusSource({
    url: needed(
      '--prometheus',
      flags.prometheus,
      'it is missing',
      'address of the server that knows the load',
    ),
    query: needed('--load-query', flags.loadQuery, 'it is missing', 'PromQL that gives the load'),
    bearerToken: process.env.CONCERTINA_PROMETHEUS_TOKEN,
    caFile: flags.prometheusCa,
    certFile: flags.prometheusCert,
    keyFile: flags.prometheusKey,
    maxAgeSeconds: flags.maxAge,
  })
  const opened = new CloseStack()
  try {
    const decisions =
      flags.decisions === undefined ? undefined : opened.use(new DecisionLog(flags.decisions, true))
    const autoScaler = new AutoScaler({
      ...config.autoScaler,
      ...scalingOptions(flags),
      onDecision: decisions?.onDecision,
    })
    const telemetry = await openTelemetry(flags, config.telemetry, command, logger, opened)
    const { tracer } = telemetry ?? {}
    const controller = opened.use(new WorkloadController({ source, provider, autoScaler, logger, tracer }))
    const metrics = workloadMetrics(controller)
    decisions?.onControl(controller.control)
    await controller.start()
    telemetry?.report(() => metrics.text())
    const host = flags.controlHost ?? live.controlHost ?? liveOptions.defaultOf('controlHost')
    const plane = await startControlPlane(controller.control, {
      host,
      port: flags.controlPort ?? live.controlPort ?? liveOptions.defaultOf('controlPort'),
      token: process.env.CONCERTINA_CONTROL_TOKEN ?? live.controlToken,
      fleets,
      logger,
      served: { metrics: async () => metrics, isReady: () => controller.isReady },
    })
    opened.use(plane)
    opened.defer(await publish(controller, { host, logger }))
    logger.info(`Load:      ${source.description}`)
    logger.info(`Dashboard: ${plane.url}`, { port: plane.port })
    await aborted(signal)
  } finally {
    await opened.close()
  }
}
