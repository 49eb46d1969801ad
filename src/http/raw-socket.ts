import type { IncomingMessage } from 'node:http'
import { type Server, Socket } from 'node:net'
import { rejectSocket } from './rejection.ts'

/**
 * A connection of the operating system, without a stream that reads from it: a stream costs more than all that a gateway does with a
 * connection. Not a public API of Node; what is known of it stands in this file, and in `live/handle-channel.ts`.
 */
export interface RawSocket {
  /** @param done called when its descriptor is free */
  close(done?: () => void): void
}

interface Handle extends RawSocket {
  /** Called with what was read; with nothing at the end, and when the connection broke. */
  onread: (bytes?: ArrayBuffer) => void
  readStart(): number
  readStop(): number
  setNoDelay(noDelay: boolean): number
  getpeername(address: { address?: string }): number
}

const ignore = () => {}

/** Takes the connections of a server that listens, in place of its `connection` event. */
export function acceptRaw(server: Server, onConnection: (raw: RawSocket) => void): void {
  const { _handle: listening } = server as unknown as {
    _handle: { onconnection: (status: number, handle?: Handle) => void }
  }
  listening.onconnection = (status, handle) => {
    if (status !== 0 || !handle) return // it was gone already, or there was no descriptor for it
    handle.setNoDelay(true)
    onConnection(handle)
  }
}

/** The address of the other side; empty when it is gone already. */
export function peerAddress(raw: RawSocket): string {
  const peer: { address?: string } = {}
  ;(raw as Handle).getpeername(peer)
  return peer.address ?? ''
}

/** Reads until the function that it returns is called. `onData` gets `undefined` when nothing more comes. */
export function readRaw(raw: RawSocket, onData: (chunk: Buffer | undefined) => void): () => void {
  const handle = raw as Handle
  handle.onread = (bytes) => onData(bytes && Buffer.from(bytes))
  handle.readStart()
  return () => {
    handle.readStop()
    handle.onread = ignore
  }
}

/** A stream on a connection. */
export function streamOf(raw: RawSocket): Socket {
  return new Socket({ handle: raw, readable: true, writable: true } as object)
}

/**
 * Takes the connection out of a stream that must not touch it again: reading stops first, so that no byte is read by the
 * stream and lost, and destroying the stream then leaves the connection as it is. Listeners are removed.
 */
export function takeRaw(socket: Socket): RawSocket | undefined {
  return detach(socket, () => {
    socket.removeAllListeners()
    socket.on('error', () => {})
  })
}

/**
 * As `takeRaw`, of a request without a body that an HTTP server has read and not answered. The server lets go of it, so its
 * listeners stay. Not to be called within its `request` event: the parser is at work then.
 */
export function takeRawOfRequest({ socket }: IncomingMessage): RawSocket | undefined {
  socket.on('data', () => {}) // the parser reads the connection by itself until somebody listens
  return detach(socket, () => {})
}

function detach(socket: Socket, forget: () => void): RawSocket | undefined {
  const inner = socket as unknown as { _handle: Handle | null }
  const handle = inner._handle
  if (!handle) return undefined
  handle.readStop()
  forget()
  inner._handle = null
  socket.destroy()
  return handle
}

/** Rejects on a connection that no server serves; `onClose` is called when its descriptor is free. */
export function rejectRaw(raw: RawSocket, status: string, onClose: () => void): Socket {
  const socket = streamOf(raw)
  socket.once('close', onClose)
  rejectSocket(socket, status)
  return socket
}
