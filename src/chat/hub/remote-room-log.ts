import type { Duplex } from 'node:stream'
import type { Durability, RoomMessage } from '../../protocol/messages.ts'
import type { ChatLink, RoomEvent } from '../link.ts'
import {
  type Append,
  type Appended,
  LogOverloaded,
  type LogPage,
  LogUnavailable,
  type RoomListener,
  type RoomRange,
} from '../log/room-log.ts'
import type { FromHub, Roster, ToHub } from './hub-protocol.ts'
import { LineStream } from './line-stream.ts'

interface Waiting {
  resolve(value: never): void
  reject(error: Error): void
}

const BRACE = 123 // {
const MESSAGE = Buffer.from('{"type":"message"')

/** A chat server's end of the line to the hub: the room log from afar, presence and typing. */
export class RemoteRoomLog implements ChatLink {
  readonly epoch: string
  readonly durability: Durability
  readonly #lines: LineStream
  readonly #waiting: Map<number, Waiting>
  readonly #listeners = new Map<string, RoomListener>()
  readonly #onNews: RoomEvent
  #request = 0

  private constructor(lines: LineStream, waiting: Map<number, Waiting>, hello: FromHub, onNews: RoomEvent) {
    this.#lines = lines
    this.#waiting = waiting
    ;[, this.epoch, this.durability] = hello as ['hello', string, Durability]
    this.#onNews = onNews
  }

  /**
   * @param onNews takes presence and typing of subscribed rooms
   * @param onClose once, when the hub is gone; everything under way is refused
   */
  static connect(stream: Duplex, onNews: RoomEvent, onClose: () => void): Promise<RemoteRoomLog> {
    return new Promise((resolve, reject) => {
      let link: RemoteRoomLog | undefined
      const waiting = new Map<number, Waiting>()
      const lines = new LineStream(
        stream,
        (line) => {
          if (link) {
            link.#take(line)
          } else {
            link = new RemoteRoomLog(lines, waiting, JSON.parse(line.toString()), onNews)
            resolve(link)
          }
        },
        () => {
          const gone = new LogUnavailable('the hub is gone')
          for (const { reject: refuse } of waiting.values()) refuse(gone)
          waiting.clear()
          if (link) onClose()
          else reject(gone)
        },
      )
    })
  }

  #ask<T>(line: (request: number) => ToHub): Promise<T> {
    const request = ++this.#request
    return new Promise<T>((resolve, reject) => {
      this.#waiting.set(request, { resolve, reject })
      this.#say(line(request))
    })
  }

  #say(line: ToHub): void {
    this.#lines.write(JSON.stringify(line))
  }

  #take(line: Buffer): void {
    if (line[0] === BRACE) {
      this.#hear(line)
      return
    }
    const answer = JSON.parse(line.toString()) as FromHub
    if (answer[0] === 'hello') return
    const waiting = this.#waiting.get(answer[1])
    if (!waiting) return
    this.#waiting.delete(answer[1])
    switch (answer[0]) {
      case 'appended':
        waiting.resolve({ seq: answer[2], duplicate: answer[3] } as never)
        return
      case 'refused':
        waiting.reject(
          typeof answer[3] === 'number'
            ? new LogOverloaded(answer[2], answer[3])
            : new LogUnavailable(answer[2]),
        )
        return
      case 'page': {
        const entries = answer[4].map(([seq, prevSeq, payload]) => ({
          seq,
          prevSeq,
          payload: Buffer.from(payload),
        }))
        waiting.resolve({ first: answer[2], head: answer[3], entries } as never)
        return
      }
      case 'subscribed':
        waiting.resolve({ first: answer[2], head: answer[3], roster: answer[4] } as never)
    }
  }

  #hear(line: Buffer): void {
    const { type, room, seq, prevSeq } = JSON.parse(line.toString()) as RoomMessage
    if (line.subarray(0, MESSAGE.length).equals(MESSAGE)) {
      this.#listeners.get(room)?.(room, { seq, prevSeq, payload: line })
    } else {
      this.#onNews(room, type as string as 'presence' | 'typing', line)
    }
  }

  append(message: Append): Promise<Appended> {
    return this.#ask((request) => ['append', request, message])
  }

  read(room: string, after: number, limit: number): Promise<LogPage> {
    return this.#ask((request) => ['read', request, room, after, limit])
  }

  readBefore(room: string, before: number, limit: number): Promise<LogPage> {
    return this.#ask((request) => ['readBefore', request, room, before, limit])
  }

  subscribe(room: string, listener: RoomListener): Promise<RoomRange & { roster: Roster }> {
    this.#listeners.set(room, listener)
    return this.#ask((request) => ['subscribe', request, room])
  }

  unsubscribe(room: string): void {
    this.#listeners.delete(room)
    this.#say(['unsubscribe', room])
  }

  /** The first connection of `user` in `room` on this server came, or the last one went. */
  present(room: string, user: string, here: boolean): void {
    this.#say([here ? 'here' : 'gone', room, user])
  }

  typing(room: string, user: string): void {
    this.#say(['typing', room, user])
  }

  /** Appends that the hub has not answered yet. */
  get pending(): number {
    return this.#waiting.size
  }

  async close(): Promise<void> {
    this.#lines.close()
  }
}
