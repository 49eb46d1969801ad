import type { IncomingMessage } from 'node:http'
import { type Server, Socket } from 'node:net'
import { type Handle, internals } from './node-internals.ts'
import { rejectSocket } from './rejection.ts'

/**
 * A connection that is read only on request. Below Node's streams where it can be had there: a stream costs more than all
 * that a gateway does with a connection.
 */
export type RawSocket = Handle | PausedSocket

/** Whether connections can be had below Node's streams, and one that was a stream can be handed on. */
export const HAS_HANDLES = internals !== undefined

/** Options of a server whose connections `acceptRaw` takes: paused, with a stream that stops reading after each chunk. */
export const RAW_SERVER = { noDelay: true, ...(!HAS_HANDLES && { pauseOnConnect: true, highWaterMark: 1 }) }

const ignore = () => {}

/** A raw connection by what is public of Node: its stream reads one chunk on request, and no byte more. */
export class PausedSocket {
  readonly socket: Socket

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('error', ignore)
  }

  close(done: () => void = ignore): void {
    if (this.socket.closed) {
      setImmediate(done)
      return
    }
    this.socket.once('close', done)
    this.socket.destroy()
  }

  read(onData: (chunk: Buffer | undefined) => void): () => void {
    const { socket } = this
    const readable = () => {
      // Taking what was read must not read more: it may be for another process.
      socket._read = ignore
      const chunk = socket.read() as Buffer | null
      this.#restoreRead()
      if (chunk === null) return
      onData(chunk)
      if (isReading) socket._read(0)
    }
    const ended = () => onData(undefined)
    let isReading = true
    socket.on('readable', readable)
    socket.once('end', ended)
    socket.once('close', ended)
    return () => {
      isReading = false
      socket.off('readable', readable)
      socket.off('end', ended)
      socket.off('close', ended)
    }
  }

  /** The stream, which reads from now on. */
  stream(): Socket {
    this.socket._read(0)
    return this.socket
  }

  #restoreRead(): void {
    Reflect.deleteProperty(this.socket, '_read')
  }
}

/** Takes the connections of a server that listens, in place of its `connection` event. */
export function acceptRaw(server: Server, onConnection: (raw: RawSocket) => void): void {
  const { _handle: listening } = server as unknown as {
    _handle: { onconnection: (status: number, handle?: Handle) => void }
  }
  if (!HAS_HANDLES) {
    server.on('connection', (socket) => onConnection(new PausedSocket(socket)))
    return
  }
  listening.onconnection = (status, handle) => {
    if (status !== 0 || !handle) return // it was gone already, or there was no descriptor for it
    handle.setNoDelay(true)
    onConnection(handle)
  }
}

/** The address of the other side; empty when it is gone already. */
export function peerAddress(raw: RawSocket): string {
  if (raw instanceof PausedSocket) return raw.socket.remoteAddress ?? ''
  const peer: { address?: string } = {}
  raw.getpeername(peer)
  return peer.address ?? ''
}

/** Reads until the function that it returns is called. `onData` gets `undefined` when nothing more comes. */
export function readRaw(raw: RawSocket, onData: (chunk: Buffer | undefined) => void): () => void {
  if (raw instanceof PausedSocket) return raw.read(onData)
  raw.onread = (bytes) => onData(bytes && Buffer.from(bytes))
  raw.readStart()
  return () => {
    raw.readStop()
    raw.onread = ignore
  }
}

/** A stream on a connection. */
export function streamOf(raw: RawSocket): Socket {
  if (raw instanceof PausedSocket) return raw.stream()
  return new Socket({ handle: raw, readable: true, writable: true } as object)
}

/** A stream on a connection, only to be sent to another process: it reads nothing. */
export function sendable(raw: RawSocket): Socket {
  if (raw instanceof PausedSocket) return raw.socket
  return new Socket({ handle: raw, readable: false, writable: true } as object)
}

/**
 * Takes the connection out of a stream that must not touch it again: reading stops first, so that no byte is read by the
 * stream and lost, and destroying the stream then leaves the connection as it is. Listeners are removed.
 */
export function takeRaw(socket: Socket): RawSocket | undefined {
  return detach(socket, () => {
    socket.removeAllListeners()
    socket.on('error', ignore)
  })
}

/**
 * As `takeRaw`, of a request without a body that an HTTP server has read and not answered. The server releases it, so its
 * listeners stay. Not to be called within its `request` event: the parser is at work then.
 */
export function takeRawOfRequest({ socket }: IncomingMessage): RawSocket | undefined {
  socket.on('data', () => {}) // the parser reads the connection by itself until there is a listener
  return detach(socket, () => {})
}

function detach(socket: Socket, forget: () => void): RawSocket | undefined {
  if (!HAS_HANDLES) {
    forget()
    return new PausedSocket(socket)
  }
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
