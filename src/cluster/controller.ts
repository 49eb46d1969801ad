import { randomUUID } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import { hostname } from 'node:os'
import { invalidInput } from '../base/errors.ts'
import type { Logger } from '../base/logger.ts'
import { OnDemand } from '../base/on-demand.ts'
import { check, within } from '../base/options.ts'
import { VERSION } from '../base/version.ts'
import { type ApiKeyOptions, ApiKeys } from '../chat/api/keys.ts'
import { type WebhookOptions, webhookListOptions } from '../chat/hooks/webhook-options.ts'
import { ControlApi } from '../control/control-api.ts'
import type { FleetControl } from '../control/fleet-control.ts'
import type { Fleets } from '../control/fleets.ts'
import { HTTP_DEADLINES } from '../http/deadlines.ts'
import { hostAndPort, listen } from '../http/listen.ts'
import { isLoopbackName } from '../http/origin.ts'
import { splitTarget } from '../http/request-target.ts'
import { sendText } from '../http/text.ts'
import { controlPages, controlServer, type ServedFleet, servedFleet } from '../live/control-http.ts'
import { liveControl } from '../live/live-control.ts'
import type { AutoScaler } from '../scaling/auto-scaler.ts'
import type { Broker } from './broker.ts'
import { ClusterServers } from './cluster-servers.ts'
import { Leadership } from './leader.ts'
import { openSharedChat, type SharedChat } from './shared-chat.ts'
import { Term, type TermOptions } from './term.ts'

export interface ClusterControllerOptions
  extends Pick<
    TermOptions,
    'broker' | 'provider' | 'rebalance' | 'strategy' | 'acceptRate' | 'weights' | 'seed' | 'tracer' | 'logger'
  > {
  /** Makes the autoscaler of one term as the leader. */
  autoScaler(): AutoScaler
  /** Of dashboard, control API and metrics; default loopback. */
  host?: string | undefined
  /** 0 takes any free one. */
  port: number
  /** Where others reach the dashboard, when not at host and port. */
  advertise?: string | undefined
  /** Needed off loopback. */
  token?: string | undefined
  /** This fleet's name and the others; default this one alone. */
  fleets?: Fleets | undefined
  /** Keys of the server API; without any there is no such API. Every controller serves it, also while another one leads. */
  apiKeys?: readonly ApiKeyOptions[] | undefined
  /** Receivers of what happens in rooms; the controller that leads delivers it. The servers need the same. */
  webhooks?: readonly WebhookOptions[] | undefined
  /** Bytes of a message's body; default 8,192. */
  maxBodyBytes?: number | undefined
  /** Called with the control of each term. */
  onTerm?(control: FleetControl): void
}

interface Leading {
  readonly term: Term
  readonly api: ControlApi
  readonly served: ServedFleet
  /** Answers what comes while this process leads; it does not listen by itself. */
  readonly http: Server
}

const RETRY_MS = 2000

const STANDBY_METRICS =
  '# HELP concertina_leader Whether this controller leads.\n# TYPE concertina_leader gauge\nconcertina_leader 0\n'

/** One of the controllers of a cluster. All listen; the one that leads decides and scales, and the others stand by. */
export class ClusterController {
  readonly #options: ClusterControllerOptions
  readonly #broker: Broker
  readonly #logger: Logger
  readonly #servers: ClusterServers
  readonly #http: Server
  /** What this controller does for backends. */
  readonly #shared: OnDemand<SharedChat>
  #leadership: Leadership | undefined
  #leading: Leading | undefined
  #url = ''
  /** Ends of terms that have not ended yet. */
  readonly #ending = new Set<Promise<void>>()

