import type { RoomMessage } from '../../protocol/messages.ts'
import type { OpenSpan, Tracer } from '../../telemetry/tracer.ts'
import type { LogEntry } from '../log/room-log.ts'

/** Traces messages of a room from when this server got them until they are written to its members. */
export class DeliverySpans {
  readonly #tracer: Tracer
  #received: { readonly whole: OpenSpan; readonly began: number; readonly seq: number }[] = []

  constructor(tracer: Tracer) {
    this.#tracer = tracer
  }

  received({ seq, payload }: LogEntry): void {
    const whole = this.#tracer.ofMessage(JSON.parse(payload.toString()) as RoomMessage)
    if (whole) this.#received.push({ whole, began: performance.now(), seq })
  }

  /** What was received is pushed; sockets are written to before this turn of the event loop ends. */
  pushed(members: number): void {
    const received = this.#received
    if (received.length === 0) return
    this.#received = []
    queueMicrotask(() => {
      for (const { whole, began, seq } of received)
        this.#tracer.child(whole).end('deliver', {
          began,
          attributes: { 'concertina.seq': seq, 'concertina.members': members },
        })
    })
  }
}
