import { messageOf } from '../base/errors.ts'
import { timerMs } from '../base/timers.ts'
import { CLOSE, mayReconnect } from '../protocol/close-codes.ts'
import type { ServerMessage, Welcome } from '../protocol/messages.ts'
import { Backoff } from './backoff.ts'
import { type Close, type CloseCause, type ConnectionStatus, closeOf, probe } from './close-cause.ts'
import { ServerConnection, type ServerConnectionEvents } from './server-connection.ts'
import { type Token, TokenSource } from './token-source.ts'
import type { Transport, WebSocketClass } from './transport.ts'
import { Transports } from './transports.ts'

export interface ConnectionsOptions {
  url: string
  user?: string | undefined
  token?: Token | undefined
  random?: (() => number) | undefined
  transport?: Transport | 'auto' | undefined
  webSocketAgainMs?: number | undefined
}

/** What the connections need of the client they serve. */
export interface ConnectionsEvents {
  /** A room that the user is in, for servers that keep a room's users together. */
  aRoom(): string | undefined
  /** A connection is open; its rooms can be joined. */
  onOpen(connection: ServerConnection): void
  onMessage(connection: ServerConnection, message: ServerMessage): void
  /** A connection is gone, for good. */
  onLost(connection: ServerConnection): void
  /** Whether everything is joined that has to be before a connection may take over. */
  isReady(connection: ServerConnection): boolean
  /** This connection serves the user from now on. */
  onServing(connection: ServerConnection): void
  onStatus(status: ConnectionStatus): void
}

/** From one lost connection to the next; and, when a server asks for it, from one to the other without a break. */
type Phase =
  /** A token or a connection is on its way. */
  | { readonly kind: 'connecting'; readonly connection: ServerConnection | undefined }
  | { readonly kind: 'open'; readonly connection: ServerConnection; readonly moveTimer?: Timer }
  /** `next` joins the rooms, while `connection` still serves. */
  | {
      readonly kind: 'moving'
      readonly connection: ServerConnection
      readonly next: ServerConnection | undefined
      /** Where to go; another one when the server asks for that meanwhile and this attempt fails. */
      target: MoveTarget
    }
  | { readonly kind: 'waiting'; readonly timer: Timer }
  | { readonly kind: 'closed' }

type Timer = ReturnType<typeof setTimeout>

/** Where a move goes: to the server of that number, at an address of its own where it has one. */
interface MoveTarget {
  readonly to?: number | undefined
  readonly url?: string | undefined
  /** Attempts that failed so far. */
  readonly failed: number
  /** The transport is to change; default: it stays. */
  readonly by?: Transport | undefined
}

/** The code of a connection that broke, or was never established. */
const NO_CLOSE_FRAME = 1006

/** Attempts to reach the very server that a move names, before the user stays instead. */
export const MOVE_ATTEMPTS = 4

/** Rejected tokens of a function, one after another, after which no further one is tried. */
const MAX_UNAUTHORIZED = 3
/** Shortest wait after the server closed for too many messages, milliseconds. */
const RATE_LIMITED_MS = 5000

/** Keeps one user connected: reconnects with backoff, moves to another server without a break, renews the token. */
export class Connections {
  readonly #transports: Transports
  readonly #options: ConnectionsOptions
  readonly #events: ConnectionsEvents
  readonly #tokens: TokenSource
  readonly #backoff: Backoff
  #phase: Phase = { kind: 'connecting', connection: undefined }
  #unauthorized = 0
  /** The name that the server knows this user by. */
  user: string | undefined

