import { randomUUID } from 'node:crypto'
import { Signal } from '../../base/signal.ts'
import type { MessageData } from '../../protocol/messages.ts'
import { SYSTEM_PREFIX } from '../access/moderation-log.ts'
import { ForwardingLog } from '../log/forwarding-log.ts'
import type { Append, Appended, RoomLog } from '../log/room-log.ts'
import type { WebhookEventType } from './webhook-options.ts'

/** The log of what webhooks deliver. */
export const OUTBOX_ROOM = `${SYSTEM_PREFIX}webhooks`

const PRESENCE = ['join', 'leave', 'room-empty'] as const

/** Something that happened in a room. */
export interface RoomHappening {
  readonly type: WebhookEventType
  readonly room: string
  /** Milliseconds since 1970. */
  readonly time: number
  readonly user?: string
  readonly seq?: number
  readonly id?: string
  readonly body?: string
  readonly data?: MessageData | undefined
  readonly edits?: number | undefined
  readonly deletes?: number | undefined
}

/**
 * A room log that notes each message of the rooms that webhooks want in a log of its own, before the message is acknowledged:
 * so what was acknowledged to a user is delivered, whatever stops meanwhile.
 */
export class OutboxLog extends ForwardingLog {
  readonly #wants: (type: RoomHappening['type'], room: string) => boolean
  /** Emits after something was noted. */
  readonly noted = new Signal<void>()

  constructor(log: RoomLog, wants: (type: RoomHappening['type'], room: string) => boolean) {
    super(log)
    this.#wants = wants
  }

  override async append(message: Append): Promise<Appended> {
    const appended = await this.log.append(message)
    const { room, user, id, body, extras } = message
    if (room.startsWith(SYSTEM_PREFIX) || !this.#wants('message', room)) return appended
    const { seq } = appended
    // The same message again is noted under the same id, so once.
    await this.#note({ type: 'message', room, seq, user, id, body, ...extras, time: Date.now() }, String(seq))
    return appended
  }

  /** Whether it is noted that users come to a room or leave it, or that it is empty. */
  wantsPresence(room: string): boolean {
    return PRESENCE.some((type) => this.#wants(type, room))
  }

  /** Notes who came and went. Resolves when that is done; rejects as `append` does. */
  async presence(room: string, joined: readonly string[], left: readonly string[], isEmpty: boolean) {
    const time = Date.now()
    const happenings: RoomHappening[] = [
      ...joined.map((user) => ({ type: 'join', room, user, time }) as const),
      ...left.map((user) => ({ type: 'leave', room, user, time }) as const),
      ...(isEmpty ? [{ type: 'room-empty', room, time } as const] : []),
    ]
    const subscribed = happenings.filter(({ type }) => this.#wants(type, room))
    await Promise.all(subscribed.map((happening) => this.#note(happening, randomUUID())))
  }

  async #note(happening: RoomHappening, id: string): Promise<void> {
    await this.log.append({ room: OUTBOX_ROOM, user: happening.room, id, body: JSON.stringify(happening) })
    this.noted.emit()
  }
}
