import { parseHead, type RequestHead } from '../http/http-head.ts'
import { parseProxy } from '../http/proxy-protocol.ts'
import { type RawSocket, readRaw } from '../http/raw-socket.ts'
import type { RejectionReason } from './rejection-log.ts'

/** How a connection began. */
type FirstRequest =
  | {
      readonly kind: 'request'
      readonly head: RequestHead
      /** What was read from the head on, and what of it came after the head. */
      readonly read: Buffer
      readonly rest: Buffer
      /** The address of the client, where a PROXY header names it. */
      readonly client: string | undefined
    }
  | { readonly kind: 'rejected'; readonly why: RejectionReason; readonly detail?: string }
  /** It ended before its request was whole. */
  | { readonly kind: 'ended' }

/**
 * Reads the head of a connection's first request, and calls `done` once with it; nothing is read after that.
 * @param proxied whether a PROXY header has to come before it
 */
export function readFirstRequest(
  raw: RawSocket,
  { proxied, maxHeadBytes }: { proxied: boolean; maxHeadBytes: number },
  done: (first: FirstRequest) => void,
): void {
  let read: Buffer = Buffer.alloc(0)
  let awaitsProxy = proxied
  let client: string | undefined
  const end = (first: FirstRequest) => {
    stop()
    done(first)
  }
  const onData = (chunk: Buffer | undefined) => {
    if (!chunk) {
      end({ kind: 'ended' })
      return
    }
    read = read.length === 0 ? chunk : Buffer.concat([read, chunk])
    if (awaitsProxy) {
      const header = parseProxy(read)
      if (header.kind === 'incomplete') return
      if (header.kind === 'bad') {
        end({ kind: 'rejected', why: 'bad-request', detail: 'a trusted proxy sent no PROXY header' })
        return
      }
      awaitsProxy = false
      client = header.address
      read = read.subarray(header.length)
    }
    const parsed = parseHead(read, maxHeadBytes)
    if (parsed.kind === 'incomplete') return
    if (parsed.kind === 'bad')
      end({ kind: 'rejected', why: parsed.status.startsWith('431') ? 'head-too-large' : 'bad-request' })
    else end({ kind: 'request', head: parsed.head, read, rest: read.subarray(parsed.length), client })
  }
  const stop = readRaw(raw, onData)
}
