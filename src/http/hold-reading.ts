import { Socket } from 'node:net'
import { type Handle, internals } from './node-internals.ts'

/**
 * Reads nothing of a TCP connection until the returned function is called, however often its stream is paused and resumed
 * meanwhile: what comes waits in the system, and then its sender. A stream that is only paused reads on until it has buffered enough.
 * @returns `undefined` when it cannot be held, or is not being read
 */
export function holdReading(stream: object): (() => void) | undefined {
  if (!internals || !(stream instanceof Socket)) return undefined
  const socket = stream as unknown as { readonly _handle?: Handle | null }
  const { _handle: handle } = socket
  if (!(handle instanceof internals.TCP) || handle.reading !== true) return undefined
  handle.readStop()
  return () => {
    // Where the stream has enough, it begins to read by itself.
    if (socket._handle === handle && handle.reading === true) handle.readStart()
  }
}
