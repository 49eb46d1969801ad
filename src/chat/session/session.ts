import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import {
  CLOSE,
  type ClientMessage,
  parseClientMessage,
  type RefusalCode,
  type ServerMessage,
} from '../../protocol/messages.ts'
import type { Identity } from '../auth/identity.ts'
import { LogOverloaded } from '../log/room-log.ts'
import type { Member, Room } from '../rooms/room.ts'
import { catchUp, jsonFrame } from './catch-up.ts'
import { Outbox } from './outbox.ts'
import type { ServerContext } from './server-context.ts'

/** Seconds that a connection may stay without saying who it is. */
const HELLO_SECONDS = 10
/** Appends that may be under way for one connection. */
const MAX_IN_FLIGHT = 256
/** Refusals for talking too fast, one after another, that end a connection. */
const MAX_REFUSALS = 100
const HISTORY_PAGE = 200

interface LocalMember extends Member {
  timer: NodeJS.Timeout | undefined
}

/** One user's WebSocket: *new* until `hello`, then *open*, then *closed*. */
export class Session {
  state: { kind: 'new' } | { kind: 'open'; identity: Identity } | { kind: 'closed' } = { kind: 'new' }
  /** Whether anything came since the server last looked. */
  alive = true
  readonly outbox: Outbox
  readonly #context: ServerContext
  readonly #socket: WebSocket
  readonly #members = new Map<string, LocalMember>()
  readonly #typed = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined
  #inFlight = 0
  #refusals = 0
  /** What came while a hello, a token or a join was looked at; taken in order after it. */
  readonly #inbox: ClientMessage[] = []
  #busy = false

  constructor(context: ServerContext, socket: WebSocket, stream: Duplex) {
    this.#context = context
    this.#socket = socket
    this.outbox = new Outbox(stream, context.turn, context.limits.outboxBytes)
    this.#timer = setTimeout(() => this.close(CLOSE.unauthorized, 'no hello'), HELLO_SECONDS * 1000)
    socket.on('message', (data: Buffer, isBinary: boolean) => this.#onData(data, isBinary))
    socket.on('pong', () => {
      this.alive = true
    })
    socket.on('error', () => {}) // 'close' follows
    socket.once('close', () => this.#onClose())
  }

  get user(): string | undefined {
    return this.state.kind === 'open' ? this.state.identity.user : undefined
  }

  send(message: ServerMessage): void {
    this.outbox.push(jsonFrame(message))
  }

  close(code: number, reason: string): void {
    if (this.state.kind === 'closed') return
    this.outbox.flush()
    this.#socket.close(code, reason)
    // A peer that does not answer keeps nothing here.
    setTimeout(() => this.#socket.terminate(), 2000).unref()
  }

  /** Ends a connection that gave no sign of life; asks one that did for another. */
  checkAlive(): void {
    if (!this.alive) {
      this.#socket.terminate()
      return
    }
    this.alive = false
    this.#socket.ping()
  }

  #onData(data: Buffer, isBinary: boolean): void {
    this.alive = true
    const message = isBinary ? 'text frames only' : parseClientMessage(data.toString())
    if (typeof message === 'string') {
      this.send({ type: 'error', code: 'bad-message', message })
      if (this.state.kind === 'new') this.close(CLOSE.badMessage, 'not a hello')
    } else if (this.#inbox.length >= MAX_IN_FLIGHT) {
      this.close(CLOSE.rateLimited, 'too many messages')
    } else {
      this.#inbox.push(message)
      if (!this.#busy) void this.#takeAll()
    }
  }

  async #takeAll(): Promise<void> {
    this.#busy = true
    for (let next = this.#inbox.shift(); next; next = this.#inbox.shift()) {
      const step = this.#take(next)
      if (step !== undefined) await step
    }
    this.#busy = false
  }

  /** Gives what the next message has to wait for. */
  #take(message: ClientMessage): Promise<void> | undefined {
    if (this.state.kind === 'closed') return
    if (message.type === 'hello' || message.type === 'auth') return this.#identify(message)
    if (this.state.kind === 'new') {
      this.close(CLOSE.unauthorized, 'hello comes first')
      return
    }
    const { identity } = this.state
    switch (message.type) {
      case 'join':
        return this.#join(identity, message)
      case 'leave':
        this.#leave(message.room)
        this.send({ type: 'left', room: message.room })
        return
      case 'send':
        void this.#send(identity, message)
        return
      case 'typing':
        this.#typing(identity, message.room)
        return
      case 'history':
        void this.#history(message)
    }
  }

  async #identify(message: ClientMessage & { type: 'hello' | 'auth' }): Promise<void> {
    const again = message.type === 'auth'
    const name = again ? undefined : message.user
    const identity = await this.#context.auth.identify(message.token, name)
    if (this.state.kind === 'closed') return
    if ('denied' in identity) {
      this.close(identity.retry ? CLOSE.tryLater : CLOSE.unauthorized, identity.denied)
      return
    }
    const expired = identity.expires !== undefined && identity.expires <= Date.now()
    if (expired || (this.user !== undefined && this.user !== identity.user)) {
      this.close(CLOSE.unauthorized, expired ? 'the token has expired' : 'another user')
      return
    }
    this.#watchExpiry(identity)
    const wasNew = this.state.kind === 'new'
    this.state = { kind: 'open', identity }
    const { user, expires } = identity
    if (!wasNew) {
      this.send({ type: 'authenticated', expires })
      for (const room of [...this.#members.keys()])
        if (!identity.mayJoin(room)) this.#leave(room, 'forbidden')
      return
    }
    const { durability, server, limits } = this.#context
    const retryMs = this.#context.retryMs()
    this.send({
      type: 'welcome',
      version: 1,
      user,
      server,
      durability,
      retryMs,
      maxBodyBytes: limits.maxBodyBytes,
      expires,
    })
  }

  #watchExpiry({ expires }: Identity): void {
    clearTimeout(this.#timer)
    if (expires === undefined) return
    // A timer holds at most 2³¹ milliseconds.
    const wait = Math.min(expires - Date.now(), 2 ** 31 - 1)
    this.#timer = setTimeout(() => this.close(CLOSE.expired, 'the token has expired'), wait)
  }

  #refuse(message: ClientMessage & { type: 'send' }, code: RefusalCode, why: string, retryMs?: number): void {
    this.send({ type: 'refused', room: message.room, id: message.id, code, message: why, retryMs })
  }

  #error(code: RefusalCode, message: string, room?: string, retryMs?: number): void {
    this.send({ type: 'error', code, message, room, retryMs })
  }

