import type { ChildProcess } from 'node:child_process'
import type { Server as HttpServer } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import { RateLimiter } from '../chat/session/rate-limit.ts'
import type { ServerId } from '../fleet/provider.ts'
import type { RequestHead } from '../http/http-head.ts'
import { asksForWebSocket, parseHead } from '../http/http-head.ts'
import { listen } from '../http/listen.ts'
import { type RawSocket, rejectRaw, takeRaw } from '../http/raw-socket.ts'
import { httpRejection } from '../http/rejection.ts'
import { splitTarget } from '../http/request-target.ts'
import type { FromServer, ToServer } from './messages.ts'

export interface GatewayOptions {
  /** The address to listen on; loopback unless told. */
  host?: string
  /** 0 takes any free one. */
  port: number
  /** New connections of an address a second on average (200) and at once (2,000). */
  connectionsPerSecond?: number
  connectionBurst?: number
}

/** Chooses a server for somebody who comes; `to` is the server that the client was told to go to. */
export type Place = (room: string | undefined, to: number | undefined) => ServerId | undefined

/** Seconds to send the head of a request. */
const HEAD_SECONDS = 5
/** Seconds that somebody waits for a server to be ready. */
const PATIENCE_SECONDS = 5
const MAX_WAITING = 10_000
const MAX_ATTEMPTS = 5

interface Arrival {
  readonly ticket: number
  readonly raw: RawSocket
  readonly message: ToServer
  readonly room: string | undefined
  to: number | undefined
  attempts: number
  readonly since: number
}

/**
 * Where everybody comes in: reads the head of the request, lets the balancer choose, hands the socket itself to that server's
 * process and lets go of it as soon as the server has confirmed. A server that dies before it did costs another choice.
 */
export class Gateway {
  readonly #server: Server
  readonly #place: Place
  readonly #http: HttpServer
  readonly #options: GatewayOptions
  readonly #rates: RateLimiter
  readonly #processes = new Map<
    ServerId,
    { child: ChildProcess; pending: Map<number, Arrival>; taken: number }
  >()
  #waiting: Arrival[] = []
  #tickets = 0
  #reading = 0
  readonly #patience: NodeJS.Timeout
  /** Sockets handed over and confirmed; choices made again; people sent away. */
  readonly counts = { handedOver: 0, retried: 0, refused: 0 }

  /** @param http answers what does not ask for a WebSocket */
  constructor(options: GatewayOptions, place: Place, http: HttpServer) {
    const { connectionsPerSecond = 200, connectionBurst = 2000 } = options
    this.#options = options
    this.#place = place
    this.#http = http
    this.#rates = new RateLimiter(connectionsPerSecond, connectionBurst)
    this.#server = createServer({ noDelay: true }, (socket) => this.#onConnection(socket))
    this.#patience = setInterval(() => this.#dismissLate(), 500)
  }

  /**
   * Begins to listen.
   * @returns the port
   * @throws {ConcertinaError} ADDRESS_UNAVAILABLE.
   */
  listen(): Promise<number> {
    const { host = '127.0.0.1', port } = this.#options
    return listen(this.#server, host, port)
  }

  /** A server process that may be given sockets once the balancer chooses it. */
  attach(id: ServerId, child: ChildProcess): void {
    const pending = new Map<number, Arrival>()
    const process = { child, pending, taken: 0 }
    this.#processes.set(id, process)
    child.on('message', (message: FromServer) => {
      if (message.type !== 'took' && message.type !== 'declined') return
      const arrival = pending.get(message.ticket)
      if (!arrival || !pending.delete(message.ticket)) return
      if (message.type === 'took') {
        this.counts.handedOver++
        process.taken++
        arrival.raw.close()
      } else {
        this.#again(arrival)
      }
    })
    child.once('exit', () => {
      this.#processes.delete(id)
      for (const arrival of pending.values()) this.#again(arrival)
      pending.clear()
    })
  }

  /** Sockets handed to a server that it did not count yet when it reported to have taken `reported`. */
  uncounted(id: ServerId, reported: number): number {
    const process = this.#processes.get(id)
    return process ? process.pending.size + process.taken - reported : 0
  }

  /** To be called when servers became ready: those who wait are placed. */
  retry(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const arrival of waiting) this.#handOver(arrival)
  }

