import { Socket } from 'node:net'
import { type Handle, internals, type WriteRequest } from './node-internals.ts'

interface Waiting {
  /** The system has accepted the rest of what was written, or the connection is gone. */
  onWritten(): void
}

/** A write that the system accepts at once leaves no trace in its request, which then serves for the next. */
let request: WriteRequest | undefined

/**
 * Writes to a TCP connection past its stream, which costs as much as a quarter of the system call. Later writes of the stream keep their
 * order behind it.
 * @param stream any other than a `Socket` is left alone
 * @returns `written` whole, `waits` for the rest until `onWritten`, or `undefined`: only the stream can write it
 */
export function writeDirectly(
  stream: object,
  data: Buffer,
  waiting: Waiting,
): 'written' | 'waits' | undefined {
  if (!internals || !(stream instanceof Socket)) return undefined
  if (stream.writableLength > 0 || stream.writableCorked > 0 || !stream.writable) return undefined
  const { _handle: handle } = stream as unknown as { _handle?: Handle | null }
  if (!(handle instanceof internals.TCP)) return undefined
  request ??= new internals.WriteWrap()
  if (handle.writeBuffer(request, data) !== 0) {
    stream.destroy()
    return 'written'
  }
  if (!internals.lastWriteWaits()) return 'written'
  request.buffer = data
  request.oncomplete = (status) => {
    if (status < 0) stream.destroy()
    waiting.onWritten()
  }
  request = undefined
  return 'waits'
}
