import type { Logger } from '../base/logger.ts'
import { OnDemand } from '../base/on-demand.ts'
import { retrying } from '../base/retrying.ts'
import type { ApiKeyOptions } from '../chat/api/keys.ts'
import { openChatService, serverApi } from '../chat/api/open.ts'
import type { ServerApi } from '../chat/api/server-api.ts'
import type { WebhookOptions } from '../chat/hooks/webhook-options.ts'
import { outboxOf, Webhooks } from '../chat/hooks/webhooks.ts'
import { traced } from '../chat/log/traced-log.ts'
import type { Tracer } from '../telemetry/tracer.ts'
import type { Broker } from './broker.ts'
import { ClusterDirectory } from './directory.ts'
import { NotedPresence } from './noted-presence.ts'

interface SharedChatOptions {
  apiKeys: readonly ApiKeyOptions[] | undefined
  webhooks: readonly WebhookOptions[]
  maxBodyBytes: number | undefined
  tracer: Tracer | undefined
  logger: Logger
}

/** What a controller does for an app's backend: the server API always, webhooks while it leads. */
export interface SharedChat {
  readonly api: ServerApi | undefined
  /** The same for the control API: without keys it is opened when it is first asked for. */
  chatApi(): Promise<ServerApi>
  lead(): void
  standBy(): void
  close(): void
}

/** Opens it on what the cluster shares. What it opened is closed when it fails. */
export async function openSharedChat(
  broker: Broker,
  { apiKeys, webhooks, maxBodyBytes, tracer, logger }: SharedChatOptions,
): Promise<SharedChat> {
  const directory = new ClusterDirectory(broker.bus)
  let delivering: { readonly hooks: Webhooks; readonly term: AbortController } | undefined
  /** Terms follow one another: one ends before the next begins. */
  let turn: Promise<unknown> = Promise.resolve()
  const warn = (what: string) => (error: Error) => logger.warn(`Webhooks: ${what}: ${error.message}`)

  const standBy = () => {
    const ending = delivering
    delivering = undefined
    ending?.term.abort()
    if (ending) turn = turn.then(() => ending.hooks.close()).catch(warn('cannot end'))
  }

  try {
    const log = await broker.openLog()
    const chatApi = new OnDemand(async () => {
      const noted = traced(webhooks.length > 0 ? outboxOf(log, webhooks) : log, tracer)
      const { service, close } = await openChatService(noted, directory, tracer)
      return { api: serverApi(service, apiKeys ?? [], maxBodyBytes, logger, tracer), close }
    })
    return {
      api: apiKeys && (await chatApi.get()).api,
      chatApi: async () => (await chatApi.get()).api,
      lead() {
        if (webhooks.length === 0 || delivering) return
        const hooks = new Webhooks(log, webhooks, logger, tracer)
        const term = new AbortController()
        delivering = { hooks, term }
        // A broker that just lost a server may be without a leader for a while.
        let failures = 0
        const start = () =>
          hooks.start({ follow: true }).catch((error: Error) => {
            if (failures++ === 0) warn('cannot deliver yet')(error)
            throw error
          })
        const started = () => retrying(start, { seconds: Infinity, signal: term.signal })
        const presence = new NotedPresence(hooks.log, directory, logger)
        turn = turn
          .then(started)
          .then(() => presence.run(term.signal))
          .catch(warn('did not deliver in this term'))
      },
      standBy: standBy,
      close() {
        standBy()
        void chatApi.close()
        directory.close()
      },
    }
  } catch (error) {
    directory.close()
    throw error
  }
}
