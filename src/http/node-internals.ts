import type { ChildProcess } from 'node:child_process'

/** A connection of the operating system as Node has it below its streams. */
export interface Handle {
  /** Called with what was read; with nothing at the end, and when the connection broke. */
  onread: (bytes?: ArrayBuffer) => void
  readStart(): number
  readStop(): number
  /** Whether its stream wants it to be read; set by the stream. */
  reading?: boolean
  setNoDelay(noDelay: boolean): number
  getpeername(address: { address?: string }): number
  /** Writes at once what the system accepts; the rest later, and then completes the request. */
  writeBuffer(request: WriteRequest, data: Uint8Array): number
  close(done?: () => void): void
}

export interface WriteRequest {
  oncomplete: (status: number) => void
  /** Keeps what is being written. */
  buffer?: Uint8Array
}

/** The IPC channel of a child process. */
export interface IpcChannel {
  writeUtf8String(request: WriteRequest, text: string, handle: Handle): number
  onread: (this: IpcChannel, bytes: ArrayBuffer | undefined) => void
  /** The handle that came with what is being read. */
  pendingHandle: Handle | null
}

interface Internals {
  readonly TCP: { new (type: number): Handle; readonly prototype: Handle }
  readonly WriteWrap: new () => WriteRequest
  /** Whether the last write was not accepted whole by the system at once. */
  lastWriteWaits(): boolean
}

/**
 * The internals of Node that are used, looked up once. What is known of it is here, in `raw-socket.ts`, `direct-write.ts`,
 * `hold-reading.ts` and `live/handle-channel.ts`. `undefined` where this Node has it in another shape, or not at all: public ways
 * do the same then, at a higher cost.
 */
export const internals: Internals | undefined = lookUp()

function lookUp(): Internals | undefined {
  try {
    const { binding } = process as unknown as { binding(name: string): Record<string, unknown> }
    const { TCP } = binding('tcp_wrap') as Pick<Internals, 'TCP'>
    const { WriteWrap, streamBaseState, kLastWriteWasAsync } = binding('stream_wrap') as {
      WriteWrap: Internals['WriteWrap']
      streamBaseState: Int32Array
      kLastWriteWasAsync: number
    }
    const methods = ['readStart', 'readStop', 'setNoDelay', 'getpeername', 'writeBuffer', 'close'] as const
    const isKnown =
      methods.every((name) => typeof TCP.prototype[name] === 'function') &&
      typeof WriteWrap === 'function' &&
      typeof streamBaseState[kLastWriteWasAsync] === 'number'
    return isKnown
      ? { TCP, WriteWrap, lastWriteWaits: () => streamBaseState[kLastWriteWasAsync] !== 0 }
      : undefined
  } catch {
    return undefined
  }
}

/** The channel to a child process, or that of this process to its parent. */
export function channelOf(process: ChildProcess | NodeJS.Process): IpcChannel | undefined {
  const symbol = Object.getOwnPropertySymbols(process).find(
    ({ description }) => description === 'kChannelHandle',
  )
  const channel = symbol && (process as unknown as Record<symbol, IpcChannel | null>)[symbol]
  return internals && channel && typeof channel.writeUtf8String === 'function' ? channel : undefined
}
