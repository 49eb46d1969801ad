import { isUtf8 } from 'node:buffer'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex, Writable } from 'node:stream'
import type { Origins } from '../../http/origin.ts'
import { rejectSocket } from '../../http/rejection.ts'
import { splitTarget } from '../../http/request-target.ts'
import { CLOSE } from '../../protocol/close-codes.ts'
import type { PostStatus, StreamPost } from './event-stream.ts'

/** The path of a fleet's chat; its event streams are below it. */
export const CHAT_PATH = '/chat'

/** What a request to a path below the chat's asks of an event stream. */
export type StreamRequest =
  | { readonly kind: 'open' }
  | { readonly kind: 'post'; readonly id: string; readonly query: URLSearchParams }

/** @param chatPath the path of the chat's WebSocket */
export function streamRequest(
  { method, url }: { readonly method?: string | undefined; readonly url?: string | undefined },
  chatPath: string,
): StreamRequest | undefined {
  const { path, query } = splitTarget(url)
  if (!path.startsWith(`${chatPath}/sse`)) return undefined
  const rest = path.slice(chatPath.length + 4)
  if (method === 'GET' && rest === '') return { kind: 'open' }
  if (method === 'POST' && rest.startsWith('/')) return { kind: 'post', id: rest.slice(1), query }
  return undefined
}

/** What answers a request for an event stream, on whatever it came. */
export interface StreamAnswer {
  reject(status: string): void
  /** Answers with a stream. */
  open(): Writable
}

/** Pages of other origins may read what they are answered, where they may connect. */
const corsHeaders = (origin: string | undefined): Record<string, string> =>
  origin === undefined ? {} : { 'access-control-allow-origin': origin, vary: 'Origin' }

/** Proxies must pass each event on as it comes. */
const streamHeaders = (origin: string | undefined): Record<string, string> => ({
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
  'x-content-type-options': 'nosniff',
  ...corsHeaders(origin),
})

/** Answers on a connection whose request was read by hand; it ends with the stream. */
export function answerOnSocket(socket: Duplex, origin: string | undefined): StreamAnswer {
  return {
    reject: (status) => rejectSocket(socket, status),
    open() {
      socket.resume() // nothing more comes but its end
      const headers = Object.entries({ ...streamHeaders(origin), connection: 'close' })
      socket.write(
        `HTTP/1.1 200 OK\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`,
      )
      return socket
    },
  }
}

/** Answers by an HTTP server. */
export function answerByResponse(response: ServerResponse, origin: string | undefined): StreamAnswer {
  return {
    reject: (status) => void response.writeHead(Number.parseInt(status, 10), corsHeaders(origin)).end(),
    open() {
      response.socket?.setNoDelay(true)
      return response.writeHead(200, streamHeaders(origin))
    },
  }
}

/**
 * Answers a request beside an event stream, after `deliver` has brought it to the server that has the stream. Rejects when the
 * client is gone.
 */
export async function answerPost(
  request: IncomingMessage,
  response: ServerResponse,
  { id, query }: StreamRequest & { kind: 'post' },
  {
    origins,
    maxBytes,
    deliver,
  }: {
    readonly origins: Origins
    /** Of the body, which is at least one frame. */
    readonly maxBytes: number
    /** Resolves with its status; 504 when the server does not answer. */
    deliver(id: string, post: StreamPost): Promise<PostStatus | 504>
  },
): Promise<void> {
  const { origin } = request.headers
  if (!origins.allows(request.headers)) {
    response.writeHead(403).end()
    return
  }
  const body = await readAll(request, maxBytes)
  const post: StreamPost = query.has('close')
    ? { kind: 'close', code: 1000 }
    : body === undefined
      ? { kind: 'close', code: CLOSE.tooLarge }
      : isUtf8(body)
        ? { kind: 'frames', n: numberOf(query.get('n')), lines: body.toString() }
        : { kind: 'close', code: 1007 }
  const status = await deliver(id, post)
  const headers = { 'cache-control': 'no-store', ...corsHeaders(origin) }
  if (body === undefined) response.writeHead(413, { ...headers, connection: 'close' }).end()
  else response.writeHead(status, headers).end()
}

/** The number of a request; 0, which none has, for what is not one. */
const numberOf = (text: string | null): number => (/^[1-9]\d{0,14}$/.test(text ?? '') ? Number(text) : 0)

/** A request's body; `undefined` when it is longer than `maxBytes`, and the rest unread. */
async function readAll(request: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
