import type { Duplex } from 'node:stream'
import { Requests } from '../../base/requests.ts'
import type { Durability } from '../../protocol/messages.ts'
import { type ChatLink, RateLimited, type RoomEvent } from '../link.ts'
import {
  type Append,
  type Appended,
  LogOverloaded,
  type LogPage,
  LogUnavailable,
  type RoomListener,
  type RoomRange,
} from '../log/room-log.ts'
import { Admission } from './admission.ts'
import { FrameStream } from './frame-stream.ts'
import {
  appendedOf,
  controlOf,
  entryOf,
  FRAME,
  type FromHub,
  pageOf,
  type Roster,
  requestOf,
  roomOf,
  sendAppend,
  sendControl,
  type ToHub,
} from './hub-protocol.ts'
import { ReadQueue } from './read-queue.ts'
import { Subscription } from './subscription.ts'

/** Bytes waiting for the hub beyond which typing is dropped. */
const TYPING_BYTES = 2 ** 20

/** Appends are many, and cost less in a map of their own. */
interface PendingAppend {
  readonly since: number
  readonly bytes: number
  resolve(appended: Appended): void
  reject(error: Error): void
}

type Subscribed = RoomRange & { roster: Roster }

/** A chat server's end of the stream to the hub: the room log from afar, presence and typing. All that waits is bounded. */
export class RemoteRoomLog implements ChatLink {
  epoch = ''
  durability: Durability = 'memory'
  readonly #frames: FrameStream
  readonly #onEvent: RoomEvent
  readonly #appends = new Map<number, PendingAppend>()
  /** No append before this one is in flight: the first of a `Map` is found slowly once many before it were deleted. */
  #oldest = 0
  readonly #reads = new Requests<number, LogPage>()
  readonly #subscribes = new Requests<number, Subscribed>()
  readonly #places = new Requests<number, boolean>()
  readonly #subscriptions = new Map<string, Subscription>()
  /** By the number that the hub gave the room. */
  readonly #byNumber = new Map<number, Subscription>()
  readonly #readQueue = new ReadQueue()
  readonly #admission = new Admission()
  #request = 0
  #isClosed = false

  private constructor(stream: Duplex, onEvent: RoomEvent, onHello: () => void, onClose: () => void) {
    this.#onEvent = onEvent
    this.#frames = new FrameStream(stream, {
      onFrame: (content) => {
        const wasNew = this.epoch === ''
        this.#onFrame(content)
        if (wasNew) onHello()
      },
      onClose: () => {
        this.#isClosed = true
        const gone = new LogUnavailable('the hub is gone')
        for (const { reject } of this.#appends.values()) reject(gone)
        this.#appends.clear()
        for (const requests of [this.#reads, this.#subscribes, this.#places]) requests.rejectAll(gone)
        for (const subscription of this.#subscriptions.values()) subscription.close()
        onClose()
      },
    })
  }

  /**
   * @param onEvent receives presence and typing of subscribed rooms
   * @param onClose once, when the hub is gone; everything in flight is rejected
   */
  static connect(stream: Duplex, onEvent: RoomEvent, onClose: () => void): Promise<RemoteRoomLog> {
    return new Promise((resolve, reject) => {
      const link: RemoteRoomLog = new RemoteRoomLog(
        stream,
        onEvent,
        () => resolve(link),
        () => {
          if (link.epoch !== '') onClose()
          else reject(new LogUnavailable('the hub is gone'))
        },
      )
    })
  }

  #send(content: ToHub): void {
    sendControl(this.#frames, content)
  }

  #nextRequest(): number {
    this.#request = (this.#request + 1) >>> 0
    return this.#request
  }

  #onFrame(content: Buffer): void {
    switch (content[0]) {
      case FRAME.message:
        this.#byNumber.get(roomOf(content))?.push(entryOf(content))
        return
      case FRAME.appended:
        this.#takeAppend(requestOf(content))?.resolve(appendedOf(content))
        return
      case FRAME.page:
        this.#reads.answer(requestOf(content), pageOf(content))
        return
      case FRAME.event: {
        const line = content.subarray(1)
        const { type, room } = JSON.parse(line.toString()) as { type: 'presence' | 'typing'; room: string }
        this.#onEvent(room, type, line)
        return
      }
      case FRAME.control:
        this.#onControl(controlOf(content) as FromHub)
    }
  }

