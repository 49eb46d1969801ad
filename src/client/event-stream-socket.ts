import { utf8Bytes } from '../protocol/rules.ts'
import type { WebSocketLike } from './transport.ts'

/** Bytes and frames of one request, unless a single frame is larger. */
const BATCH_BYTES = 8000
const BATCH_FRAMES = 100
/** Milliseconds for an answer; a server that reads slowly answers late. */
const POST_MS = 45_000
/** Attempts at one request whose connection breaks, as kept-alive ones do; the server receives it once. */
const POST_ATTEMPTS = 3

/** Chat where no WebSocket comes through: server-sent events one way, requests the other. It looks like a WebSocket. */
export class EventStreamSocket implements WebSocketLike {
  onopen: WebSocketLike['onopen'] = null
  onmessage: WebSocketLike['onmessage'] = null
  onclose: WebSocketLike['onclose'] = null
  onerror: WebSocketLike['onerror'] = null
  readonly #url: URL
  readonly #ends = new AbortController()
  #id: string | undefined
  readonly #queue: string[] = []
  /** Requests made so far. */
  #posts = 0
  #posting = false
  #closed = false

  /** @param url the address of the chat's WebSocket */
  constructor(url: string) {
    this.#url = new URL(url.replace(/^ws/, 'http'))
    this.#url.pathname += '/sse'
    void this.#read()
  }

  send(data: string): void {
    this.#queue.push(data)
    if (!this.#posting) void this.#post()
  }

  close(code = 1000, reason = ''): void {
    if (this.#closed) return
    if (this.#id !== undefined) {
      // As a page that is left does it; whether it arrives is not known.
      fetch(this.#postUrl('close'), { method: 'POST', keepalive: true }).catch(() => {})
    }
    // A WebSocket's close is never reported within the call.
    queueMicrotask(() => this.#end(code, reason))
    this.#ends.abort()
  }

  async #read(): Promise<void> {
    try {
      const headers = { accept: 'text/event-stream' }
      const response = await fetch(this.#url, { headers, signal: this.#ends.signal })
      const type = response.headers.get('content-type') ?? ''
      if (response.status !== 200 || !response.body || !type.startsWith('text/event-stream')) {
        this.#fail(`Unexpected server response: ${response.status}`)
        return
      }
      const events = new EventParser((event, data) => this.#onEvent(event, data))
      const reader = response.body.getReader()
      const decoder = new TextDecoder()
      for (let read = await reader.read(); !read.done; read = await reader.read()) {
        events.push(decoder.decode(read.value, { stream: true }))
        if (this.#closed) return
      }
      this.#end(1006, '')
    } catch (error) {
      this.#fail(messageOf(error))
    }
  }

  #onEvent(event: string, data: string): void {
    if (this.#closed) return
    switch (event) {
      case 'message':
        this.onmessage?.({ data } as never)
        break
      case 'open':
        this.#id = data
        this.onopen?.({} as never)
        break
      case 'ping':
        if (!this.#posting) void this.#post(true)
        break
      case 'close': {
        const { code, reason } = JSON.parse(data) as { code: number; reason: string }
        this.#end(code, reason)
      }
    }
  }

  /** Sends what waits, one request after another: so it comes in order, and a server that does not read makes it wait. */
  async #post(empty = false): Promise<void> {
    if (this.#id === undefined) return
    this.#posting = true
    try {
      for (let first = empty; (first || this.#queue.length > 0) && !this.#closed; first = false) {
        const status = await this.#deliver(this.#nextBatch())
        if (status !== 204) throw new Error(`Unexpected server response: ${status}`)
      }
      this.#posting = false
    } catch (error) {
      this.#fail(messageOf(error))
    }
  }

  #nextBatch(): string {
    let bytes = 0
    let frames = 0
    for (const frame of this.#queue) {
      bytes += utf8Bytes(frame) + 1
      if (frames > 0 && (bytes > BATCH_BYTES || frames >= BATCH_FRAMES)) break
      frames++
    }
    return this.#queue.splice(0, frames).join('\n')
  }

  async #deliver(body: string): Promise<number> {
    const url = this.#postUrl(`n=${++this.#posts}`)
    const { signal } = this.#ends
    for (let attempt = 1; ; attempt++) {
      const late = setTimeout(() => this.#fail('no answer to a request'), POST_MS)
      try {
        // Of this type a page may send to another origin without asking first.
        const headers = { 'content-type': 'text/plain;charset=UTF-8' }
        const response = await fetch(url, { method: 'POST', body, headers, signal })
        await response.arrayBuffer()
        return response.status
      } catch (error) {
        if (signal.aborted || attempt >= POST_ATTEMPTS) throw error
      } finally {
        clearTimeout(late)
      }
    }
  }

  #postUrl(query: string): URL {
    const url = new URL(this.#url)
    url.pathname += `/${this.#id}`
    url.search = query
    return url
  }

  #fail(message: string): void {
    if (this.#closed) return
    this.onerror?.({ message } as never)
    this.#end(1006, '')
  }

  #end(code: number, reason: string): void {
    if (this.#closed) return
    this.#closed = true
    this.#queue.length = 0
    this.#ends.abort()
    this.onclose?.({ code, reason } as never)
  }
}

/** What a failed `fetch` was about: the system's error where it is known. A browser reports only that it failed. */
function messageOf(error: unknown): string {
  const { message, cause } = error as Error
  if (cause instanceof Error && cause.message !== '') return cause.message
  return error instanceof TypeError ? '' : message
}

/** Reads server-sent events, as a chat server writes them: their names and data, without ids. */
class EventParser {
  readonly #onEvent: (event: string, data: string) => void
  #rest = ''
  #event = 'message'
  #data: string[] = []

  constructor(onEvent: (event: string, data: string) => void) {
    this.#onEvent = onEvent
  }

  push(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop()!
    for (const line of lines) this.#line(line.endsWith('\r') ? line.slice(0, -1) : line)
  }

  #line(line: string): void {
    const [, name, value = ''] = /^([^:]*)(?:: ?(.*))?$/s.exec(line)!
    if (line === '') {
      if (this.#data.length > 0) this.#onEvent(this.#event, this.#data.join('\n'))
      this.#event = 'message'
      this.#data = []
    } else if (name === 'event') {
      this.#event = value
    } else if (name === 'data') {
      this.#data.push(value)
    }
  }
}
