import { TokenBucket } from '../../base/rate-limit.ts'
import { timerMs } from '../../base/timers.ts'
import { CLOSE } from '../../protocol/close-codes.ts'
import {
  type AuthRequest,
  type ClientMessage,
  type HelloRequest,
  PROTOCOL_VERSION,
  type RequestType,
  type ServerMessage,
} from '../../protocol/messages.ts'
import { type ParsedFrame, parseFrame } from '../../protocol/rules.ts'
import type { ModerationAction, ModerationState } from '../access/moderation.ts'
import type { Denied, Identity } from '../auth/identity.ts'
import type { Channel, ChannelEvents } from './channel.ts'
import { Grants } from './grants.ts'
import { Inbox } from './inbox.ts'
import { Memberships } from './memberships.ts'
import { Outbox } from './outbox.ts'
import { Rejection, unauthorized } from './rejection.ts'
import { Replies } from './replies.ts'
import { RoomRequests } from './room-requests.ts'
import type { ServerContext } from './server-context.ts'
import { Shedding } from './shedding.ts'

/** Milliseconds that a connection may take until its hello. */
const HELLO_MS = 10_000
/** Milliseconds that a peer has for answering a close. */
const CLOSE_MS = 2000
/** A client that received nothing for so long asks whether the connection still works. */
const HEARTBEAT_MS = 15_000
/** What requests cost beside one token each, and another one per 4 KiB. */
const COST: Partial<Record<RequestType, number>> = { auth: 5, join: 2, history: 10, unread: 20 }
const BYTES_PER_TOKEN = 4096
const costOf = (bytes: number) => 1 + Math.floor(bytes / BYTES_PER_TOKEN)

type Frame =
  | ParsedFrame
  | { readonly kind: 'ping'; readonly data: Buffer }
  /** A sign of life, which is all that it is. */
  | { readonly kind: 'pong' }

type State =
  | { readonly kind: 'new'; readonly deadline: NodeJS.Timeout }
  | {
      readonly kind: 'open'
      readonly identity: Identity
      /** Ends the connection when the token expires. */
      readonly expiry: NodeJS.Timeout | undefined
    }
  | { readonly kind: 'closing'; readonly deadline: NodeJS.Timeout }
  | { readonly kind: 'closed' }

/** One user's connection: *new* until `hello`, then *open*, *closing* after a close frame, then *closed*. */
export class Session implements ChannelEvents {
  readonly outbox: Outbox
  readonly #context: ServerContext
  readonly #onClosed: (session: Session, code: number) => void
  readonly #channel: Channel
  readonly #inbox: Inbox<Frame>
  /** Only of connections that have met overload. */
  #shedding: Shedding | undefined
  readonly #rooms: Memberships
  readonly #grants: Grants
  readonly #replies: Replies
  readonly #requests: RoomRequests
  #state: State
  /** Whether anything came since the server last looked. */
  #heard = true
  #lastUser: string | undefined

  /** @param onClosed called once, when the connection is gone, with the code of its close */
  constructor(context: ServerContext, channel: Channel, onClosed: (session: Session, code: number) => void) {
    this.#context = context
    this.#onClosed = onClosed
    this.#channel = channel
    const { limits } = context
    // Its parts call its methods: a closure for each of them would take as much memory as the parts.
    this.outbox = new Outbox(channel.sink, context.batcher, limits.outboxBytes, this)
    const framesPerSecond = Math.max(100, 5 * limits.messagesPerSecond)
    const burst = Math.max(500, 5 * limits.messageBurst)
    const budget = new TokenBucket(framesPerSecond, burst, performance.now() / 1000)
    this.#inbox = new Inbox(channel, this.outbox, budget, this)
    this.#replies = new Replies(context, this.outbox, this)
    this.#rooms = new Memberships(context, this.outbox, this.#replies)
    this.#grants = new Grants(this)
    this.#requests = new RoomRequests(context, this.#rooms, this.#grants, this.#replies, this)
    const deadline = setTimeout(() => this.close(CLOSE.unauthorized, 'no hello'), HELLO_MS)
    this.#state = { kind: 'new', deadline }
    channel.listen(this)
  }

  get user(): string | undefined {
    return this.#state.kind === 'open' ? this.#state.identity.user : undefined
  }

  /** Those it is in, the one that it joined first before the others. */
  get rooms(): Iterable<string> {
    return this.#rooms.names
  }

