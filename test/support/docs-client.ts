/**
 * A chat client written from `docs/protocol.md` alone: it shares nothing with `src/`, so that client and server cannot be
 * wrong in the same way. The numbers are those of the rules.
 */
import { WebSocket } from 'ws'

interface Frame {
  type: string
  id?: string
  room?: string
  seq?: number
  prevSeq?: number
  user?: string
  body?: string
  code?: string
  retryMs?: number | [number, number]
  afterMs?: number
  from?: number
  to?: number
  head?: number
  reset?: boolean
  heartbeatMs?: number
  cursor?: { epoch: string; seq: number }
}

interface Connection {
  readonly socket: WebSocket
  joined: boolean
  heardAt: number
  heartbeatMs: number
}

export interface DocsClientEvents {
  onPlace(cursor: { epoch: string; seq: number }): void
  onMessage(message: { seq: number; prevSeq: number; user: string; id: string; body: string }): void
  onGap(from: number, to: number): void
  onAck(id: string, seq: number): void
}

/** One user in one room. */
export class DocsClient {
  readonly #urls: readonly string[]
  readonly #user: string
  readonly #room: string
  readonly #events: DocsClientEvents
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #outgoing: { id: string; body: string }[] = []
  #serving: Connection | undefined
  #next: Connection | undefined
  #cursor: { epoch: string; seq: number } | undefined
  #retryMs: [number, number] = [10, 100]
  #failures = 0
  #requests = 0
  #closed = false
  connections = 0
  /** Rejections other than those that may be tried again. */
  readonly rejected: string[] = []

  /** @param urls servers of one fleet: a cursor means the same on any of them (R2) */
  constructor(urls: readonly string[], user: string, room: string, events: DocsClientEvents) {
    this.#urls = urls
    this.#user = user
    this.#room = room
    this.#events = events
    this.#connect()
  }

  get place(): number {
    return this.#cursor?.seq ?? 0
  }

  /** Messages that are not acknowledged. */
  get waiting(): number {
    return this.#outgoing.length
  }

  /** S5: one in flight at a time keeps the order. */
  send(id: string, body: string): void {
    this.#outgoing.push({ id, body })
    if (this.#outgoing.length === 1) this.#sendFirst()
  }

  /** Breaks the connection as a network does. */
  cut(): void {
    this.#serving?.socket.terminate()
  }

  close(): void {
    this.#closed = true
    for (const timer of this.#timers) clearTimeout(timer)
    this.#serving?.socket.terminate()
    this.#next?.socket.terminate()
  }

  #later(ms: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      if (!this.#closed) run()
    }, ms)
    this.#timers.add(timer)
  }

  #connect(to?: number): void {
    const url = new URL(this.#urls[this.connections++ % this.#urls.length]!)
    if (to !== undefined) url.searchParams.set('to', String(to))
    const socket = new WebSocket(url)
    const connection: Connection = { socket, joined: false, heardAt: Date.now(), heartbeatMs: 15_000 }
    if (this.#serving) this.#next = connection
    else this.#serving = connection
    socket.on('error', () => {})
    socket.on('open', () => this.#ask(connection, { type: 'hello', version: 1, user: this.#user }))
    socket.on('message', (data) => this.#receive(connection, JSON.parse(String(data)) as Frame))
    socket.on('close', () => this.#lost(connection))
    this.#heartbeat(connection)
  }

  /** C8: who received nothing for so long asks; who gets nothing for so long again gives up. */
  #heartbeat(connection: Connection): void {
    this.#later(1000, () => {
      if (connection.socket.readyState > 1) return
      const silent = Date.now() - connection.heardAt
      if (silent > connection.heartbeatMs + 10_000) connection.socket.terminate()
      else if (silent > connection.heartbeatMs) this.#ask(connection, { type: 'ping' })
      this.#heartbeat(connection)
    })
  }

  /** Q1: every request has an id. */
  #ask({ socket }: Connection, request: object): void {
    if (socket.readyState === 1) socket.send(JSON.stringify({ id: `q${++this.#requests}`, ...request }))
  }

  /** R2, R3: from where this client is, or the room's beginning. */
  #join(connection: Connection): void {
    const cursor = this.#cursor && { cursor: this.#cursor }
    this.#ask(connection, { type: 'join', room: this.#room, ...cursor })
  }

  #sendFirst(): void {
    const [first] = this.#outgoing
    if (first && this.#serving?.joined) this.#ask(this.#serving, { type: 'send', room: this.#room, ...first })
  }

  /** M4 */
  #lost(connection: Connection): void {
    if (this.#closed) return
    if (connection === this.#next) {
      this.#next = undefined
    } else if (connection === this.#serving) {
      this.#serving = this.#next
      this.#next = undefined
      if (this.#serving) return
      const [least, most] = this.#retryMs
      const window = Math.min(30_000, most * 2 ** this.#failures++)
      this.#later(least + Math.random() * window, () => this.#connect())
    }
  }

  #receive(connection: Connection, frame: Frame): void {
    connection.heardAt = Date.now()
    switch (frame.type) {
      case 'welcome':
        this.#failures = 0
        this.#retryMs = frame.retryMs as [number, number]
        connection.heartbeatMs = frame.heartbeatMs!
        this.#join(connection)
        return
      case 'joined':
        this.#joined(connection, frame)
        return
      case 'message':
        this.#message(connection, frame)
        return
      case 'gap': // R4
        if (!connection.joined || frame.to! <= this.place) return
        this.#events.onGap(Math.max(frame.from!, this.place + 1), frame.to!)
        this.#cursor = { epoch: this.#cursor!.epoch, seq: frame.to! }
        return
      case 'ack':
        if (this.#outgoing[0]?.id !== frame.id) return
        this.#outgoing.shift()
        this.#events.onAck(frame.id!, frame.seq!)
        this.#sendFirst()
        return
      case 'rejected': // Q2, S3
        if (frame.retryMs === undefined) this.rejected.push(frame.code!)
        else this.#later(frame.retryMs as number, () => (frame.room ? this.#again(connection) : undefined))
        return
      case 'move': // M1
        this.#later(frame.afterMs!, () => {
          if (connection === this.#serving && !this.#next) this.#connect(frame.to)
        })
    }
  }

  #again(connection: Connection): void {
    if (!connection.joined) this.#join(connection)
    else if (connection === this.#serving) this.#sendFirst()
  }

  #joined(connection: Connection, { cursor, reset }: Frame): void {
    connection.joined = true
    // What was received on another connection meanwhile counts.
    if (!this.#cursor || reset) this.#cursor = cursor!
    this.#events.onPlace(this.#cursor)
    if (connection === this.#next) {
      const old = this.#serving
      this.#serving = connection
      this.#next = undefined
      old?.socket.close()
    }
    this.#sendFirst()
  }

  /** R1: each once, in order; who has not received the one before joins again. */
  #message(connection: Connection, { seq, prevSeq, user, id, body }: Frame): void {
    if (!connection.joined || !this.#cursor || seq! <= this.#cursor.seq) return
    if (prevSeq! > this.#cursor.seq) {
      connection.joined = false
      this.#join(connection)
      return
    }
    this.#cursor = { epoch: this.#cursor.epoch, seq: seq! }
    this.#events.onMessage({ seq: seq!, prevSeq: prevSeq!, user: user!, id: id!, body: body! })
  }
}
