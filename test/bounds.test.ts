import { afterEach, expect, it, vi } from 'vitest'
import type { ChatOptions } from '../src/chat/options.ts'
import { RawUser, startChat, userOnLink } from './support/chat.ts'
import { clientFrame, OP, RawSocket, text } from './support/raw-websocket.ts'

/** What one connection can cost its server and its neighbours. */

const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close()
})

async function chat(options: ChatOptions = {}) {
  const started = await startChat(options)
  open.push(started)
  return started
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const hello = text({ type: 'hello', version: 1, user: 'evil' })

async function acks(raw: RawUser, count: number): Promise<number> {
  const began = performance.now()
  const before = raw.of('ack').length
  for (let i = 0; i < count; i++) {
    raw.send({ type: 'send', room: 'calm', id: `${before + i}`, body: 'x' })
    await raw.until('ack', before + i + 1)
  }
  return performance.now() - began
}

const FLOODS = {
  junk: text('x'),
  leave: text({ type: 'leave', room: 'q' }),
  typing: text({ type: 'typing', room: 'q' }),
  join: text({ type: 'join', room: 'r' }),
  history: text({ type: 'history', room: 'r', before: 1, limit: 1 }),
  pings: clientFrame(OP.ping, 'p'.repeat(125)),
}

it.each(Object.entries(FLOODS))(
  'C9: a flood of %s is closed or not read, and neighbours notice little',
  async (_, frame) => {
    const { url, servers } = await chat()
    const calm = await RawUser.hello(url, 'calm')
    calm.send({ type: 'join', room: 'calm' })
    await calm.until('joined')
    const evil = await RawSocket.open(url, [hello, text({ type: 'join', room: 'r' })])
    const block = Buffer.concat(Array(5000).fill(frame))
    evil.socket.write(block)
    evil.socket.write(block)
    expect(await acks(calm, 20)).toBeLessThan(3000)
    // Closed, or not read beyond its budget: either way only a few were handled.
    await sleep(300)
    expect(evil.frames.length).toBeLessThan(2500)
    expect(servers[0]!.stats.failures).toBe(0)
    evil.socket.destroy()
  },
)

it('B1: an unread connection is not read either, and is closed in the end', async () => {
  const limits = { outboxBytes: 32_768, slowSeconds: 1, messagesPerSecond: 1e6, messageBurst: 1e6 }
  const { url, servers } = await chat({ limits })
  const evil = await RawSocket.open(url, [hello, text({ type: 'join', room: 'r' })])
  await evil.until(2)
  evil.socket.pause()
  const ask = text({ type: 'leave', id: 'i'.repeat(64), room: 'x'.repeat(128) })
  const began = performance.now()
  const asking = setInterval(() => evil.socket.write(Buffer.concat(Array(200).fill(ask))), 20)
  open.push({ close: () => clearInterval(asking) })
  await expect.poll(() => servers[0]!.stats.connections, { timeout: 25_000 }).toBe(0)
  expect(performance.now() - began).toBeGreaterThan(500)
})

it('B1, Q5: pages of history for one connection are read one at a time', async () => {
  const { url, log } = await chat({ limits: { messagesPerSecond: 1e4, messageBurst: 1e4 } })
  const ann = await RawUser.hello(url, 'ann')
  ann.send({ type: 'join', room: 'r' })
  for (let i = 0; i < 50; i++) ann.send({ type: 'send', room: 'r', id: `${i}`, body: '"'.repeat(8000) })
  await ann.until('ack', 50)
  let reading = 0
  let most = 0
  const read = log.readBefore.bind(log)
  log.readBefore = async (...args) => {
    most = Math.max(most, ++reading)
    await sleep(2)
    return read(...args).finally(() => reading--)
  }
  for (let i = 0; i < 30; i++) ann.send({ type: 'history', id: `h${i}`, room: 'r', before: 1e9, limit: 200 })
  const pages = await ann.until('history', 30)
  expect(most).toBe(1)
  expect(pages.map(({ id }) => id)).toEqual(Array.from({ length: 30 }, (_, i) => `h${i}`))
  expect(pages.every(({ messages }) => messages.at(-1)!.seq === 50)).toBe(true)
})

it('B1: a slow reader that resets its connection leaves the server running', async () => {
  const limits = { outboxBytes: 32_768, messagesPerSecond: 1e6, messageBurst: 1e6, slowSeconds: 60 }
  const { url, servers } = await chat({ limits })
  const ann = await RawUser.hello(url, 'ann')
  ann.send({ type: 'join', room: 'r' })
  await ann.until('joined')
  let n = 0
  for (let round = 0; round < 6; round++) {
    const slow = await Promise.all(
      Array.from({ length: 5 }, async () => {
        const raw = await RawSocket.open(url, [hello, text({ type: 'join', room: 'r' })])
        await raw.until(2)
        raw.socket.pause()
        return raw
      }),
    )
    for (let i = 0; i < 200; i++) ann.send({ type: 'send', room: 'r', id: `${n++}`, body: 'x'.repeat(8000) })
    await ann.until('ack', n)
    for (const { socket } of slow) socket.resume()
    await sleep(round)
    for (const { socket } of slow) socket.resetAndDestroy()
    await sleep(20)
  }
  await expect.poll(() => servers[0]!.stats.connections).toBe(1)
  ann.send({ type: 'ping', id: 'p' })
  expect(await ann.until('pong')).toEqual([{ type: 'pong', id: 'p' }])
})

it('C6: a handler that fails by mistake rejects its request, and the connection continues', async () => {
  const logged = vi.spyOn(console, 'error').mockImplementation(() => {})
  const started = await userOnLink({
    typing() {
      throw new TypeError('a mistake')
    },
  })
  open.push(started)
  const { ann, server } = started
  ann.send({ type: 'join', room: 'r' })
  await ann.until('joined')
  ann.send({ type: 'typing', id: 't', room: 'r' })
  expect((await ann.until('rejected'))[0]).toMatchObject({ id: 't', request: 'typing', code: 'internal' })
  ann.send({ type: 'send', id: 's', room: 'r', body: 'x' })
  expect((await ann.until('ack'))[0]).toMatchObject({ id: 's', seq: 1 })
  expect(server.stats.failures).toBe(1)
  expect(logged).toHaveBeenCalledTimes(1)
  logged.mockRestore()
})

it('R2: a cursor beyond the end is reset, and does not leave its member deaf', async () => {
  const { url } = await chat()
  const ann = await RawUser.hello(url, 'ann')
  ann.send({ type: 'join', id: '1', room: 'r' })
  const { epoch } = (await ann.until('joined'))[0]!.cursor
  ann.send({ type: 'send', id: 'm', room: 'r', body: 'x' })
  await ann.until('ack')
  const bob = await RawUser.hello(url, 'bob')
  bob.send({ type: 'join', room: 'r', cursor: { epoch, seq: 1_000_000 } })
  expect((await bob.until('joined'))[0]).toMatchObject({ reset: true, cursor: { epoch, seq: 1 } })
  ann.send({ type: 'send', id: 'n', room: 'r', body: 'y' })
  expect((await bob.until('message'))[0]).toMatchObject({ seq: 2 })
})