  constructor(make: WebSocketClass, options: ConnectionsOptions, events: ConnectionsEvents) {
    this.#transports = new Transports(make, options.transport, options.webSocketAgainMs)
    this.#options = options
    this.#events = events
    this.#backoff = new Backoff(options.random)
    this.#tokens = new TokenSource(options.token, async (token) => {
      const { serving } = this
      if (!serving) throw new Error('there is no connection')
      return serving.request({ type: 'auth', token }, { timeoutMs: 10_000 })
    })
  }

  start(): void {
    void this.#connect()
  }

  get state(): Phase['kind'] {
    return this.#phase.kind
  }

  /** The connection that serves the user now. */
  get serving(): ServerConnection | undefined {
    return this.#phase.kind === 'open' || this.#phase.kind === 'moving' ? this.#phase.connection : undefined
  }

  /** Every connection that is open. */
  get open(): readonly ServerConnection[] {
    const phase = this.#phase
    if (phase.kind === 'open') return [phase.connection]
    if (phase.kind === 'moving')
      return phase.next?.welcome ? [phase.connection, phase.next] : [phase.connection]
    return []
  }

  /** Something was joined, or need not be any more: lets the next connection take over when it is ready. */
  takeOverWhenReady(): void {
    if (this.#phase.kind !== 'moving') return
    const { connection, next } = this.#phase
    if (!next?.welcome || !this.#events.isReady(next)) return
    this.#serve(next, 'moved')
    connection.close('moved')
  }

  close(reason: string, cause: CloseCause = 'closed'): void {
    const phase = this.#phase
    if (phase.kind === 'closed') return
    this.#phase = { kind: 'closed' }
    this.#tokens.stop()
    if (phase.kind === 'waiting') clearTimeout(phase.timer)
    if (phase.kind === 'open') clearTimeout(phase.moveTimer)
    if (phase.kind === 'moving') phase.next?.close()
    if (phase.kind !== 'waiting') phase.connection?.close()
    this.#events.onStatus({ state: 'closed', reason, cause })
  }

  /** Opens a connection, as the next one while another serves. */
  async #connect({ to, url: direct, by }: Partial<MoveTarget> = {}): Promise<void> {
    const begun = this.#phase
    let transport: Transport | undefined
    try {
      const token = await this.#tokens.get()
      if (this.#phase !== begun) return
      transport = by ?? this.serving?.transport ?? this.#transports.next
      const url = new URL(direct ?? this.#options.url)
      const room = this.#events.aRoom()
      if (room !== undefined) url.searchParams.set('room', room)
      if (to !== undefined) url.searchParams.set('to', String(to))
      const hello = token === undefined ? { user: this.#options.user } : { token }
      const make = this.#transports.classOf(transport)
      const connection = new ServerConnection(
        { make, transport, url: url.href, direct: direct !== undefined },
        hello,
        this.#connectionEvents,
      )
      if (begun.kind === 'connecting') this.#phase = { kind: 'connecting', connection }
      else if (begun.kind === 'moving') this.#phase = { ...begun, next: connection }
    } catch (error) {
      if (this.#phase !== begun) return
      if (begun.kind === 'moving') this.#moveLater(begun)
      else if (transport === undefined)
        this.#reconnectLater({ cause: 'unauthorized', reason: `no token: ${messageOf(error)}` })
      else {
        // A page's rules may forbid the very attempt at a WebSocket.
        this.#transports.failed(transport)
        this.#reconnectLater({ cause: 'unreachable', reason: messageOf(error) })
      }
    }
  }

  readonly #connectionEvents: ServerConnectionEvents = {
    onWelcome: (connection, welcome) => this.#welcome(connection, welcome),
    onMessage: (connection, message) => {
      if (message.type === 'move') {
        const { afterMs, to, url } = message
        this.#moveAfter(connection, afterMs, {
          to,
          url: url !== undefined && this.#mayMoveTo(url) ? url : undefined,
          failed: 0,
        })
      } else this.#events.onMessage(connection, message)
    },
    onClose: (connection, code, reason) => {
      const replaces = this.#phase.kind === 'connecting' && this.#phase.connection === connection
      if (replaces && code === NO_CLOSE_FRAME) this.#transports.failed(connection.transport)
      this.#lost(connection, code, closeOf(code, reason, connection.wasOpen))
    },
  }

  #welcome(connection: ServerConnection, { retryMs, user, expiresInMs }: Welcome): void {
    if (this.user !== undefined && this.user !== user) {
      this.close(`the token is of another user than ${this.user}`, 'unauthorized')
      return
    }
    this.user = user
    this.#backoff.setWindow(retryMs)
    this.#backoff.succeeded()
    this.#transports.welcomed(connection.transport)
    this.#unauthorized = 0
    this.#tokens.renewBefore(expiresInMs)
    if (this.#phase.kind === 'connecting') this.#serve(connection, 'open')
    this.#events.onOpen(connection)
    this.takeOverWhenReady()
  }

  #serve(connection: ServerConnection, state: 'open' | 'moved'): void {
    this.#phase = { kind: 'open', connection }
    this.#events.onStatus({ state, server: connection.welcome!.server })
    this.#events.onServing(connection)
    this.#tryWebSocketLater(connection)
  }

  /** A network that let no WebSocket through may have been left. */
  #tryWebSocketLater(connection: ServerConnection): void {
    const afterMs = this.#transports.againMs(connection.transport)
    if (afterMs !== undefined) this.#moveAfter(connection, afterMs, { failed: 0, by: 'websocket' })
  }

  /** A move never goes from an encrypted connection to an open one. */
  #mayMoveTo(url: string): boolean {
    return url.startsWith('wss://') || (url.startsWith('ws://') && this.#options.url.startsWith('ws://'))
  }

  #moveAfter(connection: ServerConnection, afterMs: number, target: MoveTarget): void {
    const phase = this.#phase
    if (phase.kind === 'moving' && phase.connection === connection) phase.target = target
    if (phase.kind !== 'open' || phase.connection !== connection) return
    clearTimeout(phase.moveTimer)
    const moveTimer = setTimeout(() => {
      if (this.#phase.kind !== 'open' || this.#phase.connection !== connection) return
      this.#phase = { kind: 'moving', connection, next: undefined, target }
      void this.#connect(target)
    }, timerMs(afterMs))
    this.#phase = { kind: 'open', connection, moveTimer }
  }

  /**
   * The next connection failed: the current one still serves, and another is tried. Where a server is named that none of some
   * attempts reached, the user stays: on any other one the user would be too many.
   */
  #moveLater({ connection, target: { to, failed, by } }: Phase & { kind: 'moving' }): void {
    this.#phase = { kind: 'open', connection }
    if (by !== undefined) {
      this.#transports.failedAgain()
      this.#tryWebSocketLater(connection)
      return
    }
    if (to !== undefined && failed + 1 === MOVE_ATTEMPTS) {
      this.#backoff.succeeded()
      this.#tryWebSocketLater(connection)
      return
    }
    this.#backoff.failed()
    this.#moveAfter(connection, this.#backoff.wait(), { to, failed: failed + 1 })
  }

  #lost(connection: ServerConnection, code: number, why: Close): void {
    this.#events.onLost(connection)
    const phase = this.#phase
    if (phase.kind === 'closed' || phase.kind === 'waiting') return
    if (phase.kind === 'moving' && phase.next === connection) {
      this.#moveLater(phase)
    } else if (phase.connection !== connection) {
      return
    } else if (phase.kind === 'moving') {
      // The one that was to take over has not joined everything yet; it continues as the only one.
      this.#phase = { kind: 'connecting', connection: phase.next }
      if (phase.next?.welcome) this.#serve(phase.next, 'open')
      else if (!phase.next) this.#reconnectLater(why)
    } else {
      if (phase.kind === 'open') clearTimeout(phase.moveTimer)
      this.#afterClose(code, why)
      if (why.cause === 'unreachable' && connection.failure === '') void this.#explain(connection.url)
    }
  }

  /** Decides by the close code whether the same user may try again. */
  #afterClose(code: number, why: Close): void {
    const tokenRejected = code === CLOSE.unauthorized || code === CLOSE.expired
    const final = tokenRejected
      ? this.#options.token !== undefined && !this.#tokens.renewable
        ? !(code === CLOSE.expired && this.#phase.kind === 'open')
        : code === CLOSE.unauthorized && (!this.#tokens.renewable || ++this.#unauthorized >= MAX_UNAUTHORIZED)
      : !mayReconnect(code)
    if (final) this.close(why.reason, why.cause)
    else this.#reconnectLater(why, code === CLOSE.rateLimited ? RATE_LIMITED_MS : 0)
  }

  /** Says more about a failure of which nothing is known, unless a connection is open by then. */
  async #explain(url: string): Promise<void> {
    const known = await probe(url)
    if (known && (this.#phase.kind === 'waiting' || this.#phase.kind === 'connecting'))
      this.#events.onStatus({ state: 'waiting', ...known })
  }

  #reconnectLater(why: Close, atLeastMs = 0): void {
    this.#tokens.stop()
    this.#backoff.failed()
    const timer = setTimeout(
      () => {
        this.#phase = { kind: 'connecting', connection: undefined }
        void this.#connect()
      },
      Math.max(atLeastMs, this.#backoff.wait()),
    )
    this.#phase = { kind: 'waiting', timer }
    this.#events.onStatus({ state: 'waiting', ...why })
  }
}
