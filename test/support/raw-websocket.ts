import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** The head of a request for a WebSocket. */
export const upgrade = (path = '/chat', headers: readonly string[] = []) =>
  [
    `GET ${path} HTTP/1.1`,
    'Host: 127.0.0.1',
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    ...headers,
    '\r\n',
  ].join('\r\n')

export const OP = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

export interface FrameOptions {
  readonly fin?: boolean
  readonly rsv?: number
  readonly masked?: boolean
  /** The length that the header claims. */
  readonly claims?: bigint
  /** Writes the length in 8 bytes though it is short. */
  readonly long?: boolean
}

/** A frame of a WebSocket client (RFC 6455, section 5.2), right or wrong. */
export function clientFrame(opcode: number, payload: string | Buffer, options: FrameOptions = {}): Buffer {
  const data = Buffer.from(payload)
  const { fin = true, rsv = 0, masked = true, claims = BigInt(data.length), long = false } = options
  const head = [(fin ? 0x80 : 0) | (rsv << 4) | opcode]
  const mask = masked ? 0x80 : 0
  if (long || claims > 65535n) {
    const length = Buffer.alloc(8)
    length.writeBigUInt64BE(claims)
    head.push(mask | 127, ...length)
  } else if (claims > 125n) {
    head.push(mask | 126, Number(claims >> 8n), Number(claims & 255n))
  } else {
    head.push(mask | Number(claims))
  }
  if (!masked) return Buffer.concat([Buffer.from(head), data])
  const key = randomBytes(4)
  return Buffer.concat([Buffer.from(head), key, data.map((byte, i) => byte ^ key[i & 3]!)])
}

export const closeFrame = (code: number, reason: string | Buffer = ''): Buffer =>
  clientFrame(OP.close, Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(reason)]))

export const text = (message: object | string): Buffer =>
  clientFrame(OP.text, typeof message === 'string' ? message : JSON.stringify(message))

/** A WebSocket of which every byte is one's own. */
export class RawSocket {
  readonly socket: Socket
  #received = Buffer.alloc(0)

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('error', () => {})
    socket.on('data', (data) => {
      this.#received = Buffer.concat([this.#received, data])
    })
  }

  /** Opens a connection; `first` follows the request in the same packet. */
  static async open(url: string, first: readonly Buffer[] = []): Promise<RawSocket> {
    const { port, hostname, pathname } = new URL(url)
    const socket = connect(Number(port), hostname)
    const raw = new RawSocket(socket)
    await once(socket, 'connect')
    const request =
      `GET ${pathname} HTTP/1.1\r\nHost: ${hostname}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n\r\n`
    socket.write(Buffer.concat([Buffer.from(request), ...first]))
    return raw
  }

  /** The HTTP status, once it is there. */
  get status(): number {
    return Number(this.#received.toString('latin1', 9, 12))
  }

  /** What the server sent, in short: `welcome`, `error:bad-message`, `pong(2)`, `close1002`. */
  get frames(): string[] {
    const frames: string[] = []
    let at = this.#received.indexOf('\r\n\r\n') + 4
    while (at >= 4 && at + 2 <= this.#received.length) {
      const opcode = this.#received[at]! & 15
      let length = this.#received[at + 1]! & 127
      at += 2
      if (length === 126) {
        length = this.#received.readUInt16BE(at)
        at += 2
      } else if (length === 127) {
        length = Number(this.#received.readBigUInt64BE(at))
        at += 8
      }
      if (at + length > this.#received.length) break
      frames.push(brief(opcode, this.#received.subarray(at, at + length)))
      at += length
    }
    return frames
  }

  /** Waits until the server ended the connection, or sent `count` frames and nothing more for a moment. */
  async until(count: number, ms = 4000): Promise<string> {
    for (let waited = 0; waited < ms && !this.socket.closed && this.frames.length < count; waited += 10)
      await sleep(10)
    if (!this.socket.closed) await sleep(100)
    return this.frames.join(' ')
  }
}

function brief(opcode: number, payload: Buffer): string {
  if (opcode === OP.close) return `close${payload.length >= 2 ? payload.readUInt16BE(0) : ''}`
  if (opcode === OP.pong) return `pong(${payload.length})`
  if (opcode !== OP.text) return `opcode${opcode}`
  const { type, code } = JSON.parse(payload.toString()) as { type: string; code?: string }
  return code ? `${type}:${code}` : type
}