  #onControl(content: FromHub): void {
    switch (content[0]) {
      case 'hello':
        ;[, this.epoch, this.durability] = content
        return
      case 'room':
        this.#setNumber(content[1], content[2])
        return
      case 'subscribed': {
        const [, request, first, head, roster] = content
        this.#subscribes.answer(request, { first, head, roster })
        return
      }
      case 'placed':
        this.#places.answer(content[1], content[2])
        return
      case 'missed':
        this.#byNumber.get(content[1])?.missed(content[2])
        return
      case 'limited':
        this.#takeAppend(content[1])?.reject(new RateLimited(content[2]))
        return
      case 'rejected': {
        const [, request, message, retryMs] = content
        const error =
          typeof retryMs === 'number' ? new LogOverloaded(message, retryMs) : new LogUnavailable(message)
        const append = this.#takeAppend(request)
        if (append) append.reject(error)
        else if (!this.#reads.reject(request, error)) this.#subscribes.reject(request, error)
      }
    }
  }

  #setNumber(number: number, room: string): void {
    const subscription = this.#subscriptions.get(room)
    if (!subscription) return
    if (subscription.number !== undefined) this.#byNumber.delete(subscription.number)
    subscription.number = number
    this.#byNumber.set(number, subscription)
  }

  #takeAppend(request: number): PendingAppend | undefined {
    const append = this.#appends.get(request)
    if (!append) return undefined
    this.#appends.delete(request)
    this.#admission.ended(append.bytes)
    return append
  }

  append(message: Append): Promise<Appended> {
    if (this.#isClosed) return Promise.reject(new LogUnavailable('the hub is gone'))
    const retryMs = this.overload()
    if (retryMs !== undefined)
      return Promise.reject(new LogOverloaded('too many messages are in flight', retryMs))
    const request = this.#nextRequest()
    const bytes = message.body.length
    return new Promise((resolve, reject) => {
      this.#appends.set(request, { since: performance.now(), bytes, resolve, reject })
      this.#admission.began(bytes)
      sendAppend(this.#frames, request, message)
    })
  }

  overload(): number | undefined {
    return this.#admission.retryMs(this.#oldestAppend()?.since)
  }

  #oldestAppend(): PendingAppend | undefined {
    if (this.#appends.size === 0) {
      this.#oldest = this.#request
      return undefined
    }
    for (;;) {
      const append = this.#appends.get(this.#oldest)
      if (append) return append
      this.#oldest = (this.#oldest + 1) >>> 0
    }
  }

  read(room: string, after: number, limit: number): Promise<LogPage> {
    return this.#page('read', room, after, limit)
  }

  readBefore(room: string, before: number, limit: number): Promise<LogPage> {
    return this.#page('readBefore', room, before, limit)
  }

  #page(kind: 'read' | 'readBefore', room: string, place: number, limit: number): Promise<LogPage> {
    return this.#readQueue.run(room, () => {
      if (this.#isClosed) throw new LogUnavailable('the hub is gone')
      const request = this.#nextRequest()
      return this.#reads.ask(request, () => this.#send([kind, request, room, place, limit]))
    })
  }

  async subscribe(room: string, listener: RoomListener): Promise<Subscribed> {
    if (this.#isClosed) throw new LogUnavailable('the hub is gone')
    const subscription = new Subscription(room, listener, (name, after, limit) =>
      this.read(name, after, limit),
    )
    this.#subscriptions.get(room)?.close()
    this.#subscriptions.set(room, subscription)
    const request = this.#nextRequest()
    const subscribed = await this.#subscribes.ask(request, () => this.#send(['subscribe', request, room]))
    subscription.begin(subscribed.head)
    return subscribed
  }

  unsubscribe(room: string): void {
    const subscription = this.#subscriptions.get(room)
    subscription?.close()
    this.#subscriptions.delete(room)
    if (subscription?.number !== undefined) this.#byNumber.delete(subscription.number)
    this.#send(['unsubscribe', room])
  }

  /** The first connection of `user` in `room` on this server came, or the last one left. */
  present(room: string, user: string, here: boolean): void {
    this.#send([here ? 'here' : 'gone', room, user])
  }

  takePlace(room: string, user: string, maxMembers: number): Promise<boolean> {
    if (this.#isClosed) return Promise.reject(new LogUnavailable('the hub is gone'))
    const request = this.#nextRequest()
    return this.#places.ask(request, () => this.#send(['place', request, room, user, maxMembers]))
  }

  typing(room: string, user: string): void {
    if (this.#frames.waiting < TYPING_BYTES) this.#send(['typing', room, user])
  }

  /** Appends that the hub has not answered yet. */
  get pending(): number {
    return this.#appends.size
  }

  async close(): Promise<void> {
    this.#frames.close()
  }
}
