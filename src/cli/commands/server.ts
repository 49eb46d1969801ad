import { CloseStack } from '../../base/close-stack.ts'
import { invalidInput } from '../../base/errors.ts'
import { aborted } from '../../base/pause.ts'
import { ChatNode, leavingOptions } from '../../cluster/chat-node.ts'
import { openBroker } from '../../cluster/open-broker.ts'
import { AccessLog } from '../../http/access-log.ts'
import type { ConnectionRates } from '../../http/connection-rates.ts'
import { pages } from '../../http/pages.ts'
import { messageWork } from '../../live/message-work.ts'
import { brokerFrom } from '../broker-flags.ts'
import { chatOf } from '../chat-flags.ts'
import type { ConfiguredOptions } from '../config/config.ts'
import { givenConfig } from '../config/given.ts'
import { liveOptions } from '../config/live-options.ts'
import type { BrokerFlags, LogFlags, TelemetryFlags } from '../flags.ts'
import { isLiveChatKey, reloadOnSignal } from '../reload.ts'
import { serviceLogger } from '../service-logger.ts'
import { openTelemetry } from '../telemetry.ts'

export interface ServerFlags extends BrokerFlags, LogFlags, TelemetryFlags {
  config?: string
  host?: string
  port?: number
  advertise?: string
  ref?: string
  drainSeconds?: number
  leaveSeconds?: number
  awsNotices?: boolean
  anonymous?: boolean
  accessLog?: string
}

/** The connections of an address, where the config bounds them: a load balancer may be before the servers. */
function ratesOf({ live: { limits = {} } = {} }: ConfiguredOptions): ConnectionRates | undefined {
  const { connectionsPerSecond, connectionBurst } = limits
  const bounded = connectionsPerSecond !== undefined || connectionBurst !== undefined
  return bounded ? { connectionsPerSecond, connectionBurst } : undefined
}

/** `concertina server`: one chat server of a cluster. SIGTERM, or a controller, drains it; then it exits with 0. */
export async function server(flags: ServerFlags, signal: AbortSignal): Promise<void> {
  const read = await givenConfig(flags.config)
  const config = read.options
  const { live = {} } = config
  if (flags.advertise !== undefined && !/^wss?:\/\//.test(flags.advertise))
    throw invalidInput('advertise', `${flags.advertise} is not a WebSocket address`, 'wss://… or ws://…')
  const leaving = leavingOptions.parse(leavingOptions.given(flags))
  if (live.proxyProtocol)
    throw invalidInput(
      'live.proxyProtocol',
      'a server of a cluster reads no PROXY header',
      'false; X-Forwarded-For or Forwarded of live.trustedProxies',
    )
  const log = serviceLogger(flags, undefined)
  // Who started this process may be gone: that must not end it.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  const accessFile = flags.accessLog ?? live.accessLog
  const opened = new CloseStack()
  try {
    const accessLog = accessFile === undefined ? undefined : opened.use(await AccessLog.open(accessFile, log))
    const telemetry = await openTelemetry(flags, config.telemetry, 'server', log, opened)
    const broker = opened.use(await openBroker(brokerFrom(flags), 'concertina server'))
    const node = opened.use(
      new ChatNode(broker, {
        host: flags.host ?? live.host ?? liveOptions.defaultOf('host'),
        port: flags.port ?? live.port ?? liveOptions.defaultOf('port'),
        advertise: flags.advertise,
        ref: flags.ref ?? process.env.POD_NAME,
        chat: {
          ...chatOf(flags, config),
          ...(live.hooks && { hooks: live.hooks }),
          ...(live.work && { work: messageWork(config.server ?? {}) }),
        },
        webhooks: live.webhooks,
        ...leaving,
        page: pages('chat.html'),
        onAccess: accessLog?.write,
        trustedProxies: live.trustedProxies,
        rates: ratesOf(config),
        maxHeadBytes: live.limits?.maxHeadBytes,
        tracer: telemetry?.tracer,
        logger: log,
      }),
    )
    const askedToDrain = new Promise<number | undefined>((resolve) => {
      node.drainRequests.subscribe(resolve)
      void aborted(signal).then(() => resolve(undefined))
    })
    await node.start()
    telemetry?.report(async () => node.metrics())
    const endReloads = reloadOnSignal({
      file: flags.config,
      started: read,
      isLive: isLiveChatKey,
      reopen: accessLog && (() => accessLog.reopen()),
      log,
      apply: (options) => node.configure(chatOf(flags, options), ratesOf(options)),
    })
    opened.defer(endReloads)
    if (flags.awsNotices) {
      const { watchNotices } = await import('../../fleet/providers/aws/notices.ts')
      const notices = new AbortController()
      opened.defer(() => notices.abort())
      void watchNotices({
        signal: notices.signal,
        onNotice: (reason) => {
          log.warn(reason)
          node.announceEnd(reason)
        },
        onProblem: (reason) => log.warn(`Cannot read the notices of AWS: ${reason}`),
      })
    }
    log.info(`Chat server ${node.ref}: ${node.url}`, { ref: node.ref, url: node.url })
    await node.drain(await askedToDrain)
    process.exitCode = 0
  } finally {
    await opened.close()
  }
}
