import type { ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'
import { channelOf, type Handle, internals } from '../http/node-internals.ts'
import { PausedSocket, type RawSocket, sendable } from '../http/raw-socket.ts'

/*
 * Messages with a handle, over the IPC channel of a child process. `child.send` has one handle in flight and waits for the other
 * side to confirm each; with many connections at once that costs more than everything else. Here any number is in flight, and the
 * receiver confirms when it suits. Where this Node has no such channel, `child.send` is used.
 */

/** Sends a message with a handle, which `onFailed` gets back when it could not leave. */
export function sendHandle(child: ChildProcess, message: object, raw: RawSocket, onFailed: () => void): void {
  const channel = channelOf(child)
  if (!channel || raw instanceof PausedSocket) {
    if (!child.connected) setImmediate(onFailed)
    else
      child.send(message, sendable(raw), { keepOpen: true }, (error) => {
        if (error) onFailed()
      })
    return
  }
  const request = new internals!.WriteWrap()
  request.oncomplete = (status) => {
    if (status < 0) onFailed()
  }
  const status = channel.writeUtf8String(request, `${JSON.stringify(message)}\n`, raw)
  if (status !== 0) setImmediate(onFailed)
}

/**
 * Keeps the handles that come over this process's IPC channel, in order.
 * @returns takes the next one: to be called once for each message that has one, with what came as its socket
 */
export function receiveHandles(): (socket: Socket | undefined) => RawSocket | undefined {
  const handles: Handle[] = []
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
  return (socket) => (socket ? new PausedSocket(socket) : handles.shift())
}
