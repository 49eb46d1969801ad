import type { Logger } from '../../base/logger.ts'
import type { RoomLog } from '../log/room-log.ts'
import { OutboxLog } from './outbox.ts'
import { Webhook, wantsEvent } from './webhook.ts'
import type { WebhookOptions } from './webhook-options.ts'

/** The receivers of webhooks, and the log that notes what they are to get. */
export class Webhooks {
  /** To be used in place of the room log. */
  readonly log: OutboxLog
  readonly #hooks: readonly Webhook[]

  constructor(log: RoomLog, options: readonly WebhookOptions[], logger: Logger) {
    this.log = new OutboxLog(log, (type, room) => options.some((each) => wantsEvent(each, type, room)))
    this.#hooks = options.map((each) => new Webhook(log, each, logger))
    this.log.onNoted = () => {
      for (const hook of this.#hooks) hook.notify()
    }
  }

  async start(): Promise<void> {
    await Promise.all(this.#hooks.map((hook) => hook.start()))
  }

  async close(): Promise<void> {
    await Promise.all(this.#hooks.map((hook) => hook.close()))
  }
}
