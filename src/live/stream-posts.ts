import type { ChildProcess } from 'node:child_process'
import { Requests } from '../base/requests.ts'
import type { PostStatus, StreamPost } from '../chat/sse/event-stream.ts'
import { serverOfStream } from '../chat/sse/streams.ts'
import type { ServerId } from '../fleet/provider.ts'
import type { FromServer, ToServer } from './messages.ts'
import { onMessages } from './on-messages.ts'

/** Brings what clients of event streams send to the server process that has the stream: its id names the server. */
export class StreamPosts {
  readonly #servers = new Map<ServerId, { child: ChildProcess; pending: Requests<number, PostStatus> }>()
  #tickets = 0

  attach(server: ServerId, child: ChildProcess): void {
    const pending = new Requests<number, PostStatus>()
    this.#servers.set(server, { child, pending })
    onMessages<FromServer>(child, { posted: ({ ticket, status }) => pending.answer(ticket, status) })
    child.once('exit', () => {
      this.#servers.delete(server)
      pending.answerAll(404)
    })
  }

  /** Resolves when the server has read it; with 404 when the server is gone. */
  async deliver(id: string, post: StreamPost): Promise<PostStatus> {
    const server = this.#servers.get(serverOfStream(id) ?? Number.NaN)
    if (!server?.child.connected) return 404
    const ticket = ++this.#tickets
    const message: ToServer = { type: 'post', ticket, id, post }
    return server.pending.ask(ticket, () => server.child.send(message))
  }
}
