import { messageOf } from '../base/errors.ts'
import { type RequestOptions, Requests } from '../base/requests.ts'
import type { Cursor, Joined, RoomMessage } from '../protocol/messages.ts'
import { boundedWait } from './bounded-wait.ts'
import { ChatError } from './chat-error.ts'
import { SendQueue, type SendQueueOptions } from './send-queue.ts'
import type { ServerConnection } from './server-connection.ts'
import { renewalMs, type Token, tokenOf } from './token-source.ts'

/** From where on a room is joined. */
export interface JoinOptions extends RequestOptions {
  /** Where an earlier client was; what came since is delivered first. */
  cursor?: Cursor
  /** Without a cursor, or when it cannot be resumed: how many of the last messages are delivered first; default 0. */
  history?: number
  /** A token that admits the user to this room, or what gets a fresh one: called for every join and before it expires. */
  token?: Token
}

/** A room at the moment that it was joined. */
export interface JoinedRoom {
  readonly room: string
  readonly members: number
  /** Absent in large rooms. */
  readonly users?: readonly string[]
}

/** What a room needs of its client. */
export interface RoomEvents {
  onJoined(room: ClientRoom, connection: ServerConnection, joined: Joined, reset: boolean): void
  /** The server will not have this user in the room. */
  onRejected(room: ClientRoom, error: ChatError): void
  /** There is no token for the room now; it is asked for again. */
  onNoToken(room: ClientRoom, why: string): void
}

/**
 * Where one connection is with the room, and the id of the last join there. Messages count only while `joined`, which a room
 * stays while a newer token for it is on its way.
 */
interface RoomConnection {
  readonly kind: 'joining' | 'joined'
  readonly id: string
}

/** Milliseconds for the answer to a join, after which its connection is given up. */
const JOIN_MS = 30_000
/** Milliseconds after which a server that repeats the same gap is asked again. */
const REPAIR_AGAIN_MS = 1000
/** Milliseconds until a token is asked for again that there was not: twice as long each time, up to the most. */
const TOKEN_AGAIN_MS = { first: 500, most: 30_000 }

/** A room as its client follows it, from one `join` to its `leave`: how far it is, and what waits there. */
export class ClientRoom {
  readonly name: string
  /** The place up to which everything was received. */
  cursor: Cursor | undefined
  readonly outgoing: SendQueue
  /** Goes into every join. */
  token: Token | undefined
  readonly #events: RoomEvents
  readonly #history: number
  readonly #connections = new Map<ServerConnection, RoomConnection>()
  readonly #joins = new Requests<symbol, JoinedRoom>()
  readonly #timers = new Set<ReturnType<typeof setTimeout>>()
  /** The room's last place when it was joined last. */
  #head = 0
  /** Repairs since the last message was received. */
  #repairs = 0
  /** Tokens in a row that there were not. */
  #tokenFailures = 0
  #wasJoined = false
  #left = false

  constructor(
    name: string,
    { cursor, history = 0, token }: JoinOptions,
    queue: SendQueueOptions,
    events: RoomEvents,
  ) {
    this.name = name
    this.cursor = cursor
    this.token = token
    this.#history = history
    this.#events = events
    this.outgoing = new SendQueue(queue, (connection) => this.joinOn(connection))
  }

  /** Resolves when the room is joined the next time. */
  whenJoined(options: RequestOptions): Promise<JoinedRoom> {
    return this.#joins.ask(Symbol(), () => {}, options)
  }

  /** Whether it is neither joined nor being joined: every `join` was given up before the server confirmed one. */
  get abandoned(): boolean {
    return !this.#wasJoined && this.#joins.size === 0
  }

  /** Whether another token can be had when the one in use has expired. */
  get renewable(): boolean {
    return typeof this.token === 'function'
  }

  isJoinedOn(connection: ServerConnection): boolean {
    return this.#connections.get(connection)?.kind === 'joined'
  }

