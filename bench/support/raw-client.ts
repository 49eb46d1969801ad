import { createHash, randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'

const TEXT = 1
const PING = 9

const LONGEST_HEAD = 8

/** Returns where the frame ends. */
function writeFrame(out: Buffer, at: number, text: string): number {
  const length = Buffer.byteLength(text)
  out[at] = 0x81
  if (length < 126) {
    out[at + 1] = 0x80 | length
    return at + 6 + out.write(text, at + 6)
  }
  out[at + 1] = 0x80 | 126
  out.writeUInt16BE(length, at + 2)
  return at + LONGEST_HEAD + out.write(text, at + LONGEST_HEAD)
}

/** A WebSocket client that costs as little as possible, so that a bench measures the server. */
export class RawClient {
  readonly socket: Socket
  #rest: Buffer = Buffer.alloc(0)
  /** Takes each frame's payload as a part of `data`. */
  onFrame: (data: Buffer, from: number, to: number) => void = () => {}

  private constructor(socket: Socket) {
    this.socket = socket
  }

  static open(port: number, path: string): Promise<RawClient> {
    return new Promise((resolve, reject) => {
      const key = randomBytes(16).toString('base64')
      const socket = connect({ port, host: '127.0.0.1', noDelay: true })
      const client = new RawClient(socket)
      let head = ''
      const onHead = (chunk: Buffer) => {
        head += chunk.toString('latin1')
        const end = head.indexOf('\r\n\r\n')
        if (end < 0) return
        const accept = createHash('sha1')
          .update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
          .digest('base64')
        if (!head.startsWith('HTTP/1.1 101') || !head.includes(accept)) {
          reject(new Error(head.slice(0, 100)))
          return
        }
        socket.off('data', onHead)
        socket.on('data', (data: Buffer) => client.#take(data))
        resolve(client)
        if (head.length > end + 4) client.#take(Buffer.from(head.slice(end + 4), 'latin1'))
      }
      socket.on('data', onHead)
      socket.on('error', reject)
      socket.write(
        `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
      )
    })
  }

  /** Each text in a frame of its own, all in one write. */
  send(...texts: readonly string[]): void {
    let length = 0
    for (const text of texts) length += LONGEST_HEAD + Buffer.byteLength(text)
    const frames = Buffer.alloc(length) // the mask is 0
    let at = 0
    for (const text of texts) at = writeFrame(frames, at, text)
    this.socket.write(frames.subarray(0, at))
  }

  /** A sign of life, which is all that a server asks for. */
  #pong(): void {
    this.socket.write(Buffer.from([0x8a, 0x80, 0, 0, 0, 0]))
  }

  close(): void {
    this.socket.destroy()
  }

  #take(chunk: Buffer): void {
    const data = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk
    let at = 0
    for (;;) {
      if (at + 2 > data.length) break
      let length = data[at + 1]! & 127
      let head = 2
      if (length === 126) {
        if (at + 4 > data.length) break
        length = data.readUInt16BE(at + 2)
        head = 4
      } else if (length === 127) {
        if (at + 10 > data.length) break
        length = data.readUIntBE(at + 4, 6)
        head = 10
      }
      if (at + head + length > data.length) break
      const opcode = data[at]! & 15
      if (opcode === PING) this.#pong()
      else if (opcode === TEXT) this.onFrame(data, at + head, at + head + length)
      at += head + length
    }
    this.#rest = data.subarray(at)
  }
}

/** A client of the chat that was welcomed. */
export async function welcomed(port: number): Promise<RawClient> {
  const client = await RawClient.open(port, '/chat')
  await new Promise<void>((resolve) => {
    client.onFrame = () => resolve()
    client.send('{"type":"hello","version":1,"user":"ann"}')
  })
  return client
}
