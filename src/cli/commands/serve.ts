import type { ChildProcess } from 'node:child_process'
import { requireStrategyName } from '../../balancing/strategies.ts'
import { CloseStack } from '../../base/close-stack.ts'
import { aborted } from '../../base/pause.ts'
import { openBrokerLog } from '../../cluster/open-broker.ts'
import { AccessLog } from '../../http/access-log.ts'
import { hostAndPort } from '../../http/listen.ts'
import { chatPageServer, servedFleet } from '../../live/control-http.ts'
import { startControlPlane } from '../../live/control-plane.ts'
import { liveControl } from '../../live/live-control.ts'
import { messageWork } from '../../live/message-work.ts'
import { Supervisor } from '../../live/supervisor.ts'
import type { RunResult } from '../../metrics/run-result.ts'
import { setupOf } from '../../metrics/run-setup.ts'
import { summary } from '../../report/terminal.ts'
import { AutoScaler } from '../../scaling/auto-scaler.ts'
import { optionalBroker } from '../broker-flags.ts'
import { apiKeysOf, type ChatFlags, chatOf } from '../chat-flags.ts'
import type { ConfiguredOptions } from '../config/config.ts'
import { givenConfig } from '../config/given.ts'
import { liveOptions } from '../config/live-options.ts'
import { DecisionLog } from '../decision-log.ts'
import { environment } from '../environment.ts'
import {
  type BrokerFlags,
  type FleetsFlags,
  type LogFlags,
  type ScalingFlags,
  scalingOptions,
  seedOf,
  type TelemetryFlags,
} from '../flags.ts'
import { fleetsOf } from '../fleets-flag.ts'
import { isLiveChatKey, reloadOnSignal } from '../reload.ts'
import { serviceLogger } from '../service-logger.ts'
import { openTelemetry } from '../telemetry.ts'
import { openView } from '../view.ts'

export interface ServeFlags
  extends ChatFlags,
    ScalingFlags,
    LogFlags,
    FleetsFlags,
    TelemetryFlags,
    Partial<BrokerFlags> {
  config?: string
  host?: string
  port?: number
  controlPort?: number
  data?: string
  decisions?: string
  trustedProxy?: string[]
  proxyProtocol?: boolean
  accessLog?: string
  strategy?: NonNullable<ConfiguredOptions['balancer']>['strategy']
  seed?: string
}

function gatewayOf(flags: ServeFlags, { live = {} }: ConfiguredOptions) {
  return {
    connectionsPerSecond: live.limits?.connectionsPerSecond,
    connectionBurst: live.limits?.connectionBurst,
    trustedProxies: flags.trustedProxy ?? live.trustedProxies,
  }
}

/** Keys after whose change another policy decides. */
const POLICY_KEYS = /^autoScaler\.(policy|scaleUpThreshold|scaleDownThreshold)(\.|$)/

/** Keys of the config that change without a restart. */
const isLive = (key: string) =>
  isLiveChatKey(key) ||
  key.startsWith('live.trustedProxies') ||
  key === 'balancer.strategy' ||
  (key.startsWith('autoScaler.') && !/^autoScaler\.(interval|shadow)(\.|$)/.test(key))

/**
 * `concertina serve`: a live fleet for real users, until it is stopped.
 * @param started a server process that was started ahead
 */
