import type { IncomingMessage, ServerResponse } from 'node:http'
import type { ControlTarget } from './control-target.ts'

/** Ten a second. */
const EVERY_MS = 100
/** Bytes that may wait for a page before it is disconnected: it reconnects by itself. */
const MAX_WAITING = 1 << 20
/** While more than this waits for a page it is sent no state: it gets a newer one later. */
const BUSY = 1 << 16
/** Streams at once; and of those, such as no page of this server opened. */
const MAX_STREAMS = 100
const MAX_OTHERS = 25

/**
 * Pages that watch: each is sent the state ten times a second, or as often as it keeps up, and every event once. One text
 * is made for all.
 */
export class SseStreams {
  readonly #target: ControlTarget
  readonly #open = new Set<ServerResponse>()
  /** Those of programs, oldest first: they give way to pages, and to newer ones. */
  readonly #others = new Set<ServerResponse>()
  #timer: NodeJS.Timeout | undefined
  #seen = 0

  constructor(target: ControlTarget) {
    this.#target = target
  }

  open({ headers }: IncomingMessage, response: ServerResponse): void {
    // Browsers say so where the connection is one they trust; the name cannot be set by a page.
    const page = headers['sec-fetch-site'] === 'same-origin' || headers.origin !== undefined
    if (page ? this.#open.size >= MAX_STREAMS : this.#others.size >= MAX_OTHERS) {
      const [oldest] = this.#others
      if (!oldest) {
        response.writeHead(503, { 'retry-after': '5' }).end()
        return
      }
      this.#drop(oldest)
      oldest.destroy()
    }
    if (!page) this.#others.add(response)
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    })
    const past = this.#target.events(0)
    if (this.#open.size === 0) this.#seen = past.at(-1)?.number ?? 0
    response.write(
      past
        .filter(({ number }) => number <= this.#seen)
        .map((event) => text('event', event))
        .join(''),
    )
    this.#open.add(response)
    response.on('close', () => {
      this.#drop(response)
      if (this.#open.size > 0) return
      clearInterval(this.#timer)
      this.#timer = undefined
    })
    this.#timer ??= setInterval(() => this.#send(), EVERY_MS)
  }

  #drop(response: ServerResponse): void {
    this.#open.delete(response)
    this.#others.delete(response)
  }

  close(): void {
    clearInterval(this.#timer)
    for (const response of this.#open) response.end()
  }

  #send(): void {
    const events = this.#target.events(this.#seen)
    this.#seen = events.at(-1)?.number ?? this.#seen
    const newEvents = events.map((event) => text('event', event)).join('')
    const state = text('state', this.#target.snapshot())
    for (const response of this.#open) {
      if (response.writableLength > MAX_WAITING) response.destroy()
      else if (response.writableLength <= BUSY) response.write(newEvents + state)
      else if (newEvents) response.write(newEvents)
    }
  }
}

function text(name: string, data: object): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`
}