  /** Whose connection it is or was. */
  get lastUser(): string | undefined {
    return this.#lastUser
  }

  /** Ends the connection, or its stay in rooms, when what moderators decided does not allow it any more. */
  enforce(action: ModerationAction, state: ModerationState): void {
    if (this.#state.kind !== 'open') return
    const { identity } = this.#state
    const { user, tokenId: id, issuedAt } = identity
    const reason = 'reason' in action ? action.reason : undefined
    if (action.type === 'kick' && action.user === user) {
      const { room: from } = action
      if (from === undefined) this.close(CLOSE.removed, reason ?? 'removed by a moderator')
      else this.#rooms.keepOnly((room) => room !== from, 'forbidden', reason ?? 'removed by a moderator')
    } else if (state.ban(user)) {
      this.close(CLOSE.removed, reason === undefined ? 'you are banned' : `you are banned: ${reason}`)
    } else if (state.isRevoked({ user, id, issuedAt })) {
      this.close(CLOSE.unauthorized, 'the token was revoked')
    } else {
      this.#keepAllowed(identity, reason ?? 'you may not be in this room any more')
    }
  }

  #keepAllowed(identity: Identity, message: string): void {
    this.#rooms.keepOnly((room) => identity.mayJoin(room), 'forbidden', message)
  }

