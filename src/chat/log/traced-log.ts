import type { Tracer } from '../../telemetry/tracer.ts'
import { SYSTEM_PREFIX } from '../access/moderation-log.ts'
import { ForwardingLog } from './forwarding-log.ts'
import type { Append, Appended, RoomLog } from './room-log.ts'

/** A room log that traces how long each message takes to be kept. */
class TracedLog extends ForwardingLog {
  readonly #tracer: Tracer

  constructor(log: RoomLog, tracer: Tracer) {
    super(log)
    this.#tracer = tracer
  }

  override async append(message: Append): Promise<Appended> {
    const { room } = message
    if (room.startsWith(SYSTEM_PREFIX)) return this.log.append(message)
    const began = performance.now()
    const end = (attributes: object, error?: string) =>
      this.#tracer.endPart(message, 'append', {
        began,
        attributes: { 'concertina.durability': this.durability, ...attributes },
        error,
      })
    try {
      const appended = await this.log.append(message)
      end({ 'concertina.seq': appended.seq, 'concertina.duplicate': appended.duplicate })
      return appended
    } catch (error) {
      end({}, (error as Error).message)
      throw error
    }
  }
}

/** The same log, traced where there is a tracer. */
export const traced = (log: RoomLog, tracer: Tracer | undefined): RoomLog =>
  tracer ? new TracedLog(log, tracer) : log