export async function serve(
  flags: ServeFlags,
  signal: AbortSignal,
  started?: ChildProcess,
): Promise<RunResult> {
  const read = await givenConfig(flags.config)
  const config = read.options
  const { live = {}, server = {}, balancer = {} } = config
  const host = flags.host ?? live.host ?? liveOptions.defaultOf('host')
  const seed = seedOf(flags.seed) ?? config.seed ?? 42
  const view = openView(process.stdout)
  const log = serviceLogger(flags, view)
  const chat = chatOf(flags, config)
  const fleets = fleetsOf(flags, live)
  const broker = optionalBroker(flags)
  const accessFile = flags.accessLog ?? live.accessLog
  const opened = new CloseStack()
  try {
    const decisions =
      flags.decisions === undefined ? undefined : opened.use(new DecisionLog(flags.decisions, true))
    const accessLog = accessFile === undefined ? undefined : opened.use(await AccessLog.open(accessFile, log))
    const telemetry = await openTelemetry(flags, config.telemetry, 'serve', log, opened)
    const roomLog = broker && opened.use(await openBrokerLog(broker, 'concertina serve'))
    const autoScaler = new AutoScaler({
      ...config.autoScaler,
      ...scalingOptions(flags),
      onDecision: decisions?.onDecision,
    })
    const supervisor: Supervisor = new Supervisor(
      {
        gateway: {
          host,
          port: flags.port ?? live.port ?? liveOptions.defaultOf('port'),
          ...gatewayOf(flags, config),
          maxHeadBytes: live.limits?.maxHeadBytes,
          proxyProtocol: flags.proxyProtocol ?? live.proxyProtocol,
        },
        data: flags.data ?? live.data ?? liveOptions.defaultOf('data'),
        roomLog,
        chat: {
          ...chat,
          ...(live.hooks && { hooks: live.hooks }),
          ...(live.work && { work: messageWork(server) }),
        },
        apiKeys: apiKeysOf(live.apiKeys),
        webhooks: live.webhooks,
        autoScaler,
        strategy: flags.strategy ?? balancer.strategy,
        rebalance: live.rebalance,
        acceptRate: live.acceptRate,
        spares: live.spares,
        started,
        weights: server.weights,
        seed,
        timeOfDay: true,
        decideEarly: true,
        onAccess: accessLog?.write,
        tracer: telemetry?.tracer,
        logger: log,
      },
      chatPageServer(() => supervisor.isReady, live.limits?.maxHeadBytes),
    )
    opened.use(supervisor)
    const control = liveControl(supervisor, autoScaler)
    const served = servedFleet(supervisor)
    decisions?.onControl(control)
    const plane = opened.use(
      await startControlPlane(
        control,
        {
          host: live.controlHost,
          port: flags.controlPort ?? live.controlPort ?? liveOptions.defaultOf('controlPort'),
          token: environment('CONCERTINA_CONTROL_TOKEN') ?? live.controlToken,
          fleets,
          logger: log,
          served,
        },
        supervisor,
      ),
    )
    const port = await supervisor.start()
    const address = hostAndPort(host, port)
    log.info(`Chat:      http://${address}/ (ws://${address}/chat)`, { port })
    log.info(`Dashboard: ${plane.url} (and ${plane.url}metrics)`, { port: plane.port })
    supervisor.run()
    telemetry?.report(async () => (await served.metrics()).text())
    const endReloads = reloadOnSignal({
      file: flags.config,
      started: read,
      isLive,
      reopen: accessLog && (() => accessLog.reopen()),
      log,
      apply: (options, changed) => {
        const scaling = { ...options.autoScaler, ...scalingOptions(flags), onDecision: decisions?.onDecision }
        new AutoScaler(scaling) // throws before anything has changed
        const strategy = requireStrategyName(flags.strategy ?? options.balancer?.strategy ?? 'round-robin')
        supervisor.configure(chatOf(flags, options), gatewayOf(flags, options))
        if (changed.some((key) => key.startsWith('autoScaler.')))
          autoScaler.configure(scaling, { policy: changed.some((key) => POLICY_KEYS.test(key)) })
        if (changed.includes('balancer.strategy')) supervisor.placement.setStrategy(strategy)
      },
    })
    opened.defer(endReloads)
    view?.show(control, { dashboard: plane.url })
    await aborted(signal)
    log.info('Stopping: connections are closed, the log is written')
    const { messages: processedMessages, rejected: rejectedMessages } = supervisor.servers.totals
    const metrics = await supervisor.stop()
    const result: RunResult = {
      ...metrics,
      totalMessages: processedMessages + rejectedMessages,
      processedMessages,
      rejectedMessages,
      throughput: processedMessages / Math.max(1e-9, metrics.duration),
      seed,
      interrupted: true,
      setup: setupOf(
        autoScaler,
        { strategy: supervisor.placement.strategy, routing: 'sticky' },
        {
          description: 'the users of the chat',
          recorded: { startMs: Date.now() - metrics.duration * 1000, speed: 1 },
        },
      ),
    }
    view?.end()
    if (process.stdout.isTTY) console.log(summary(result))
    return result
  } finally {
    view?.end()
    await opened.close()
  }
}
