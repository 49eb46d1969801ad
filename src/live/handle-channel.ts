import type { ChildProcess } from 'node:child_process'
import type { RawSocket } from '../http/raw-socket.ts'

/*
 * Messages that bear a handle, over the IPC channel of a child process. `child.send` has one handle in flight and waits for the other
 * side to confirm each; with many connections at once that costs more than all else. Here any number is in flight, and whoever
 * receives confirms as suits it. What is known of Node's internals stands here and in `http/raw-socket.ts`.
 */

interface WriteRequest {
  oncomplete: (status: number) => void
}

interface Channel {
  writeUtf8String(request: WriteRequest, text: string, handle: RawSocket): number
  onread: (this: Channel, bytes: ArrayBuffer | undefined) => void
  /** The handle that came with what is being read. */
  pendingHandle: RawSocket | null
}

const { WriteWrap } = (
  process as unknown as { binding(name: string): { WriteWrap: new () => WriteRequest } }
).binding('stream_wrap')

function channelOf(process: object): Channel | undefined {
  const symbol = Object.getOwnPropertySymbols(process).find(
    ({ description }) => description === 'kChannelHandle',
  )
  return symbol && ((process as Record<symbol, Channel | null>)[symbol] ?? undefined)
}

/** Sends a message with a handle, which `onFailed` gets back when it could not leave. */
export function sendHandle(
  child: ChildProcess,
  message: object,
  handle: RawSocket,
  onFailed: () => void,
): void {
  const channel = channelOf(child)
  if (!channel) {
    setImmediate(onFailed)
    return
  }
  const request = new WriteWrap()
  request.oncomplete = (status) => {
    if (status < 0) onFailed()
  }
  const status = channel.writeUtf8String(request, `${JSON.stringify(message)}\n`, handle)
  if (status !== 0) setImmediate(onFailed)
}

/**
 * Keeps the handles that come over this process's IPC channel, in order.
 * @returns takes the next one: to be called once for each message that bears one
 */
export function receiveHandles(): () => RawSocket | undefined {
  const handles: RawSocket[] = []
  const channel = channelOf(process)
  if (channel) {
    const { onread } = channel
    channel.onread = function (bytes) {
      const handle = this.pendingHandle
      if (handle) {
        this.pendingHandle = null
        handles.push(handle)
      }
      onread.call(this, bytes)
    }
  }
  return () => handles.shift()
}
