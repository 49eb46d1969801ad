import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { rootMessage } from '../../base/errors.ts'
import type { Logger } from '../../base/logger.ts'
import { timeoutSignal } from '../../base/timeout-signal.ts'
import type { RoomMessage } from '../../protocol/messages.ts'
import type { Tracer } from '../../telemetry/tracer.ts'
import { matches } from '../auth/identity.ts'
import type { LogEntry, RoomLog } from '../log/room-log.ts'
import { OUTBOX_ROOM, type RoomHappening } from './outbox.ts'
import { post } from './post.ts'
import type { WebhookOptions } from './webhook-options.ts'

/** Events of one request at most. */
const BATCH = 100
const TIMEOUT_MS = 10_000
const FIRST_WAIT_MS = 250
const MAX_WAIT_MS = 30_000

export const wantsEvent = ({ events, rooms }: WebhookOptions, type: RoomHappening['type'], room: string) =>
  (!events || events.includes(type)) && (!rooms || matches(rooms, room))

/**
 * Delivers what was noted for webhooks to one receiver: in order, in batches, again until it answers with success. Where it is
 * is kept in the room log, so that a restart repeats at most the last batch.
 */
export class Webhook {
  readonly #log: RoomLog
  readonly #options: WebhookOptions
  readonly #logger: Logger
  readonly #tracer: Tracer | undefined
  readonly #place: string
  readonly #closing = new AbortController()
  #at = 0
  #wake: () => void = () => {}
  #notified = false
  #running: Promise<void> | undefined

  constructor(log: RoomLog, options: WebhookOptions, logger: Logger, tracer?: Tracer) {
    this.#log = log
    this.#options = options
    this.#logger = logger
    this.#tracer = tracer
    const name = createHash('sha256').update(options.url).digest('hex').slice(0, 16)
    this.#place = `${OUTBOX_ROOM}/${name}`
  }

  /** Begins where it ended, or, for a receiver that is new, with what happens from now on. */
  async start(): Promise<void> {
    if (this.#running !== undefined) return
    const { entries } = await this.#log.readBefore(this.#place, Number.MAX_SAFE_INTEGER, 1)
    const [last] = entries
    if (last) {
      this.#at = Number((JSON.parse(last.payload.toString()) as RoomMessage).body)
    } else {
      const { head } = await this.#log.readBefore(OUTBOX_ROOM, Number.MAX_SAFE_INTEGER, 0)
      this.#at = head
      await this.#keepPlace()
    }
    this.#running = this.#run()
  }

  /** There is something new. */
  notify(): void {
    this.#notified = true
    this.#wake()
  }

  async close(): Promise<void> {
    this.#closing.abort()
    this.#wake()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing
    for (let failures = 0; !signal.aborted; ) {
      try {
        this.#notified = false
        const delivered = await this.#next()
        failures = 0
        if (!delivered && !this.#notified && !signal.aborted) {
          await new Promise<void>((resolve) => {
            this.#wake = resolve
          })
        }
      } catch (error) {
        if (signal.aborted) return
        const wait = Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** failures++)
        const { url } = this.#options
        if (failures === 3)
          this.#logger.warn(`Webhook ${url}: ${rootMessage(error)}; retrying until it succeeds`, { url })
        await sleep(wait * (0.75 + Math.random() / 2), undefined, { signal }).catch(() => {})
      }
    }
  }

  /** Delivers a batch. Returns whether there was anything. */
  async #next(): Promise<boolean> {
    const { entries } = await this.#log.read(OUTBOX_ROOM, this.#at, BATCH)
    const [oldest] = entries
    if (!oldest) return false
    const { url } = this.#options
    if (this.#at > 0 && oldest.prevSeq > this.#at)
      this.#logger.error(`Webhook ${url}: the room log was trimmed before all was delivered`, { url })
    const events = entries.map((entry) => this.#event(entry)).filter((event) => this.#wants(event))
    if (events.length > 0) await this.#post(events)
    this.#at = entries.at(-1)!.seq
    await this.#keepPlace()
    return true
  }

  async #post(events: readonly object[]): Promise<void> {
    const { url, secret } = this.#options
    const timeout = AbortSignal.any([this.#closing.signal, timeoutSignal(TIMEOUT_MS)])
    const span = this.#tracer?.begin()
    const began = performance.now()
    const attributes = { 'url.full': new URL(url).origin, 'concertina.events': events.length }
    const end = (error?: string) => {
      span?.end('webhook', { kind: 'client', began, attributes, error })
    }
    try {
      const response = await post(url, secret, JSON.stringify({ events }), timeout, span)
      await response.body?.cancel()
      end()
    } catch (error) {
      end(rootMessage(error))
      throw error
    }
  }

  #event({ seq, payload }: LogEntry): RoomHappening & { eventId: string } {
    const { body } = JSON.parse(payload.toString()) as RoomMessage
    return { eventId: `${this.#log.epoch}-${seq}`, ...(JSON.parse(body) as RoomHappening) }
  }

  #wants({ type, room }: RoomHappening): boolean {
    return wantsEvent(this.#options, type, room)
  }

  async #keepPlace(): Promise<void> {
    const at = String(this.#at)
    await this.#log.append({ room: this.#place, user: OUTBOX_ROOM, id: at, body: at })
  }
}