  onGrantExpired(room: string): void {
    if (this.#state.kind !== 'open' || this.#state.identity.mayJoin(room)) return
    this.#rooms.keepOnly((each) => each !== room, 'unauthorized', "the room's token has expired")
  }

  onTooManyStrikes(): void {
    this.close(CLOSE.rateLimited, 'too many bad requests')
  }

  isOpen(): boolean {
    return this.#channel.isOpen
  }

  send(message: ServerMessage): void {
    this.#replies.send(message)
  }

  close(code: number, reason: string): void {
    if (this.#state.kind === 'closing' || this.#state.kind === 'closed') return
    this.#clearTimer()
    // A peer that does not answer keeps nothing here.
    this.#state = { kind: 'closing', deadline: setTimeout(() => this.#channel.terminate(), CLOSE_MS) }
    this.#inbox.close()
    this.#grants.close()
    this.#rooms.close()
    this.outbox.end()
    this.#channel.close(code, reason)
    // The other side's close frame has to be read; but not through a flood.
    if (code === CLOSE.rateLimited) this.#channel.pause()
    else this.#channel.resume()
  }

  /** Ends a connection that gave no sign of life; asks one that did for another. */
  checkAlive(): void {
    // One that is not read gives none: its outbox has a time limit of its own.
    if (!this.#heard && !this.#channel.isPaused) {
      this.#channel.terminate()
      return
    }
    this.#heard = false
    if (!this.outbox.full && !this.outbox.closed) this.#channel.ping()
  }

  onMessage(data: Buffer, isBinary: boolean): void {
    const { kind } = this.#state
    if (kind === 'closing' || kind === 'closed') return
    const frame: ParsedFrame = isBinary
      ? { kind: 'invalid', problem: 'text frames only' }
      : parseFrame(data.toString())
    const extra = frame.kind === 'request' ? (COST[frame.request.type] ?? 0) : 0
    this.#receive(frame, extra + costOf(data.length))
  }

  /** Whether a message was rejected for overload, without being read. */
  sheds(data: Buffer, from: number, end: number): boolean {
    if (this.#state.kind !== 'open') return false
    const isRejected = this.#whenOverloaded()?.rejects(data, from, end, costOf(end - from)) ?? false
    if (isRejected) this.#heard = true
    return isRejected
  }

  /** When to try again with a message that was read, while the server is overloaded. */
  overload(): number | undefined {
    return this.#whenOverloaded()?.rejectsRead()
  }

  #whenOverloaded(): Shedding | undefined {
    if (this.#shedding === undefined && this.#context.link.overload?.() !== undefined)
      this.#shedding = new Shedding(this.#context, this.#channel, this.#inbox, this.outbox)
    return this.#shedding
  }

  onPing(data: Buffer): void {
    this.#receive({ kind: 'ping', data }, 1)
  }

  onPong(): void {
    this.#receive({ kind: 'pong' }, 1)
  }

  #receive(frame: Frame, cost: number): void {
    this.#heard = true
    if (!this.#inbox.push(frame, cost)) this.close(CLOSE.rateLimited, 'too many frames')
  }

  /** Handles a frame; whatever happens, the connection continues or is closed. */
  handle(frame: Frame): Promise<void> | undefined {
    if (frame.kind === 'ping') {
      this.outbox.flush()
      if (!this.outbox.closed) this.#channel.pong(frame.data)
      return
    }
    if (frame.kind === 'pong') return
    if (frame.kind === 'invalid') {
      this.#replies.invalid(frame)
      if (this.#state.kind === 'new') this.close(CLOSE.badMessage, 'not a hello')
      else this.#replies.strike()
      return
    }
    const { request } = frame
    try {
      return this.#dispatch(request)?.catch((error: unknown) => this.#replies.fail(request, error))
    } catch (error) {
      this.#replies.fail(request, error)
    }
  }

  /** Returns what the next request has to wait for. */
  #dispatch(request: ClientMessage): Promise<void> | undefined {
    if (this.#state.kind === 'new') {
      if (request.type === 'hello') return this.#hello(request)
      this.close(CLOSE.unauthorized, 'hello comes first')
      return
    }
    if (this.#state.kind !== 'open') return
    const { identity } = this.#state
    if (request.type === 'hello') throw new Rejection('bad-message', 'hello comes once')
    if (request.type === 'auth') return this.#authenticate(identity, request)
    return this.#requests.handle(identity, request)
  }

  async #hello({ id, token, user: name }: HelloRequest): Promise<void> {
    const identity = await this.#context.auth.identify(token, name)
    if (this.#state.kind !== 'new') return
    if ('denied' in identity) {
      this.close(closeCodeOf(identity), identity.denied)
      return
    }
    this.#become(identity)
    const { server, limits, link } = this.#context
    this.send({
      type: 'welcome',
      id,
      version: PROTOCOL_VERSION,
      user: identity.user,
      server,
      durability: link.durability,
      retryMs: this.#context.retryMs(),
      heartbeatMs: HEARTBEAT_MS,
      maxBodyBytes: limits.maxBodyBytes,
      expiresInMs: expiresInMs(identity),
    })
  }

  async #authenticate({ user }: Identity, { id, token }: AuthRequest): Promise<void> {
    const identity = await this.#context.auth.identify(token, undefined)
    if (this.#state.kind !== 'open') return
    if ('denied' in identity) throw unauthorized(identity)
    if (identity.user !== user) throw new Rejection('unauthorized', 'the token is of another user')
    this.#become(identity)
    this.send({ type: 'authenticated', id, expiresInMs: expiresInMs(identity) })
    this.#keepAllowed(this.#state.identity, 'you may not be in this room any more')
  }

  #become(named: Identity): void {
    const identity = this.#grants.extend(named)
    this.#clearTimer()
    const left = expiresInMs(identity)
    const expire = () => this.close(CLOSE.expired, 'the token has expired')
    const expiry = left === undefined ? undefined : setTimeout(expire, timerMs(left))
    this.#state = { kind: 'open', identity, expiry }
    this.#lastUser = identity.user
  }

  /** The other side reads too slowly; when that lasts, it has to go. */
  onFull(): void {
    const tooSlow = setTimeout(
      () => {
        this.#context.count('slowClosed')
        this.#channel.terminate()
      },
      timerMs(this.#context.limits.slowSeconds * 1000),
    )
    void this.outbox.drained().then(() => clearTimeout(tooSlow))
  }

  #clearTimer(): void {
    const state = this.#state
    if (state.kind === 'new' || state.kind === 'closing') clearTimeout(state.deadline)
    else if (state.kind === 'open') clearTimeout(state.expiry)
  }

  onClose(code: number): void {
    this.#clearTimer()
    this.#state = { kind: 'closed' }
    this.#inbox.close()
    this.#grants.close()
    this.#rooms.close()
    this.#onClosed(this, code)
  }
}

/** Whether a user who is denied may connect again, and how. */
function closeCodeOf({ retry, expired }: Denied): number {
  return retry ? CLOSE.tryLater : expired ? CLOSE.expired : CLOSE.unauthorized
}

/** Milliseconds until an identity's token expires. */
function expiresInMs({ expires }: Identity): number | undefined {
  return expires === undefined ? undefined : Math.max(0, expires - Date.now())
}
