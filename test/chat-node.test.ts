import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { MemoryRoomLog } from '../src/chat/log/memory.ts'
import type { Broker } from '../src/cluster/broker.ts'
import { ChatNode, type ChatNodeOptions } from '../src/cluster/chat-node.ts'
import type { AccessEntry } from '../src/http/access-log.ts'
import { upgrade } from './support/raw-websocket.ts'

/** A server of a cluster before strangers: nothing is in front of its port. */

const open: (() => unknown)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

const broker: Broker = {
  bus: { connected: true, publish() {}, subscribe: () => () => {} },
  store: { get: async () => undefined, put: async () => 1 },
  openLog: async () => new MemoryRoomLog(),
  close: async () => {},
}

async function server(options: Partial<ChatNodeOptions> = {}) {
  const node = new ChatNode(broker, {
    port: 0,
    chat: { auth: { anonymous: true } },
    page: (_, response) => response.end('the page'),
    ...options,
  })
  const port = await node.start()
  open.push(() => node.close())
  return { node, port }
}

/** The status of the answer to a request, and the connection it came on. */
async function ask(port: number, text: string): Promise<{ status: string; got: string; socket: Socket }> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  open.push(() => socket.destroy())
  socket.write(text)
  const [answer] = (await once(socket, 'data')) as [Buffer]
  const got = answer.toString('latin1')
  return { status: got.split(' ')[1]!, got, socket }
}

it('upgrades nothing but the chat', async () => {
  const entries: AccessEntry[] = []
  const { port } = await server({ onAccess: (entry) => entries.push(entry) })
  expect((await ask(port, upgrade('/chat?to=1'))).status).toBe('101')
  for (const path of ['/', '//', '/chatter', '/chat/sse', '/healthz'])
    expect([path, (await ask(port, upgrade(path))).status]).toEqual([path, '404'])
  expect(entries.filter(({ reason }) => reason === 'not-found')).toHaveLength(5)
})

it('serves a request for a protocol that it does not speak as if it had not asked', async () => {
  const { port } = await server()
  const h2c = 'Host: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n'
  expect((await ask(port, `GET /readyz HTTP/1.1\r\n${h2c}\r\n`)).got).toMatch(/^HTTP\/1.1 200 .*\r\nready\n/s)
  const { got, socket } = await ask(port, `GET / HTTP/1.1\r\n${h2c}\r\n`)
  expect(got).toMatch(/^HTTP\/1.1 200 .*the page/s)
  socket.write(`POST /chat/sse/none?n=1 HTTP/1.1\r\n${h2c}Content-Length: 4\r\n\r\n`)
  socket.write('{}\r\n')
  expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1.1 404 /)
})

it('bounds the new connections of an address where its config does, by the address that a trusted proxy names', async () => {
  const rates = { connectionsPerSecond: 0.001, connectionBurst: 2 }
  const { node, port } = await server({ rates, trustedProxies: ['127.0.0.1'] })
  const status = async (client: string, text: string) =>
    (await ask(port, text.replace('\r\n\r\n', `\r\nX-Forwarded-For: ${client}\r\n\r\n`))).status
  const stream = 'GET /chat/sse HTTP/1.1\r\nHost: x\r\n\r\n'
  expect(await status('192.0.2.1', upgrade('/chat'))).toBe('101')
  expect(await status('192.0.2.1', stream)).toBe('200')
  expect(await status('192.0.2.1', upgrade('/chat'))).toBe('429')
  expect(await status('192.0.2.1', stream)).toBe('429')
  expect(await status('192.0.2.2', upgrade('/chat'))).toBe('101')
  node.configure({ auth: { anonymous: true } })
  expect(await status('192.0.2.1', upgrade('/chat'))).toBe('101')
})

it('reads heads of the size that its config allows', async () => {
  const { port } = await server({ maxHeadBytes: 2048 })
  expect((await ask(port, upgrade('/chat', [`X: ${'a'.repeat(1000)}`]))).status).toBe('101')
  expect((await ask(port, upgrade('/chat', [`X: ${'a'.repeat(3000)}`]))).status).toBe('431')
})
