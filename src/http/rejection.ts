import type { Duplex } from 'node:stream'

/** Milliseconds that a client has to take its rejection and close. */
const LINGER_MS = 2000

/** The answer to an HTTP request that gets no WebSocket; the connection ends with it. */
function httpRejection(status: string): string {
  return `HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`
}

/**
 * Rejects on a connection that is of no further use. It is closed when the client has closed, and in two seconds at the latest;
 * what the client still sends is discarded, or its end would never be noticed.
 */
export function rejectSocket(socket: Duplex, status: string): void {
  const late = setTimeout(() => socket.destroy(), LINGER_MS)
  socket.on('error', () => socket.destroy())
  socket.once('close', () => clearTimeout(late))
  socket.on('data', () => {})
  socket.resume()
  socket.end(httpRejection(status))
}