  /** @throws {ConcertinaError} INVALID_INPUT off loopback without a token. */
  constructor(options: ClusterControllerOptions) {
    const { host = '127.0.0.1', token, broker, logger } = options
    if (!isLoopbackName(host) && token === undefined)
      throw invalidInput(
        'controlHost',
        `a control API on ${host} is open to the network`,
        'a controlToken with it',
      )
    new ApiKeys(options.apiKeys ?? []) // throws
    within('webhooks', () => check(webhookListOptions, options.webhooks ?? []))
    this.#options = options
    this.#broker = broker
    this.#logger = logger
    this.#servers = new ClusterServers(broker.bus)
    this.#shared = new OnDemand(() => {
      const { apiKeys, webhooks = [], maxBodyBytes, tracer } = options
      return openSharedChat(broker, { apiKeys, webhooks, maxBodyBytes, tracer, logger })
    })
    this.#http = createServer(HTTP_DEADLINES, (request, response) => {
      const text = (status: number, body: string) => sendText(response, status, body)
      if (this.#shared.opened?.api?.handle(request, response)) return
      if (this.#leading) {
        this.#leading.http.emit('request', request, response)
        return
      }
      const { path } = splitTarget(request.url)
      if (path === '/healthz') text(200, 'ok\n')
      else if (path === '/metrics') text(200, STANDBY_METRICS)
      else text(503, `standby: the leader is ${this.#leadership?.leaderUrl ?? 'not known'}\n`)
    })
  }

  /** What `/metrics` answers. */
  async metrics(): Promise<string> {
    return this.#leading ? (await this.#leading.served.metrics()).text() : STANDBY_METRICS
  }

  get leads(): boolean {
    return this.#leading !== undefined
  }

  get url(): string {
    return this.#url
  }

  /**
   * Listens, and stands by until no other controller leads.
   * @returns the port
   * @throws {ConcertinaError} ADDRESS_UNAVAILABLE.
   */
  async start(): Promise<number> {
    const { host = '127.0.0.1', port, advertise } = this.#options
    let bound: number
    try {
      const { apiKeys, webhooks = [] } = this.#options
      if (apiKeys || webhooks.length > 0) await this.#shared.get()
      bound = await listen(this.#http, host, port)
    } catch (error) {
      void this.#shared.close()
      this.#servers.close()
      throw error
    }
    this.#url = advertise ?? `http://${hostAndPort(host, bound)}/`
    const id = `${hostname()}-${process.pid}-${randomUUID().slice(0, 8)}`
    this.#leadership = new Leadership(
      this.#broker.store,
      { id, url: this.#url },
      { onWon: () => void this.#lead(), onLost: () => this.#standBy() },
    )
    this.#leadership.start()
    return bound
  }

  /** Ends; another controller takes over at once. The servers keep running. */
  async close(): Promise<void> {
    await this.#leading?.term.keepLastState()
    await this.#leadership?.close()
    this.#standBy()
    await Promise.all(this.#ending)
    this.#servers.close()
    void this.#shared.close()
    this.#http.close()
    this.#http.closeAllConnections()
  }

  async #lead(): Promise<void> {
    // The last term must have let go of the provider.
    await Promise.all(this.#ending)
    const leadership = this.#leadership!
    if (!leadership.leads || this.#leading) return
    try {
      await this.#begin(() => leadership.leads)
    } catch (error) {
      this.#logger.error(`Cannot lead: ${(error as Error).message}; trying again`)
      this.#leadAgain()
    }
  }

  /** Begins a term. Rejects where its provider cannot be made, or does not start. */
  async #begin(leads: () => boolean): Promise<void> {
    const { provider, rebalance, strategy, acceptRate, weights, seed, token, fleets, tracer } = this.#options
    const autoScaler = this.#options.autoScaler()
    const term = new Term({
      broker: this.#broker,
      servers: this.#servers,
      autoScaler,
      provider,
      leads,
      onDeposed: () => this.#leadAgain(),
      rebalance,
      strategy,
      acceptRate,
      weights,
      seed,
      tracer,
      logger: this.#logger,
    })
    const control = liveControl(term, autoScaler)
    const chat = async () => (await this.#shared.get()).chatApi()
    const logger = this.#logger
    const api = new ControlApi({ target: control, chat, token, version: VERSION, fleets, logger })
    const served = servedFleet(term)
    this.#leading = { term, api, served, http: controlServer(served, api, controlPages()) }
    this.#shared.opened?.lead()
    this.#options.onTerm?.(control)
    await term.start()
  }

  /** Ends the term; if this process still leads after a while, it begins another. */
  #leadAgain(): void {
    this.#standBy()
    setTimeout(() => {
      if (this.#leadership?.leads) void this.#lead()
    }, RETRY_MS).unref()
  }

  #standBy(): void {
    const leading = this.#leading
    if (!leading) return
    this.#leading = undefined
    this.#logger.warn('Standing by: this controller does not lead any more')
    this.#shared.opened?.standBy()
    leading.api.close()
    leading.http.close()
    const ending = leading.term.end().finally(() => this.#ending.delete(ending))
    this.#ending.add(ending)
  }
}
