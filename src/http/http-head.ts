import type { IncomingMessage } from 'node:http'

/** Bytes that a request's head may have, by default. */
export const MAX_HEAD_BYTES = 16_384
const END = Buffer.from('\r\n\r\n')
const REQUEST_LINE = /^([A-Z]{1,16}) (\/[^\s]*) HTTP\/1\.([01])$/
const HEADER = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*(.*?)[ \t]*$/

/** What came of the first bytes of a connection. */
export type ParsedHead =
  | { kind: 'incomplete' }
  | { kind: 'bad'; status: string }
  /** `length` bytes are the head; what follows belongs to the connection. */
  | { kind: 'head'; head: RequestHead; length: number }

/** Reads the head of an HTTP/1.1 or 1.0 request (RFC 9112, sections 2 to 5), strictly. */
export function parseHead(bytes: Buffer, maxBytes = MAX_HEAD_BYTES): ParsedHead {
  const end = bytes.indexOf(END)
  if (end < 0) {
    return bytes.length > maxBytes
      ? { kind: 'bad', status: '431 Request Header Fields Too Large' }
      : { kind: 'incomplete' }
  }
  if (end > maxBytes) return { kind: 'bad', status: '431 Request Header Fields Too Large' }
  const bad: ParsedHead = { kind: 'bad', status: '400 Bad Request' }
  const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n')
  const request = REQUEST_LINE.exec(first)
  if (!request) return bad
  const headers: Record<string, string> = Object.create(null)
  for (const line of lines) {
    const header = HEADER.exec(line)
    if (!header) return bad
    const name = header[1]!.toLowerCase()
    const value = header[2]!
    if (name in headers) {
      if (name === 'host' || name.startsWith('sec-websocket-key')) return bad
      headers[name] += `, ${value}`
    } else {
      headers[name] = value
    }
  }
  const version = request[3] === '0' ? '1.0' : '1.1'
  if (headers.host === undefined && version === '1.1') return bad
  return {
    kind: 'head',
    head: { method: request[1]!, url: request[2]!, headers, version },
    length: end + END.length,
  }
}

/** Whether the request asks for a WebSocket. */
export function asksForWebSocket({ method, headers, version }: RequestHead): boolean {
  return version === '1.1' && method === 'GET' && headers.upgrade?.toLowerCase() === 'websocket'
}

/** The head of a request to upgrade, as the gateway read it. */
export interface RequestHead {
  readonly method: string
  readonly url: string
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly version: '1.0' | '1.1'
}

/** The head of a request that Node has read. */
export function headOf({ method = '', url = '', httpVersion, headers: given }: IncomingMessage): RequestHead {
  const headers: Record<string, string> = Object.create(null)
  for (const [name, value] of Object.entries(given)) headers[name] = String(value)
  return { method, url, headers, version: httpVersion === '1.0' ? '1.0' : '1.1' }
}
