import type { Duplex } from 'node:stream'
import type { Faults } from '../base/faults.ts'
import type { Logger } from '../base/logger.ts'
import { OnDemand } from '../base/on-demand.ts'
import { check, within } from '../base/options.ts'
import { RateLimiter } from '../base/rate-limit.ts'
import { ApiKeys } from '../chat/api/keys.ts'
import type { ServerApi } from '../chat/api/server-api.ts'
import { webhookListOptions } from '../chat/hooks/webhook-options.ts'
import type { Webhooks } from '../chat/hooks/webhooks.ts'
import { Hub } from '../chat/hub/hub.ts'
import { openLog } from '../chat/log/open.ts'
import { LogUnavailable, type RoomLog } from '../chat/log/room-log.ts'
import { traced } from '../chat/log/traced-log.ts'
import { type ChatLimits, chatLimits } from '../chat/options.ts'
import type { PresenceChange } from '../chat/rooms/presence.ts'
import type { ServerId } from '../fleet/provider.ts'
import type { SupervisorOptions } from './supervisor-options.ts'

/** The rooms of a fleet on this machine: their log, the hub between the servers, webhooks, and the server API. Opened by `open`. */
export class FleetRooms {
  readonly #options: SupervisorOptions
  readonly #logger: Logger
  readonly #faults: Faults
  /** Messages per second and user, over all servers. */
  readonly #rates: RateLimiter
  readonly #api: OnDemand<{ api: ServerApi; close(): Promise<void> }>
  #log: RoomLog | undefined
  #hub: Hub | undefined
  #webhooks: Webhooks | undefined

  /** @throws {ConcertinaError} INVALID_INPUT, naming the option. */
  constructor(options: SupervisorOptions, logger: Logger, faults: Faults) {
    this.#options = options
    this.#logger = logger
    this.#faults = faults
    new ApiKeys(options.apiKeys ?? []) // throws
    within('webhooks', () => check(webhookListOptions, options.webhooks ?? []))
    this.#rates = new RateLimiter(...rateOf(options.chat?.limits))
    this.#api = new OnDemand(async () => {
      if (!this.#hub) throw new LogUnavailable('the fleet is starting')
      const { apiKeys = [], chat, tracer } = options
      // Most fleets start without them, the sooner the less there is to load.
      const { serverApi, serviceOfHub } = await import('../chat/api/open.ts')
      const { service, close } = await serviceOfHub(this.#hub, tracer)
      return { api: serverApi(service, apiKeys, chat?.limits?.maxBodyBytes, logger, tracer), close }
    })
  }

  /** Where the rooms are kept; open from `open` on. */
  get log(): RoomLog | undefined {
    return this.#log
  }

  /** Whether rooms are kept on disk. */
  get onDisk(): boolean {
    return this.#options.data !== undefined
  }

  /** Rooms that have members now. */
  get count(): number {
    let count = 0
    for (const _ of this.#hub?.directory.rooms() ?? []) count++
    return count
  }

  /** For backends; when there are keys, and from `openApi` on. */
  get serverApi(): ServerApi | undefined {
    return this.#options.apiKeys && this.#api.opened?.api
  }

  /** The same for the control API: without keys it is opened when it is first asked for. */
  async chatApi(): Promise<ServerApi> {
    return (await this.#api.get()).api
  }

  async open(): Promise<void> {
    this.#log = openLog(this.#options, this.#logger, this.#faults)
    this.#hub = new Hub(traced(await this.#openWebhooks(this.#log), this.#options.tracer), this.#rates)
    this.#hub.onPresence((change) => this.#notePresence(change))
  }

  /** Another rate of messages holds from now on. */
  configure(limits: ChatLimits | undefined): void {
    this.#rates.configure(...rateOf(limits))
  }

  /** Opens the server API, when there are keys. */
  async openApi(): Promise<void> {
    if (this.#options.apiKeys) await this.#api.get()
  }

  /** Connects a server by its end of the line to the hub. */
  attach(line: Duplex, id: ServerId): void {
    this.#hub!.attach(line, id)
  }

  /** Returns the log that the fleet uses: with webhooks it notes what they are to get. */
  async #openWebhooks(log: RoomLog): Promise<RoomLog> {
    const { webhooks = [], tracer } = this.#options
    if (webhooks.length === 0) return log
    const { Webhooks } = await import('../chat/hooks/webhooks.ts')
    this.#webhooks = new Webhooks(log, webhooks, this.#logger, tracer)
    await this.#webhooks.start()
    return this.#webhooks.log
  }

  #notePresence({ room, joined, left, members }: PresenceChange): void {
    this.#webhooks?.log.presence(room, joined, left, members === 0).catch((error: Error) => {
      this.#logger.warn(`Webhooks: who came to ${room} and left could not be kept: ${error.message}`, {
        room,
      })
    })
  }

  async close(): Promise<void> {
    await this.#api.close()
    await this.#webhooks?.close()
    await this.#hub?.close()
  }
}

function rateOf(limits: ChatLimits | undefined): [perSecond: number, burst: number] {
  const { messagesPerSecond, messageBurst } = chatLimits(limits)
  return [messagesPerSecond, messageBurst]
}