  /** Asks the server for the room, from where this client is; again, when it did before. */
  joinOn(connection: ServerConnection): void {
    if (this.#left || !connection.welcome) return
    const id = connection.nextId()
    this.#connections.set(connection, {
      kind: this.renewable && this.isJoinedOn(connection) ? 'joined' : 'joining',
      id,
    })
    void this.#ask(connection, id)
  }

  async #ask(connection: ServerConnection, id: string): Promise<void> {
    const isLast = () => this.#connections.get(connection)?.id === id
    let token: string | undefined
    try {
      token = this.token === undefined ? undefined : await tokenOf(this.token)
    } catch (error) {
      if (isLast()) this.#tokenFailed(connection, error)
      return
    }
    if (!isLast()) return
    this.#tokenFailures = 0
    this.#connections.set(connection, { kind: 'joining', id })
    await this.#requestJoin(connection, id, token).catch((error: unknown) =>
      this.#joinFailed(connection, id, error),
    )
  }

  /** It is this room's affair: the connection and the other rooms continue. */
  #tokenFailed(connection: ServerConnection, error: unknown): void {
    const { first, most } = TOKEN_AGAIN_MS
    this.#joinLater(connection, Math.min(most, first * 2 ** this.#tokenFailures++))
    this.#events.onNoToken(this, messageOf(error))
  }

  async #requestJoin(connection: ServerConnection, id: string, token: string | undefined): Promise<void> {
    const { cursor } = this
    await connection.request(
      {
        type: 'join',
        id,
        room: this.name,
        ...(cursor && { cursor }),
        ...(this.#history > 0 && { history: this.#history }),
        ...(token !== undefined && { token }),
      },
      { timeoutMs: JOIN_MS },
    )
  }

  /** A server confirmed a join; an answer to an earlier request than the last one does not count. */
  joined(connection: ServerConnection, message: Joined): void {
    const state = this.#connections.get(connection)
    if (state?.kind !== 'joining' || state.id !== message.id) return
    this.#connections.set(connection, { kind: 'joined', id: state.id })
    // Of another epoch our own place means nothing; of the same one, ours is as far or further.
    const reset = this.cursor !== undefined && (message.reset ?? this.cursor.epoch !== message.cursor.epoch)
    if (!this.cursor || reset) this.cursor = message.cursor
    this.#head = message.head
    this.#wasJoined = true
    this.#events.onJoined(this, connection, message, reset)
    const { members, users, expiresInMs } = message
    if (expiresInMs !== undefined && this.renewable) this.#joinLater(connection, renewalMs(expiresInMs))
    this.#joins.answerAll({ room: this.name, members, ...(users && { users }) })
  }

  /** Whether the message is the next one of the room: then it counts as received. */
  receive(connection: ServerConnection, message: RoomMessage): boolean {
    const { cursor } = this
    if (!cursor || !this.isJoinedOn(connection) || message.seq <= cursor.seq) return false
    if (message.prevSeq > cursor.seq) {
      this.#repair(connection)
      return false
    }
    this.#repairs = 0
    if (message.user === connection.welcome?.user)
      this.outgoing.received(message.id, message.seq, connection.welcome.durability)
    this.#advance({ epoch: cursor.epoch, seq: message.seq })
    return true
  }

  /** The messages up to `to` will never come. Returns the first of them that was still awaited. */
  skip(connection: ServerConnection, from: number, to: number): number | undefined {
    const { cursor } = this
    if (!cursor || !this.isJoinedOn(connection) || to <= cursor.seq) return undefined
    this.#advance({ epoch: cursor.epoch, seq: to })
    return Math.max(from, cursor.seq + 1)
  }

  #advance(cursor: Cursor): void {
    this.cursor = cursor
    if (this.#isCaughtUp) this.outgoing.caughtUp()
  }

  get #isCaughtUp(): boolean {
    return this.cursor !== undefined && this.cursor.seq >= this.#head
  }

  /** What waits goes out on this connection. */
  serve(connection: ServerConnection): void {
    this.outgoing.open(connection, this.#isCaughtUp)
  }

  /** A connection is gone. */
  lost(connection: ServerConnection): void {
    this.#connections.delete(connection)
  }

  /** It is over: everything that waits rejects. */
  end(error: Error): void {
    this.#left = true
    for (const timer of this.#timers) clearTimeout(timer)
    this.#connections.clear()
    this.outgoing.fail(error)
    this.#joins.rejectAll(error)
  }

  /** Something is missing before what came: asks again from where this client is, and ignores the connection until the answer. */
  #repair(connection: ServerConnection): void {
    this.#connections.set(connection, { kind: 'joining', id: '' })
    if (this.#repairs++ === 0) this.joinOn(connection)
    else this.#joinLater(connection, REPAIR_AGAIN_MS)
  }

  #joinLater(connection: ServerConnection, ms: number): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      if (this.#connections.has(connection)) this.joinOn(connection)
    }, boundedWait(ms))
    this.#timers.add(timer)
  }

  #joinFailed(connection: ServerConnection, id: string, error: unknown): void {
    const state = this.#connections.get(connection)
    if (state?.kind !== 'joining' || state.id !== id) return
    if (!(error instanceof ChatError)) {
      connection.close('no answer')
    } else if (error.retryMs !== undefined) {
      this.#joinLater(connection, error.retryMs)
    } else if (error.code !== 'disconnected') {
      this.#events.onRejected(this, error)
    }
  }
}
