import { randomBytes } from 'node:crypto'
import type { Writable } from 'node:stream'
import { EventStream, type PostStatus, type StreamPost } from './event-stream.ts'

/** The server's number, and a secret of 18 bytes. */
const ID = /^(\d{1,10})-[\w-]{24}$/

/** The number of the server that has the stream of this id; `undefined` for what is not an id. */
export function serverOfStream(id: string): number | undefined {
  const [, server] = ID.exec(id) ?? []
  return server === undefined ? undefined : Number(server)
}

/** The event streams of one server, by their ids. */
export class EventStreams {
  readonly #server: number
  readonly #streams = new Map<string, EventStream>()

  constructor(server: number) {
    this.#server = server
  }

  /** Begins a stream in an answer whose head is written. */
  open(output: Writable): EventStream {
    const id = `${this.#server}-${randomBytes(18).toString('base64url')}`
    const stream = new EventStream(id, output)
    this.#streams.set(id, stream)
    output.once('close', () => this.#streams.delete(id))
    return stream
  }

  async post(id: string, post: StreamPost): Promise<PostStatus> {
    return (await this.#streams.get(id)?.receive(post)) ?? 404
  }
}
