import type { Duplex } from 'node:stream'

const NEWLINE = 10

/**
 * Lines over a stream between two processes of a fleet. What is written in one turn of the event loop goes out in one
 * write; a line is a `Buffer` or text without a newline.
 */
export class LineStream {
  readonly #stream: Duplex
  readonly #limit: number
  #out: (Buffer | string)[] = []
  #rest: Buffer[] = []

  /**
   * @param onLine takes each line; valid until it returns
   * @param onClose once, when the stream is gone
   * @param limit bytes that may wait for the other side; with more the stream is given up
   */
  constructor(stream: Duplex, onLine: (line: Buffer) => void, onClose: () => void, limit = 64 * 2 ** 20) {
    this.#stream = stream
    this.#limit = limit
    stream.on('data', (chunk: Buffer) => this.#take(chunk, onLine))
    stream.on('error', () => {}) // 'close' follows
    stream.once('close', onClose)
    stream.once('end', () => stream.destroy())
  }

  write(line: Buffer | string): void {
    if (this.#out.length === 0) setImmediate(() => this.#flush())
    this.#out.push(line)
  }

  /** Bytes that wait for the other side. */
  get waiting(): number {
    return this.#stream.writableLength
  }

  close(): void {
    this.#flush()
    this.#stream.end()
  }

  #flush(): void {
    const out = this.#out
    this.#out = []
    if (out.length === 0 || this.#stream.destroyed || this.#stream.writableEnded) return
    if (this.#stream.writableLength > this.#limit) {
      this.#stream.destroy()
      return
    }
    let text = ''
    this.#stream.cork()
    for (const line of out) {
      if (typeof line === 'string') {
        text += `${line}\n`
      } else {
        if (text) this.#stream.write(text)
        text = ''
        this.#stream.write(line)
        text = '\n'
      }
    }
    if (text) this.#stream.write(text)
    this.#stream.uncork()
  }

  #take(chunk: Buffer, onLine: (line: Buffer) => void): void {
    let from = 0
    for (let to = chunk.indexOf(NEWLINE); to >= 0; to = chunk.indexOf(NEWLINE, from)) {
      const line = chunk.subarray(from, to)
      from = to + 1
      if (this.#rest.length > 0) {
        this.#rest.push(line)
        onLine(Buffer.concat(this.#rest))
        this.#rest = []
      } else {
        onLine(line)
      }
    }
    if (from < chunk.length) this.#rest.push(chunk.subarray(from))
  }
}
