import { createServer, type Socket } from 'node:net'
import { Deadlines } from '../http/deadlines.ts'
import { mostConnections } from '../http/descriptors.ts'
import { listen } from '../http/listen.ts'

/** Seconds until the first call of a connection has to have arrived. */
const FIRST_CALL_SECONDS = 20
/** A few processes of KEDA ask, each over one connection. */
const MOST = 64

const peerOf = ({ remoteAddress, remotePort }: Socket) => `${remoteAddress}:${remotePort}`

/** The connections to a gRPC server: not too many, and none that is silent for ever. Where there are too many, one goes, a silent one first. */
export class Connections {
  readonly #open = new Map<string, Socket>()
  readonly #deadlines = new Deadlines()
  readonly #most = Math.min(MOST, mostConnections())
  readonly #server = createServer((socket) => this.#accept(socket))
  readonly #serve: (socket: Socket) => void

  constructor(serve: (socket: Socket) => void) {
    this.#serve = serve
  }

  listen(host: string, port: number): Promise<number> {
    return listen(this.#server, host, port)
  }

  /** A whole call came over the connection of this peer. */
  onCall(peer: string): void {
    const socket = this.#open.get(peer)
    if (socket) this.#deadlines.clear(socket)
  }

  close(): void {
    this.#server.close()
    this.#deadlines.close()
    for (const socket of this.#open.values()) socket.destroy()
  }

  /** The oldest connection of the address that has the most: who fills all of them gives way to others. */
  #crowded(): Socket | undefined {
    const byAddress = new Map<string | undefined, Socket[]>()
    for (const socket of this.#open.values()) {
      const sockets = byAddress.get(socket.remoteAddress) ?? []
      byAddress.set(socket.remoteAddress, sockets)
      if (!socket.destroyed) sockets.push(socket)
    }
    return [...byAddress.values()].sort((a, b) => b.length - a.length)[0]?.[0]
  }

  #accept(socket: Socket): void {
    socket.on('error', () => {})
    if (this.#open.size >= this.#most && !this.#deadlines.destroyOldest()) this.#crowded()?.destroy()
    const peer = peerOf(socket)
    this.#open.set(peer, socket)
    socket.once('close', () => {
      if (this.#open.get(peer) === socket) this.#open.delete(peer)
    })
    this.#deadlines.set(socket, FIRST_CALL_SECONDS)
    this.#serve(socket)
  }
}
