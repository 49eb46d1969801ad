import { Emitter } from '../base/emitter.ts'
import { type Cursor, mayReconnect, type RoomMessage, type ServerMessage } from '../protocol/messages.ts'
import { Backoff } from './backoff.ts'
import { ClientRoom, type JoinedRoom, type JoinOptions } from './client-room.ts'
import { HistoryRequests, type OlderMessages } from './history-requests.ts'
import { type Ack, SendQueue } from './send-queue.ts'
import {
  ServerConnection,
  type ServerConnectionEvents,
  type WebSocketClass,
  type Welcome,
} from './server-connection.ts'

export interface ChatClientOptions {
  /** `ws://` or `wss://` address of the chat. */
  url: string
  /** Name of an anonymous user, where the chat takes such. */
  user?: string
  /** A token, or what gets a fresh one; asked at every connection and before a token expires. */
  token?: string | (() => string | Promise<string>)
  /** Milliseconds without an answer to a message after which the connection is given up; 10,000. */
  ackMs?: number
  /** Numbers in [0, 1) for the time to wait before connecting again; `Math.random` unless told. */
  random?: () => number
}

export interface ChatClientEvents {
  /** A message of a joined room: each once, in order. */
  message: RoomMessage
  /** These messages of the room will never come. */
  gap: { room: string; from: number; to: number }
  presence: ServerMessage & { type: 'presence' }
  typing: { room: string; user: string }
  /** `moved` has changed servers without a break; `waiting` connects again soon; `closed` will not. */
  status: { state: 'open' | 'moved' | 'waiting' | 'closed'; server?: number | undefined; reason?: string }
  /** A room is joined, again on another connection, too: at this place, with these members now. */
  resumed: JoinedRoom & { cursor: Cursor }
  /** The server refused something that nobody waits for. */
  error: { code: string; message: string; room?: string | undefined }
}

