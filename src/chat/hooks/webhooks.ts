import type { Logger } from '../../base/logger.ts'
import type { Tracer } from '../../telemetry/tracer.ts'
import type { RoomLog } from '../log/room-log.ts'
import { OUTBOX_ROOM, OutboxLog } from './outbox.ts'
import { Webhook, wantsEvent } from './webhook.ts'
import type { WebhookOptions } from './webhook-options.ts'

/** The log that notes what webhooks are to get; to be used in place of the room log. */
export function outboxOf(log: RoomLog, options: readonly WebhookOptions[]): OutboxLog {
  return new OutboxLog(log, (type, room) => options.some((each) => wantsEvent(each, type, room)))
}

/** The receivers of webhooks, and the log that notes what they are to get. */
export class Webhooks {
  /** To be used in place of the room log. */
  readonly log: OutboxLog
  readonly #hooks: readonly Webhook[]
  readonly #inner: RoomLog
  #follows = false

  constructor(log: RoomLog, options: readonly WebhookOptions[], logger: Logger, tracer?: Tracer) {
    this.#inner = log
    this.log = outboxOf(log, options)
    this.#hooks = options.map((each) => new Webhook(log, each, logger, tracer))
    this.log.noted.subscribe(() => this.#notify())
  }

  #notify(): void {
    for (const hook of this.#hooks) hook.notify()
  }

  /** @param follow whether other processes note events, too: they are found in the log then */
  async start({ follow = false } = {}): Promise<void> {
    await Promise.all(this.#hooks.map((hook) => hook.start()))
    if (!follow) return
    this.#follows = true
    await this.#inner.subscribe(OUTBOX_ROOM, () => this.#notify())
    this.#notify()
  }

  async close(): Promise<void> {
    if (this.#follows) this.#inner.unsubscribe(OUTBOX_ROOM)
    await Promise.all(this.#hooks.map((hook) => hook.close()))
  }
}
