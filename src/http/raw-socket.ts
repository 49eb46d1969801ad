import { Socket } from 'node:net'
import { rejectSocket } from './rejection.ts'

/** A connection of the operating system, without the stream that read from it. Not a public API of Node; kept in this file. */
export interface RawSocket {
  close(): void
}

interface Handle extends RawSocket {
  readStop(): number
}

/**
 * Takes the connection out of a stream that must not touch it again: reading stops first, so that no byte is read by the
 * stream and lost, and destroying the stream then leaves the connection as it is.
 */
export function takeRaw(socket: Socket): RawSocket | undefined {
  const inner = socket as unknown as { _handle: Handle | null }
  const handle = inner._handle
  if (!handle) return undefined
  handle.readStop()
  socket.removeAllListeners()
  socket.on('error', () => {})
  inner._handle = null
  socket.destroy()
  return handle
}

/** Rejects on a connection that no server serves; `onClose` is called when its descriptor is free. */
export function rejectRaw(raw: RawSocket, status: string, onClose: () => void = () => {}): void {
  const socket = new Socket({ handle: raw, readable: true, writable: true } as object)
  socket.once('close', onClose)
  rejectSocket(socket, status)
}
