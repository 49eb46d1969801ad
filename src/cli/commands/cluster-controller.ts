import type { StrategyName } from '../../balancing/strategy-names.ts'
import { CloseStack } from '../../base/close-stack.ts'
import { aborted } from '../../base/pause.ts'
import { busHooks } from '../../cluster/bus-hooks.ts'
import { busProvider } from '../../cluster/bus-provider.ts'
import { ClusterController } from '../../cluster/controller.ts'
import { openBroker } from '../../cluster/open-broker.ts'
import { processLauncher } from '../../cluster/process-launcher.ts'
import { SharedSize } from '../../cluster/shared-size.ts'
import type { ProviderContext } from '../../cluster/term.ts'
import { AutoScaler } from '../../scaling/auto-scaler.ts'
import { brokerFrom } from '../broker-flags.ts'
import { apiKeysOf, authOf } from '../chat-flags.ts'
import { readConfig } from '../config/config.ts'
import { liveOptions } from '../config/live-options.ts'
import { DecisionLog } from '../decision-log.ts'
import { type BrokerFlags, scalingOptions, seedOf } from '../flags.ts'
import { fleetsOf } from '../fleets-flag.ts'
import { scalesByMetric, serveMetric } from '../metric-mode.ts'
import { serviceLogger } from '../service-logger.ts'
import { openTelemetry } from '../telemetry.ts'
import type { ProviderFlags, WorkloadFlags } from '../workload-flags.ts'
import { providerOf } from '../workload-providers.ts'

export interface ClusterControllerFlags extends BrokerFlags, WorkloadFlags, ProviderFlags {
  advertise?: string
  anonymous?: boolean
  seed?: string
  strategy?: StrategyName
}

/** `concertina controller --broker`: decides how many chat servers a cluster has, while it leads. */
export async function clusterController(flags: ClusterControllerFlags, signal: AbortSignal): Promise<void> {
  const config = readConfig(flags.config)
  const { live = {} } = config
  const log = serviceLogger(flags, undefined)
  const fleets = fleetsOf(flags, live)
  const kind = flags.provider ?? 'local'
  if (kind === 'local') authOf(flags, live.auth)
  const isPlatform = kind !== 'local' && kind !== 'none'
  const opened = new CloseStack()
  try {
    const decisions =
      flags.decisions === undefined ? undefined : opened.use(new DecisionLog(flags.decisions, true))
    const autoScaler = () =>
      new AutoScaler({ ...config.autoScaler, ...scalingOptions(flags), onDecision: decisions?.onDecision })
    // A mistake in the options is reported now, not when this controller leads.
    autoScaler()
    if (isPlatform) providerOf(flags)
    const telemetry = await openTelemetry(flags, config.telemetry, 'controller', log, opened)
    const broker = opened.use(await openBroker(brokerFrom(flags), 'concertina controller'))
    const size = scalesByMetric(flags) ? opened.use(new SharedSize(broker.bus)) : undefined
    const publish = size && ((count: number | undefined) => size.publish(count))
    const launcher = kind === 'local' ? processLauncher(serverCommand(flags)) : undefined
    const host = flags.controlHost ?? live.controlHost ?? liveOptions.defaultOf('controlHost')
    const controller = new ClusterController({
      broker,
      autoScaler,
      provider: (context: ProviderContext) =>
        isPlatform
          ? providerOf(flags, { ...busHooks(context, broker.bus), publish })
          : busProvider({ ...context, name: kind, bus: broker.bus, launcher }),
      rebalance: live.rebalance,
      strategy: flags.strategy ?? config.balancer?.strategy,
      acceptRate: live.acceptRate,
      weights: config.server?.weights,
      seed: seedOf(flags.seed) ?? config.seed,
      host,
      port: flags.controlPort ?? live.controlPort ?? liveOptions.defaultOf('controlPort'),
      advertise: flags.advertise,
      token: process.env.CONCERTINA_CONTROL_TOKEN ?? live.controlToken,
      fleets,
      apiKeys: apiKeysOf(live.apiKeys),
      webhooks: live.webhooks,
      maxBodyBytes: live.limits?.maxBodyBytes,
      tracer: telemetry?.tracer,
      logger: log,
      onTerm: (control) => decisions?.onControl(control),
    })
    if (size) {
      size.start()
      opened.defer(await serveMetric(flags, { host, desired: () => size.value, logger: log }))
    }
    opened.use(controller)
    await controller.start()
    telemetry?.report(() => controller.metrics())
    log.info(`Dashboard: ${controller.url} (and ${controller.url}metrics)`, { url: controller.url })
    await aborted(signal)
    log.info('Stopping: the servers keep running, another controller takes over')
    process.exitCode = 0
  } finally {
    await opened.close()
  }
}

/** The command line of a chat server that is started on this machine. */
function serverCommand(flags: ClusterControllerFlags): string[] {
  const { broker, clusterName, replicas, config, anonymous, syncAlways, otlpEndpoint } = flags
  const { keepSeconds, keepBytes, keepMessages } = flags
  const more = {
    'cluster-name': clusterName,
    replicas,
    'keep-seconds': keepSeconds,
    'keep-bytes': keepBytes,
    'keep-messages': keepMessages,
    config,
    'otlp-endpoint': otlpEndpoint,
  }
  return [
    process.execPath,
    ...process.execArgv,
    process.argv[1]!,
    'server',
    '--broker',
    broker,
    '--port',
    '0',
    ...Object.entries(more).flatMap(([name, value]) =>
      value === undefined ? [] : [`--${name}`, String(value)],
    ),
    ...(syncAlways ? ['--sync-always'] : []),
    ...(anonymous ? ['--anonymous'] : []),
  ]
}
