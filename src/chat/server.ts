import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { messageOf } from '../base/errors.ts'
import type { Histogram } from '../base/histogram.ts'
import { onceAMinute } from '../base/once-a-minute.ts'
import { RateLimiter } from '../base/rate-limit.ts'
import { seededRng } from '../base/rng.ts'
import { Signal } from '../base/signal.ts'
import { type AccessEntry, accessEntry } from '../http/access-log.ts'
import { Origins } from '../http/origin.ts'
import { rejectSocket } from '../http/rejection.ts'
import { CLOSE } from '../protocol/close-codes.ts'
import { maxFrameBytes } from '../protocol/rules.ts'
import type { Tracer } from '../telemetry/tracer.ts'
import { AccessControl } from './access/access-control.ts'
import type { ModerationState } from './access/moderation.ts'
import { ModerationLog } from './access/moderation-log.ts'
import { Authenticator } from './auth/authenticator.ts'
import { accessOfConnection, type EnteringRequest, socketOf, type Transport } from './connection-access.ts'
import { hooksOf } from './hooks/http-hooks.ts'
import { RemoteRoomLog } from './hub/remote-room-log.ts'
import type { ChatLink, RoomEvent } from './link.ts'
import { type ChatOptions, chatLimits } from './options.ts'
import { HistoryBounds } from './rooms/history-bounds.ts'
import { Namespaces } from './rooms/namespaces.ts'
import { ReadMarkers } from './rooms/read-markers.ts'
import { Rooms } from './rooms/rooms.ts'
import { SlowMode } from './rooms/slow-mode.ts'
import { type ChatServerStats, ServerCounters } from './server-stats.ts'
import type { Channel } from './session/channel.ts'
import type { ServerContext } from './session/server-context.ts'
import { Session } from './session/session.ts'
import { type RebalanceTarget, type RoomTarget, SessionMoves } from './session/session-moves.ts'
import { WebSocketChannel } from './session/web-socket-channel.ts'
import { WebSockets } from './session/web-sockets.ts'
import { WorkSlots } from './session/work-slots.ts'
import { WriteBatcher } from './session/write-batcher.ts'
import type { PostStatus, StreamPost } from './sse/event-stream.ts'
import type { StreamAnswer } from './sse/requests.ts'
import { EventStreams } from './sse/streams.ts'

const ALIVE_MS = 20_000
/** The window in which clients reconnect, by how many per second the other servers can take when this one is lost. */
const RETRY_MS = { least: 20, most: 250, perConnection: 0.6 }

/** 'close' follows. */
const ignore = () => {}

/** One chat server of a fleet: WebSockets on one side, the hub on the other. */
export class ChatServer {
  readonly #sockets: WebSockets
  readonly #context: ServerContext
  readonly #link: ChatLink
  readonly #rooms: Rooms
  readonly #slots: WorkSlots | undefined
  #origins: Origins
  readonly #streams: EventStreams
  readonly #moderation: ModerationState
  readonly #connections = new Set<Session>()
  readonly #counters = new ServerCounters()
  readonly #alive: NodeJS.Timeout
  readonly #moves = new SessionMoves(this.#connections)
  /** Called with each connection that has ended, and each that was rejected. */
  onAccess: ((entry: AccessEntry) => void) | undefined
  /** What an operator should know, at most once a minute for each text. */
  readonly warnings = new Signal<string>()
  readonly #isNewWarning = onceAMinute()

  /**
   * @param server its number in the fleet
   * @param stream the line to the hub; `onClose` is called when it is gone, and the server is of no use then
   */
  static start(
    server: number,
    stream: Duplex,
    options: ChatOptions,
    onClose: () => void,
    tracer?: Tracer,
  ): Promise<ChatServer> {
    const connect = (onEvent: RoomEvent) => RemoteRoomLog.connect(stream, onEvent, onClose)
    return ChatServer.connect(server, connect, options, tracer)
  }