  close(): void {
    clearInterval(this.#patience)
    this.#server.close()
    for (const { raw } of this.#waiting) rejectRaw(raw, '503 Service Unavailable')
    this.#waiting = []
  }

  #onConnection(socket: Socket): void {
    const refuse = (status: string) => {
      this.counts.refused++
      socket.end(httpRejection(status))
    }
    socket.on('error', () => socket.destroy())
    const busy = this.#reading >= MAX_WAITING
    if (busy || this.#rates.take(socket.remoteAddress ?? '') > 0) {
      refuse(busy ? '503 Service Unavailable' : '429 Too Many Requests')
      return
    }
    this.#reading++
    let chunks: Buffer = Buffer.alloc(0)
    const timer = setTimeout(() => socket.destroy(), HEAD_SECONDS * 1000)
    const done = () => {
      clearTimeout(timer)
      socket.off('data', onData)
      socket.off('close', done)
      this.#reading--
    }
    const onData = (chunk: Buffer) => {
      chunks = chunks.length === 0 ? chunk : Buffer.concat([chunks, chunk])
      const parsed = parseHead(chunks)
      if (parsed.kind === 'incomplete') return
      done()
      if (parsed.kind === 'bad') refuse(parsed.status)
      else if (asksForWebSocket(parsed.head))
        this.#arrive(socket, parsed.head, chunks.subarray(parsed.length))
      else this.#serveHttp(socket, chunks)
    }
    socket.on('data', onData)
    socket.once('close', done)
  }

  #serveHttp(socket: Socket, read: Buffer): void {
    socket.pause()
    socket.removeAllListeners('error')
    this.#http.emit('connection', socket)
    socket.unshift(read)
    socket.resume()
  }

  #arrive(socket: Socket, request: RequestHead, rest: Buffer): void {
    const raw = takeRaw(socket)
    if (!raw) return
    const { query } = splitTarget(request.url)
    const to = Number(query.get('to') ?? Number.NaN)
    const ticket = ++this.#tickets
    this.#handOver({
      ticket,
      raw,
      message: { type: 'socket', ticket, request, rest: rest.toString('base64') },
      room: query.get('room') ?? undefined,
      to: Number.isSafeInteger(to) ? to : undefined,
      attempts: 0,
      since: performance.now(),
    })
  }

  #handOver(arrival: Arrival): void {
    const id = this.#place(arrival.room, arrival.to)
    const process = id === undefined ? undefined : this.#processes.get(id)
    if (!process) {
      if (this.#waiting.length < MAX_WAITING) this.#waiting.push(arrival)
      else this.#dismiss(arrival)
      return
    }
    const { child, pending } = process
    pending.set(arrival.ticket, arrival)
    child.send(arrival.message, arrival.raw as never, {}, (error) => {
      if (error && pending.delete(arrival.ticket)) this.#again(arrival)
    })
  }

  #again(arrival: Arrival): void {
    this.counts.retried++
    arrival.to = undefined
    if (++arrival.attempts < MAX_ATTEMPTS) this.#handOver(arrival)
    else this.#dismiss(arrival)
  }

  #dismiss({ raw }: Arrival): void {
    this.counts.refused++
    rejectRaw(raw, '503 Service Unavailable')
  }

  #dismissLate(): void {
    if (this.#waiting.length === 0) return
    const oldest = performance.now() - PATIENCE_SECONDS * 1000
    const late = this.#waiting.filter(({ since }) => since < oldest)
    this.#waiting = this.#waiting.filter(({ since }) => since >= oldest)
    for (const arrival of late) this.#dismiss(arrival)
  }
}
