import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocket } from 'ws'
import { RateLimiter } from '../../src/base/rate-limit.ts'
import { Hub } from '../../src/chat/hub/hub.ts'
import { streamPair } from '../../src/chat/hub/stream-pair.ts'
import type { ChatLink } from '../../src/chat/link.ts'
import { MemoryRoomLog } from '../../src/chat/log/memory.ts'
import type { RoomLog } from '../../src/chat/log/room-log.ts'
import { type ChatOptions, chatLimits } from '../../src/chat/options.ts'
import { ChatServer } from '../../src/chat/server.ts'
import type { StreamPost } from '../../src/chat/sse/event-stream.ts'
import { answerByResponse, answerPost, streamRequest } from '../../src/chat/sse/requests.ts'
import type { ClientMessage, ServerMessage } from '../../src/protocol/messages.ts'

/** Chat servers of one hub in this process, each on a port of its own; each passes requests beside event streams on to the others. */
export async function startChat(options: ChatOptions = {}, servers = 1, log: RoomLog = new MemoryRoomLog()) {
  const { messagesPerSecond, messageBurst } = chatLimits(options.limits)
  const hub = new Hub(log, new RateLimiter(messagesPerSecond, messageBurst))
  const chats: ChatServer[] = []
  const deliver = async (id: string, post: StreamPost) => {
    for (const each of chats) {
      const status = await each.post(id, post)
      if (status !== 404) return status
    }
    return 404
  }
  const all = await Promise.all(
    Array.from({ length: servers }, async (_, i) => {
      const [near, far] = streamPair()
      hub.attach(far, i + 1)
      const chat = await ChatServer.start(i + 1, near, { auth: { anonymous: true }, ...options }, () => {})
      chats.push(chat)
      const http = createServer((request, response) => {
        const wanted = streamRequest(request, '/chat')
        if (wanted?.kind === 'open')
          chat.acceptStream(request, answerByResponse(response, request.headers.origin))
        else if (wanted)
          answerPost(request, response, wanted, {
            origins: chat.origins,
            maxBytes: chat.maxFrameBytes,
            deliver,
          }).catch(() => {})
        else response.writeHead(404).end()
      })
      http.on('upgrade', (request, socket, head) => chat.accept(request, socket, head))
      http.listen(0, '127.0.0.1')
      await once(http, 'listening')
      return { chat, http, url: `ws://127.0.0.1:${(http.address() as AddressInfo).port}/chat` }
    }),
  )
  return {
    log,
    hub,
    servers: all.map(({ chat }) => chat),
    urls: all.map(({ url }) => url),
    url: all[0]!.url,
    async close() {
      for (const { chat, http } of all) {
        await chat.close()
        http.close()
        http.closeAllConnections()
      }
      await hub.close()
    },
  }
}

/** A bare WebSocket that keeps what it was sent; for what the client library would never do. */
export class RawUser {
  readonly socket: WebSocket
  readonly received: ServerMessage[] = []
  closed: { code: number; reason: string } | undefined
  #look: () => void = () => {}

  constructor(url: string, options: { origin?: string } = {}) {
    this.socket = new WebSocket(url, options)
    this.socket.on('message', (data) => {
      this.received.push(JSON.parse(String(data)))
      this.#look()
    })
    this.socket.on('error', () => {})
    this.socket.on('close', (code, reason) => {
      this.closed = { code, reason: String(reason) }
      this.#look()
    })
  }

  static async hello(url: string, user: string, token?: string): Promise<RawUser> {
    const raw = new RawUser(url)
    await once(raw.socket, 'open')
    raw.send(token === undefined ? { type: 'hello', version: 1, user } : { type: 'hello', version: 1, token })
    await raw.until('welcome')
    return raw
  }

  send(message: ClientMessage | object): void {
    this.socket.send(JSON.stringify(message))
  }

  of<T extends ServerMessage['type']>(type: T): (ServerMessage & { type: T })[] {
    return this.received.filter((message): message is ServerMessage & { type: T } => message.type === type)
  }

  /** Waits until `count` messages of that type came. */
  async until<T extends ServerMessage['type']>(type: T, count = 1): Promise<(ServerMessage & { type: T })[]> {
    await this.#wait(() => this.of(type).length >= count, `${count} × ${type}`)
    return this.of(type)
  }

  async untilClosed(): Promise<{ code: number; reason: string }> {
    await this.#wait(() => this.closed !== undefined, 'the end', 15_000)
    return this.closed!
  }

  #wait(done: () => boolean, what: string, ms = 5000): Promise<void> {
    return new Promise((resolve, reject) => {
      const late = () =>
        reject(new Error(`${what} did not come; got ${JSON.stringify(this.received).slice(-500)}`))
      const timer = setTimeout(late, ms)
      this.#look = () => {
        if (!done()) return
        clearTimeout(timer)
        this.#look = () => {}
        resolve()
      }
      this.#look()
    })
  }
}

/** The user ann of a chat server on a link of one's own. */
export async function userOnLink(changes: Partial<ChatLink>) {
  const roster = { members: 0, users: [] }
  const link = Object.assign(new MemoryRoomLog(), {
    subscribe: async () => ({ first: 1, head: 0, roster }),
    present() {},
    typing() {},
    pending: 0,
    ...changes,
  })
  const server = await ChatServer.connect(1, async () => link, { auth: { anonymous: true } })
  const http = createServer().listen(0, '127.0.0.1')
  http.on('upgrade', (request, socket, head) => server.accept(request, socket, head))
  await once(http, 'listening')
  const ann = await RawUser.hello(`ws://127.0.0.1:${(http.address() as AddressInfo).port}`, 'ann')
  return {
    ann,
    server,
    async close() {
      await server.close()
      http.close()
    },
  }
}
