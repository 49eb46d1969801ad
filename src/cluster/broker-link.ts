import { TalkerMeter } from '../chat/api/talkers.ts'
import type { Roster } from '../chat/hub/hub-protocol.ts'
import type { ChatLink, RoomEvent } from '../chat/link.ts'
import { roomToken } from '../chat/log/nats/record.ts'
import type { Append, Appended, LogPage, RoomListener, RoomLog, RoomRange } from '../chat/log/room-log.ts'
import type { Durability } from '../protocol/messages.ts'
import type { Bus } from './broker.ts'
import { ClusterPresence } from './presence.ts'

/** What a chat server shares with others through a broker: the room log, presence and typing over the bus. */
export class BrokerLink implements ChatLink {
  readonly epoch: string
  readonly durability: Durability
  pending = 0
  readonly #log: RoomLog
  readonly #bus: Bus
  readonly #presence: ClusterPresence
  readonly #onEvent: RoomEvent
  readonly #talkers = new TalkerMeter()
  readonly #typing = new Map<string, () => void>()

  constructor(log: RoomLog, bus: Bus, server: { name: string; number: number }, onEvent: RoomEvent) {
    this.epoch = log.epoch
    this.durability = log.durability
    this.#log = log
    this.#bus = bus
    this.#onEvent = onEvent
    const send = (room: string, line: string) => onEvent(room, 'presence', Buffer.from(line))
    this.#presence = new ClusterPresence(bus, server, send, this.#talkers)
  }

  async append(message: Append): Promise<Appended> {
    this.pending++
    try {
      const appended = await this.#log.append(message)
      if (!appended.duplicate) this.#talkers.count(message.user, message.room)
      return appended
    } finally {
      this.pending--
    }
  }

  read(room: string, after: number, limit: number): Promise<LogPage> {
    return this.#log.read(room, after, limit)
  }

  readBefore(room: string, before: number, limit: number): Promise<LogPage> {
    return this.#log.readBefore(room, before, limit)
  }

  async subscribe(room: string, listener: RoomListener): Promise<RoomRange & { roster: Roster }> {
    this.#presence.enter(room)
    if (!this.#typing.has(room)) {
      const stop = this.#bus.subscribe(typingTopic(room), (line) =>
        this.#onEvent(room, 'typing', Buffer.from(line)),
      )
      this.#typing.set(room, stop)
    }
    try {
      const range = await this.#log.subscribe(room, listener)
      return { ...range, roster: this.#presence.roster(room) }
    } catch (error) {
      this.#forget(room)
      throw error
    }
  }

  unsubscribe(room: string): void {
    this.#log.unsubscribe(room)
    this.#forget(room)
  }

  #forget(room: string): void {
    this.#presence.leave(room)
    this.#typing.get(room)?.()
    this.#typing.delete(room)
  }

  present(room: string, user: string, here: boolean): void {
    this.#presence.present(room, user, here)
  }

  typing(room: string, user: string): void {
    this.#bus.publish(typingTopic(room), JSON.stringify({ type: 'typing', room, user }))
  }

  /** The log belongs to the broker, which closes it. */
  async close(): Promise<void> {
    this.#presence.close()
    for (const stop of this.#typing.values()) stop()
    this.#typing.clear()
  }
}

const typingTopic = (room: string): string => `typing.${roomToken(room)}`
