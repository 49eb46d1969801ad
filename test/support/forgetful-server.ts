import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'
import type { ClientMessage } from '../../src/protocol/messages.ts'

const welcome = { type: 'welcome', version: 1, user: 'ann', server: 1, durability: 'disk', retryMs: [1, 2] }
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/**
 * A server that remembers no ids. Its connection breaks at ann's first message, which she may have received herself by then; when
 * she is back, the room `r` has `missed`, of which one comes every 50 ms. `seen` has the bodies that she sent, and when she received
 * what she missed.
 */
export async function startForgetfulServer(missed: readonly object[], { delivers = false } = {}) {
  const peer = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(peer, 'listening')
  const seen: string[] = []
  let seq = missed.length + (delivers ? 1 : 0)
  const answer = async (socket: WebSocket, request: ClientMessage) => {
    const { type, id } = request
    const reply = (message: object) => socket.send(JSON.stringify(message))
    const isBack = seen.length > 0
    if (type === 'hello') reply({ ...welcome, id, heartbeatMs: 60_000, maxBodyBytes: 100 })
    if (type === 'join') {
      const head = isBack ? seq : 0
      const cursor = { epoch: 'e', seq: request.cursor?.seq ?? 0 }
      reply({ type: 'joined', id, room: 'r', cursor, head, members: 1 })
      for (const [i, message] of isBack ? missed.entries() : []) {
        await sleep(50)
        reply({ type: 'message', room: 'r', seq: i + 1, prevSeq: i, time: 0, ...message })
        seen.push(`received ${i + 1}`)
      }
    }
    if (type === 'send') {
      seen.push(request.body)
      if (isBack) reply({ type: 'ack', id, room: 'r', seq: ++seq, durability: 'disk' })
      else if (delivers) {
        reply({
          type: 'message',
          room: 'r',
          seq: 1,
          prevSeq: 0,
          time: 0,
          user: 'ann',
          id,
          body: request.body,
        })
        setTimeout(() => socket.terminate(), 50)
      } else socket.terminate()
    }
  }
  peer.on('connection', (socket) => {
    socket.on('error', () => {})
    socket.on('message', (data) => void answer(socket, JSON.parse(String(data))))
  })
  return {
    url: `ws://127.0.0.1:${(peer.address() as AddressInfo).port}`,
    seen,
    close() {
      for (const socket of peer.clients) socket.terminate()
      peer.close()
    },
  }
}
