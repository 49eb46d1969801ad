import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { type WebSocket, WebSocketServer } from 'ws'

export type Fields = Record<string, unknown>
export const WELCOME = {
  type: 'welcome',
  version: 1,
  user: 'ann',
  server: 1,
  durability: 'memory',
  retryMs: [20, 40],
}
const LIMITS = { heartbeatMs: 15_000, maxBodyBytes: 100 }

/** Answers with a field of a wrong type, by the request that gets them. */
export const WRONG_ANSWERS: readonly [type: string, answer: Fields][] = [
  ['hello', { ...WELCOME, ...LIMITS, user: 7 }],
  ['hello', { ...WELCOME, ...LIMITS, expiresInMs: 'soon' }],
  ['join', { type: 'joined', room: 'a', head: 4, members: 1 }],
  ['join', { type: 'joined', room: 'a', cursor: { epoch: 'e' }, head: 4, members: 1 }],
  ['join', { type: 'joined', room: 'a', cursor: { epoch: 'e', seq: '4' }, head: 4, members: 1 }],
  ['join', { type: 'joined', room: 'a', cursor: { epoch: 'e', seq: 4 }, head: 4, members: null }],
  ['join', { type: 'joined', room: 'a', cursor: { epoch: 'e', seq: 4 }, members: 1, users: 'ann' }],
  ['join', { type: 'rejected', request: 'join', room: 'a', code: 5, message: 'no' }],
  ['join', { type: 'rejected', request: 'join', room: 'a', code: 'overloaded', message: '', retryMs: [] }],
  ['send', { type: 'ack', room: 'a', seq: 'five', durability: 'memory' }],
  ['send', { type: 'message', room: 'a', seq: '5', prevSeq: 4, user: 'b', body: 'x' }],
  ['send', { type: 'message', room: 'a', seq: 5, prevSeq: null, user: 'b', body: 'x' }],
  ['send', { type: 'message', room: 'a', seq: 5, prevSeq: 4, user: 'b', body: { x: 1 } }],
  ['send', { type: 'gap', room: 'a', from: 1, to: 'end' }],
  ['send', { type: 'left', room: 'a', code: {} }],
  ['send', { type: 'move', afterMs: 'now' }],
]

/** A server that welcomes, confirms joins, acknowledges, and answers otherwise where `answer` says so. */
export async function scriptedPeer(
  answer: (request: Fields, connection: number, socket: WebSocket) => Fields | undefined,
) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  const requests: Fields[] = []
  let connections = 0
  server.on('connection', (socket) => {
    const connection = ++connections
    socket.on('error', () => {})
    socket.on('message', (data) => {
      const request = JSON.parse(String(data)) as Fields
      requests.push(request)
      const { type, id, room } = request
      const usual: Record<string, Fields> = {
        hello: { ...WELCOME, ...LIMITS },
        join: { type: 'joined', room, cursor: { epoch: 'e', seq: 4 }, head: 4, members: 1 },
        send: { type: 'ack', room, seq: 5, durability: 'memory' },
        ping: { type: 'pong' },
        leave: { type: 'left', room },
      }
      const answered = answer(request, connection, socket) ?? usual[String(type)]
      if (answered) socket.send(JSON.stringify({ id, ...answered }))
    })
  })
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, requests, connections: () => connections, close: () => server.close() }
}
