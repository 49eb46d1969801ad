import type { IncomingMessage, Server } from 'node:http'
import type { Server as SecureServer } from 'node:https'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'

/**
 * Serves a request for a protocol that is not spoken here, such as `h2c`, as if it had not asked for it (RFC 9110, section 7.8).
 * To be called at the `upgrade` event of `server`, to which Node.js gives all such requests once there is a listener.
 * @param rest bytes that came after the head
 * @returns whether it did: not for a WebSocket
 */
export function serveWithoutUpgrade(
  server: Server | SecureServer,
  request: IncomingMessage,
  socket: Duplex,
  rest: Buffer,
): boolean {
  if (request.headers.upgrade?.toLowerCase() === 'websocket') return false
  const { method, url, httpVersion, rawHeaders } = request
  const lines = [`${method} ${url} HTTP/${httpVersion}`]
  for (let i = 0; i < rawHeaders.length; i += 2)
    if (rawHeaders[i]!.toLowerCase() !== 'upgrade') lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`)
  server.emit(socket instanceof TLSSocket ? 'secureConnection' : 'connection', socket)
  socket.unshift(Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), rest]))
  return true
}