  async #join(identity: Identity, message: ClientMessage & { type: 'join' }): Promise<void> {
    const { room: name, cursor, history = 0 } = message
    if (!identity.mayJoin(name)) {
      this.#error('forbidden', 'you may not join this room', name)
      return
    }
    if (!this.#members.has(name) && this.#members.size >= this.#context.limits.maxRooms) {
      this.#error('too-many-rooms', `at most ${this.#context.limits.maxRooms} rooms`, name)
      return
    }
    let room: Room
    try {
      room = await this.#context.enter(name)
    } catch {
      this.#error('log-unavailable', 'the room log cannot be reached', name, 1000)
      return
    }
    if (this.state.kind === 'closed') {
      this.#context.left(room)
      return
    }
    const { epoch } = this.#context
    // A cursor may be a little ahead of what this server was told so far.
    const known = cursor?.epoch === epoch
    if (known) this.#context.count('resumed')
    const seq = known ? cursor.seq : Math.max(room.first - 1, room.head - history)
    const { members, users } = room.roster
    this.send({
      type: 'joined',
      room: name,
      cursor: { epoch, seq },
      head: room.head,
      members,
      users: users && [...users],
    })
    let member = this.#members.get(name)
    if (member) {
      this.#context.left(room) // it had entered already
      member.seq = seq
    } else {
      member = {
        outbox: this.outbox,
        room,
        seq,
        live: false,
        attempt: 0,
        timer: undefined,
        fellBehind: (which) => void this.#fellBehind(which as LocalMember),
      }
      this.#members.set(name, member)
      room.members.add(member)
      this.#context.present(name, identity.user, true)
    }
    this.#catchUp(member)
  }

  #catchUp(member: LocalMember): void {
    catchUp(member, this.#context.log, () => !this.#isMember(member)).catch(() => {
      if (!this.#isMember(member)) return
      // The log cannot be read now; it may be again.
      member.timer = setTimeout(() => this.#catchUp(member), 1000)
    })
  }

  #isMember(member: LocalMember): boolean {
    return this.#members.get(member.room.name) === member
  }

  async #fellBehind(member: LocalMember): Promise<void> {
    const tooSlow = setTimeout(() => {
      this.#socket.terminate()
      this.#context.count('slowClosed')
    }, this.#context.limits.slowSeconds * 1000)
    this.#context.count('behind')
    await this.outbox.drained()
    clearTimeout(tooSlow)
    if (!this.#isMember(member)) return
    const { name, head } = member.room
    this.send({ type: 'behind', room: name, from: member.seq + 1, to: head })
    this.#catchUp(member)
  }

  #leave(name: string, why?: RefusalCode): void {
    const member = this.#members.get(name)
    if (!member) return
    this.#members.delete(name)
    clearTimeout(member.timer)
    member.live = false
    member.room.members.delete(member)
    if (this.state.kind === 'open') this.#context.present(name, this.state.identity.user, false)
    this.#context.left(member.room)
    if (why) this.#error(why, 'you may not be in this room any more', name)
  }

  async #send(identity: Identity, message: ClientMessage & { type: 'send' }): Promise<void> {
    const context = this.#context
    const { room, id, body } = message
    const { user } = identity
    if (!this.#members.has(room)) return this.#refuse(message, 'not-joined', 'join the room first')
    if (!identity.maySend(room)) return this.#refuse(message, 'forbidden', 'you may not send to this room')
    if (Buffer.byteLength(body) > context.limits.maxBodyBytes) {
      return this.#refuse(message, 'too-large', `at most ${context.limits.maxBodyBytes} bytes`)
    }
    const wait = context.rates.take(user)
    if (wait > 0) {
      if (++this.#refusals > MAX_REFUSALS) this.close(CLOSE.rateLimited, 'too many messages')
      return this.#refuse(message, 'rate-limited', 'too many messages', Math.ceil(wait * 1000))
    }
    this.#refusals = 0
    const began = performance.now()
    const work = context.slots ? context.slots.work() : Promise.resolve()
    if (this.#inFlight >= MAX_IN_FLIGHT || !work) {
      context.count('refused')
      return this.#refuse(message, 'overloaded', 'too much is under way', 1000)
    }
    this.#inFlight++
    try {
      await work
      const { seq } = await context.append({ room, user, id, body })
      this.send({ type: 'ack', room, id, seq, durability: context.durability })
      context.acked((performance.now() - began) / 1000)
    } catch (error) {
      context.count('refused')
      const { message: why } = error as Error
      if (error instanceof LogOverloaded) this.#refuse(message, 'overloaded', why, error.retryMs)
      else this.#refuse(message, 'log-unavailable', why, 1000)
    } finally {
      this.#inFlight--
    }
  }

  #typing({ user, maySend }: Identity, room: string): void {
    const now = performance.now()
    if (!this.#members.has(room) || !maySend(room) || now - (this.#typed.get(room) ?? -Infinity) < 1000)
      return
    this.#typed.set(room, now)
    this.#context.typing(room, user)
  }

  async #history({ room, before, limit }: ClientMessage & { type: 'history' }): Promise<void> {
    if (!this.#members.has(room)) return this.#error('not-joined', 'join the room first', room)
    if (this.outbox.full || this.#inFlight >= MAX_IN_FLIGHT) {
      return this.#error('overloaded', 'too much is under way', room, 1000)
    }
    this.#inFlight++
    try {
      const count = Math.min(limit, HISTORY_PAGE)
      const page = await this.#context.log.readBefore(room, before, count)
      const messages = page.entries.map(({ payload }) => JSON.parse(payload.toString()))
      this.send({ type: 'history', room, messages, first: page.first })
    } catch {
      this.#error('log-unavailable', 'the room log cannot be read', room, 1000)
    } finally {
      this.#inFlight--
    }
  }

  #onClose(): void {
    clearTimeout(this.#timer)
    for (const room of [...this.#members.keys()]) this.#leave(room)
    this.state = { kind: 'closed' }
    this.#context.closed(this)
  }
}
