import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocket, WebSocketServer } from 'ws'

/** What the library does with a WebSocket to put it on a connection. */
interface Opening {
  setSocket(stream: Duplex, head: Buffer, options: object): void
}

/** In the place of a WebSocket where a connection is only upgraded. */
class Upgraded implements Opening {
  setSocket(): void {}
}

const NOTHING = Buffer.alloc(0)

/**
 * Upgrades connections, and puts WebSockets on those that need one: its streams and listeners would be a third of the memory
 * of an idle connection.
 */
export class WebSockets {
  readonly #server: WebSocketServer

  /** @param maxPayload bytes of the longest message */
  constructor(maxPayload: number) {
    this.#server = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      clientTracking: false,
      allowSynchronousEvents: true,
      autoPong: false, // a session answers pings within its budget
      maxPayload,
      WebSocket: Upgraded as unknown as typeof WebSocket,
    })
  }

  /** Answers a request to upgrade, and calls `onUpgraded` unless it was rejected; `head` are bytes that came after it. */
  upgrade(request: IncomingMessage, stream: Duplex, head: Buffer, onUpgraded: () => void): void {
    this.#server.handleUpgrade(request, stream, head, () => {
      if ('setTimeout' in stream) (stream as Socket).setTimeout(0)
      if (head.length > 0) stream.unshift(head)
      onUpgraded()
    })
  }

  /** A WebSocket on a connection that was upgraded: its listeners are the last ones of the stream. */
  open(stream: Duplex): WebSocket {
    const { options } = this.#server
    const create = WebSocket as unknown as new (
      address: null,
      protocols: undefined,
      options: object,
    ) => WebSocket
    const socket = new create(null, undefined, options)
    ;(socket as unknown as Opening).setSocket(stream, NOTHING, options)
    return socket
  }
}