  /**
   * A chat server on whatever its fleet shares.
   * @param connect opens that; presence and typing of subscribed rooms go to `onEvent`
   */
  static async connect(
    server: number,
    connect: (onEvent: RoomEvent) => Promise<ChatLink>,
    options: ChatOptions,
    tracer?: Tracer,
  ): Promise<ChatServer> {
    let onEvent: RoomEvent = () => {}
    const link = await connect((room, kind, line) => onEvent(room, kind, line))
    const moderation = new ModerationLog(link)
    try {
      await moderation.start()
    } catch (error) {
      await link.close()
      throw error
    }
    const chat = new ChatServer(server, link, options, moderation, tracer)
    onEvent = (room, kind, line) => chat.#rooms.onEvent(room, kind, line)
    return chat
  }

  private constructor(
    server: number,
    link: ChatLink,
    options: ChatOptions,
    moderation: ModerationLog,
    tracer: Tracer | undefined,
  ) {
    const limits = chatLimits(options.limits)
    const { work, hooks } = options
    this.#moderation = moderation.state
    this.#link = link
    this.#origins = new Origins(options.origins)
    this.#streams = new EventStreams(server)
    const batcher = new WriteBatcher()
    const namespaces = new Namespaces(options.namespaces)
    this.#rooms = new Rooms(link, batcher, namespaces, tracer)
    this.#slots = work && new WorkSlots(work, seededRng(`work ${server}`))
    this.#sockets = new WebSockets(maxFrameBytes(limits.maxBodyBytes))
    this.#context = {
      server,
      limits,
      auth: new AccessControl(this.#authenticator(options.auth), moderation.state, namespaces),
      namespaces,
      historyBounds: new HistoryBounds(link, namespaces),
      slowMode: new SlowMode(link),
      readMarkers: new ReadMarkers(link),
      rates: new RateLimiter(limits.messagesPerSecond, limits.messageBurst),
      slots: this.#slots,
      hooks: hooksOf(hooks, tracer),
      tracer,
      batcher,
      link,
      rooms: this.#rooms,
      retryMs: () => {
        const { least, most, perConnection } = RETRY_MS
        return [least, Math.max(most, perConnection * this.#connections.size)]
      },
      onAcked: (seconds) => this.#counters.acked(seconds),
      onFailure: (error) => this.#counters.failed(error),
      count: (what) => this.#counters.count(what),
      onHookFailure: (error) => this.#warn(`a hook could not decide: ${messageOf(error)}`),
    }
    moderation.actions.subscribe((action) => {
      for (const connection of [...this.#connections]) connection.enforce(action, moderation.state)
    })
    this.#alive = setInterval(() => {
      for (const connection of this.#connections) connection.checkAlive()
    }, ALIVE_MS)
  }

  /**
   * Answers a request to upgrade; `head` are bytes that came after it.
   * @param ip of the client, for the access log
   */
  accept(request: EnteringRequest, socket: Duplex, head: Buffer, ip = ''): void {
    socket.on('error', ignore)
    const rejected = this.#rejects(request, ip)
    if (rejected) {
      rejectSocket(socket, rejected)
      return
    }
    const onEnd = this.#onEnd('websocket', request, ip, socket)
    this.#sockets.upgrade(request as IncomingMessage, socket, head, () => {
      this.#serve(new WebSocketChannel(this.#sockets, socket, this.maxFrameBytes), onEnd)
    })
  }

  /** Answers a request for an event stream, which is a WebSocket's replacement where none comes through. */
  acceptStream(request: EnteringRequest, answer: StreamAnswer, ip = ''): void {
    const rejected = this.#rejects(request, ip)
    if (rejected) {
      answer.reject(rejected)
      return
    }
    const output = answer.open()
    this.#serve(this.#streams.open(output), this.#onEnd('sse', request, ip, socketOf(output)))
  }

  /** Pages that may connect. */
  get origins(): Origins {
    return this.#origins
  }

  /**
   * Other origins, tokens, options of rooms and limits apply from now on; users who are connected stay who they are. The size of
   * a body stays.
   * @throws {ConcertinaError} INVALID_INPUT; nothing has changed then
   */
  configure({ origins, auth, namespaces, limits }: ChatOptions): void {
    const context = this.#context
    const nextOrigins = new Origins(origins)
    const authenticator = this.#authenticator(auth)
    const { maxBodyBytes: _, ...nextLimits } = chatLimits(limits)
    context.namespaces.configure(namespaces)
    this.#origins = nextOrigins
    context.auth.authenticator = authenticator
    Object.assign(context.limits, nextLimits)
    context.rates.configure(nextLimits.messagesPerSecond, nextLimits.messageBurst)
  }

  #warn(message: string): void {
    if (this.#isNewWarning(message)) this.warnings.emit(message)
  }

  #authenticator(auth: ChatOptions['auth'] = { anonymous: true }): Authenticator {
    return new Authenticator(auth, this.#moderation, {
      onFailure: (message) => {
        this.#counters.count('keyFetchesFailed')
        this.#warn(message)
      },
    })
  }

  /** Receives what a client of an event stream sends. Resolves when it was read. */
  post(id: string, post: StreamPost): Promise<PostStatus> {
    return this.#streams.post(id, post)
  }

  /** Bytes of the largest frame of a client, and of a request beside an event stream. */
  get maxFrameBytes(): number {
    return maxFrameBytes(this.#context.limits.maxBodyBytes)
  }

  #rejects(request: EnteringRequest, ip: string) {
    const [reason, status] = !this.#origins.allows(request.headers)
      ? (['origin', '403 Forbidden'] as const)
      : this.#connections.size >= this.#context.limits.maxConnections
        ? (['full', '503 Service Unavailable'] as const)
        : []
    if (reason && this.onAccess)
      this.onAccess(accessEntry(ip, request, { status: Number.parseInt(status, 10), reason }))
    return status
  }

  /** Returns what to call when a connection has ended. */
  #onEnd(transport: Transport, request: EnteringRequest, ip: string, socket: object) {
    return (
      this.onAccess && accessOfConnection(this.onAccess, this.#context.server, transport, request, ip, socket)
    )
  }

  #serve(channel: Channel, onEnd: ((session: Session, code: number) => void) | undefined): void {
    const onClosed = onEnd
      ? (session: Session, code: number) => {
          this.#onClosed(session, code)
          onEnd(session, code)
        }
      : this.#onClosed
    this.#connections.add(new Session(this.#context, channel, onClosed))
  }

  readonly #onClosed = (session: Session, code: number): void => {
    if (code === 1006) this.#counters.count('lost')
    this.#connections.delete(session)
    this.#moves.forget(session)
  }

  get stats(): ChatServerStats {
    const slots = this.#slots
    return {
      connections: this.#connections.size,
      staying: this.#connections.size - this.#moves.leaving,
      deliveries: this.#rooms.deliveries,
      ...this.#counters.totals,
      work: slots && { busySeconds: slots.busySeconds, concurrency: slots.concurrency, queued: slots.queued },
    }
  }

  /** Asks up to `count` users to move to another server, spread over `seconds`. */
  rebalance(count: number, target: RebalanceTarget, seconds: number): void {
    this.#moves.rebalance(count, target, seconds)
  }

  /** Asks up to `count` users to move to the server that their room is on. */
  followRooms(targetOf: (room: string) => RoomTarget, count: number, seconds: number): void {
    this.#counters.count('followed', this.#moves.follow(targetOf, this.#context.server, count, seconds))
  }

  /** How many more connections it may have. */
  get free(): number {
    return this.#context.limits.maxConnections - this.#connections.size
  }

  /**
   * Asks every user to move, spread over `seconds`; closes those who stay at the same pace after that. Resolves when
   * no user is left and every append is answered.
   */
  drain(seconds: number): Promise<void> {
    return this.#moves.drain(seconds, () => this.#link.pending === 0)
  }

  /** Seconds from receiving to acknowledging, of the messages since this was last asked. */
  takeLatency(): Histogram {
    return this.#counters.takeLatency()
  }

  async close(): Promise<void> {
    clearInterval(this.#alive)
    for (const connection of this.#connections) connection.close(CLOSE.restart, 'server is shutting down')
    await this.#link.close()
  }
}