const hex = (bytes: Uint8Array) => [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')

/**
 * A chat user: joins rooms, sends, and stays connected. It keeps a cursor for each room and resumes there on any server, sees
 * a gap by itself and repairs it, moves to another server when told without a break, and sends again what was not
 * acknowledged, which the room then has once.
 *
 * @example
 * const client = new ChatClient({ url: 'ws://127.0.0.1:8080/chat', user: 'ann' })
 * client.on('message', ({ user, body }) => console.log(`${user}: ${body}`))
 * await client.join('lobby', { history: 20 })
 * const { seq } = await client.send('lobby', 'hello')
 */
export class ChatClient extends Emitter<ChatClientEvents> {
  readonly #options: ChatClientOptions
  readonly #make: WebSocketClass
  readonly #rooms = new Map<string, ClientRoom>()
  readonly #older = new HistoryRequests()
  readonly #name = hex(crypto.getRandomValues(new Uint8Array(8)))
  #current: ServerConnection | undefined
  /** The connection that is to take over, while the current one still serves. */
  #next: ServerConnection | undefined
  readonly #backoff: Backoff
  #timer: ReturnType<typeof setTimeout> | undefined
  #renewal: ReturnType<typeof setTimeout> | undefined
  #sent = 0
  #closed = false
  /** The name that the server knows this user by. */
  user: string | undefined

  constructor(make: WebSocketClass, options: ChatClientOptions) {
    super()
    this.#make = make
    this.#options = options
    this.#backoff = new Backoff(options.random)
    void this.#connect()
  }

  /** The number of the server that serves this user now. */
  get server(): number | undefined {
    return this.#current?.server
  }

  /** Joins a room; resolves when the server confirmed it. Rejects when it may not. */
  join(room: string, options: JoinOptions = {}): Promise<JoinedRoom> {
    if (this.#closed) return Promise.reject(new Error('the client is closed'))
    let state = this.#rooms.get(room)
    if (!state) {
      const outgoing = new SendQueue(
        ({ id, body }) => this.#current?.send({ type: 'send', room, id, body }),
        () => this.#current?.close(4000, 'no answer'),
        this.#options.ackMs ?? 10_000,
      )
      state = new ClientRoom(outgoing, options)
      this.#rooms.set(room, state)
    }
    const joined = state.whenJoined()
    if (this.#current?.server !== undefined) this.#askToJoin(this.#current, room)
    return joined
  }

  leave(room: string): void {
    this.#drop(room, new Error('left the room'))
    for (const link of [this.#current, this.#next])
      if (link?.server !== undefined) link.send({ type: 'leave', room })
  }

  /**
   * Sends a message to a joined room; resolves when it is acknowledged, however many connections that takes. `id` names it
   * for good: whoever sends again what may have been sent before gives the same one.
   */
  send(room: string, body: string, id = `${this.#name}-${++this.#sent}`): Promise<Ack> {
    const outgoing = this.#rooms.get(room)?.outgoing
    if (!outgoing) return Promise.reject(new Error(`join ${room} first`))
    return new Promise((resolve, reject) => outgoing.add({ id, body, resolve, reject }))
  }

  /** Tells the room that this user is typing; at most once a second counts. */
  typing(room: string): void {
    if (this.#current?.joined.has(room)) this.#current.send({ type: 'typing', room })
  }

  /**
   * Older messages of a joined room: those before the place `before`, up to `limit` (200 at most). Rejects when there is no
   * connection, when it breaks off, or when an earlier page of the room is not answered yet.
   */
  history(room: string, before: number, limit: number): Promise<OlderMessages> {
    return this.#older.ask(this.#current, room, before, limit)
  }

  /** Where this client is in a room: what it has taken. */
  cursor(room: string): Cursor | undefined {
    return this.#rooms.get(room)?.cursor
  }

  /** Ends for good; what was not acknowledged rejects. */
  close(reason = 'closed by its user'): void {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#timer)
    clearTimeout(this.#renewal)
    this.#next?.close()
    this.#current?.close()
    this.#current = undefined
    for (const room of [...this.#rooms.keys()]) this.#drop(room, new Error(reason))
    this.emit('status', { state: 'closed', reason })
  }

  #drop(room: string, error: Error): void {
    const state = this.#rooms.get(room)
    if (!state) return
    this.#rooms.delete(room)
    this.#older.failed(room, error)
    state.fail(error)
    // It may have been the last room that the next connection had to join.
    if (this.#next) this.#takeOverWhenJoined(this.#next)
  }

  async #token(): Promise<string | undefined> {
    const { token } = this.#options
    return typeof token === 'function' ? token() : token
  }

  async #connect(to?: number): Promise<void> {
    try {
      const token = await this.#token()
      if (this.#closed) return
      const url = new URL(this.#options.url)
      const [room] = this.#rooms.keys()
      if (room !== undefined) url.searchParams.set('room', room)
      if (to !== undefined) url.searchParams.set('to', String(to))
      const { user } = this.#options
      const link = new ServerConnection(
        this.#make,
        url.href,
        token === undefined ? { user } : { token },
        this.#events,
      )
      if (this.#current) this.#next = link
      else this.#current = link
    } catch (error) {
      this.#again((error as Error).message)
    }
  }

  readonly #events: ServerConnectionEvents = {
    onWelcome: (link, welcome) => this.#welcome(link, welcome),
    onMessage: (link, message) => this.#take(link, message),
    onClose: (link, code, reason) => this.#lost(link, code, reason),
  }

  #welcome(link: ServerConnection, { retryMs, user, server, expires }: Welcome): void {
    this.user = user
    this.#backoff.window = retryMs
    this.#backoff.succeeded()
    this.#renewBefore(expires)
    if (link === this.#current) this.emit('status', { state: 'open', server })
    for (const room of this.#rooms.keys()) this.#askToJoin(link, room)
    if (link === this.#next) this.#takeOverWhenJoined(link)
  }

  #renewBefore(expires: number | undefined): void {
    clearTimeout(this.#renewal)
    if (expires === undefined || typeof this.#options.token !== 'function') return
    const left = expires - Date.now()
    const wait = Math.max(0, Math.min(left - Math.min(30_000, left / 2), 2 ** 31 - 1))
    this.#renewal = setTimeout(async () => {
      const token = await this.#token().catch(() => undefined)
      if (token !== undefined) this.#current?.send({ type: 'auth', token })
    }, wait)
  }

  #askToJoin(link: ServerConnection, room: string): void {
    link.send(this.#rooms.get(room)!.request(room))
  }

  #take(link: ServerConnection, message: ServerMessage): void {
    if (message.type === 'move') {
      this.#moveAfter(link, message.afterMs, message.to)
      return
    }
    if (message.type === 'authenticated') {
      this.#renewBefore(message.expires)
      return
    }
    const room = 'room' in message && message.room !== undefined ? this.#rooms.get(message.room) : undefined
    if (!room) {
      if (message.type === 'error') this.emit('error', message)
      return
    }
    switch (message.type) {
      case 'message':
        this.#takeMessage(link, room, message)
        return
      case 'joined':
        this.#joined(link, room, message)
        return
      case 'ack':
        room.outgoing.acked(message.id, message.seq, message.durability)
        return
      case 'refused': {
        // A connection that is about to be left may refuse what the other one takes.
        const elsewhere = link !== this.#current || message.code === 'not-joined'
        const error = Object.assign(new Error(message.message), { code: message.code })
        if (!elsewhere) room.outgoing.refused(message.id, error, message.retryMs)
        return
      }
      case 'gap':
        this.#gap(room, message)
        return
      case 'history':
        this.#older.answered(message)
        return
      case 'presence':
        if (link === this.#current) this.emit('presence', message)
        return
      case 'typing':
        if (link === this.#current) this.emit('typing', message)
        return
      case 'error':
        this.#roomError(link, message)
    }
  }

  #takeMessage(link: ServerConnection, state: ClientRoom, message: RoomMessage): void {
    const { room } = message
    const repair = (afterMs: number) => {
      setTimeout(() => this.#rooms.get(room) === state && this.#askToJoin(link, room), afterMs)
    }
    if (state.take(link, message, repair)) this.emit('message', message)
  }

  #gap(state: ClientRoom, { room, from, to }: { room: string; from: number; to: number }): void {
    const first = state.skip(from, to)
    if (first !== undefined) this.emit('gap', { room, from: first, to })
  }

  #joined(link: ServerConnection, state: ClientRoom, message: ServerMessage & { type: 'joined' }): void {
    const { room, cursor, members, users } = message
    link.joined.add(room)
    const joined = { room, members, ...(users && { users }) }
    this.emit('resumed', { ...joined, cursor: state.joined(link, cursor) })
    state.tellJoined(joined)
    if (link === this.#current) state.outgoing.open()
    else if (link === this.#next) this.#takeOverWhenJoined(link)
  }

  #takeOverWhenJoined(next: ServerConnection): void {
    if (next.server !== undefined && [...this.#rooms.keys()].every((room) => next.joined.has(room)))
      this.#takeOver(next)
  }

  #roomError(
    link: ServerConnection,
    { code, message, room, retryMs }: ServerMessage & { type: 'error' },
  ): void {
    const state = this.#rooms.get(room!)!
    this.#older.failed(room!, new Error(message))
    if (retryMs !== undefined) {
      const again = () => {
        if (this.#rooms.get(room!) === state && (link === this.#current || link === this.#next)) {
          this.#askToJoin(link, room!)
        }
      }
      setTimeout(again, retryMs)
    } else if (code === 'forbidden' || code === 'too-many-rooms') {
      this.#drop(room!, Object.assign(new Error(message), { code }))
      this.emit('error', { code, message, room })
    } else {
      this.emit('error', { code, message, room })
    }
  }

  #moveAfter(link: ServerConnection, afterMs: number, to: number | undefined): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      if (link === this.#current && !this.#next && !this.#closed) void this.#connect(to)
    }, afterMs)
  }

  /** The new connection has joined everything: it is the one now, and the old one ends. */
  #takeOver(link: ServerConnection): void {
    const old = this.#current
    this.#current = link
    this.#next = undefined
    old?.close(1000, 'moved')
    for (const { outgoing } of this.#rooms.values()) outgoing.open()
    this.emit('status', { state: 'moved', server: link.server })
  }

  #lost(link: ServerConnection, code: number, reason: string): void {
    for (const room of this.#rooms.values()) room.lost(link)
    this.#older.failed(link, new Error(reason || 'the connection was lost'))
    if (link === this.#next) {
      this.#next = undefined
      this.#backoff.failed()
      if (this.#current) this.#moveAfter(this.#current, this.#backoff.wait(), undefined)
      return
    }
    if (link !== this.#current || this.#closed) return
    for (const { outgoing } of this.#rooms.values()) outgoing.pause()
    this.#current = this.#next
    this.#next = undefined
    if (this.#current) {
      // The one that was to take over has not joined everything yet; it goes on as the only one.
      for (const [room, { outgoing }] of this.#rooms) if (this.#current.joined.has(room)) outgoing.open()
      if (this.#current.server !== undefined)
        this.emit('status', { state: 'open', server: this.#current.server })
    } else if (mayReconnect(code)) {
      this.#again(reason)
    } else {
      this.close(reason || `refused with code ${code}`)
    }
  }

  #again(reason: string): void {
    if (this.#closed) return
    this.#backoff.failed()
    this.emit('status', { state: 'waiting', reason })
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#connect(), this.#backoff.wait())
  }
}
