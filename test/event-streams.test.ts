import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { seededRng } from '../src/base/rng.ts'
import { createChat, type EmbeddedChatOptions } from '../src/chat/embed.ts'
import { ChatClient, type ChatClientOptions, type ConnectionStatus } from '../src/client/node.ts'
import type { SupervisorOptions } from '../src/live/supervisor-options.ts'
import { VirtualUsers } from '../src/load/virtual-users.ts'
import type { OperatorContext } from '../src/pipeline/functions.ts'
import type { TrafficItem } from '../src/pipeline/items.ts'
import { HistoryChecker } from '../src/verify/checker.ts'
import { startHttpOnlyProxy } from './support/http-only-proxy.ts'
import { scriptedFleet } from './support/scripted-fleet.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function fleet(options: Partial<SupervisorOptions> = {}) {
  const { supervisor, desired } = scriptedFleet(options)
  closers.push(() => supervisor.stop())
  const port = await supervisor.start()
  supervisor.run()
  await expect.poll(() => supervisor.fleet.ready.length, { timeout: 20_000 }).toBe(2)
  return { supervisor, desired, port, url: `ws://127.0.0.1:${port}/chat` }
}

async function httpOnly(...ports: number[]) {
  const proxy = await startHttpOnlyProxy(() => ports)
  closers.push(() => proxy.close())
  return proxy
}

function user(url: string, name: string, more: Partial<ChatClientOptions> = {}) {
  const client = new ChatClient({ url, user: name, ...more })
  closers.push(() => client.close())
  const statuses: ConnectionStatus[] = []
  client.on('status', (status) => statuses.push(status))
  return { client, statuses }
}

/** A chat in this process, at `/chat` of an app's server. */
async function app(options: EmbeddedChatOptions = { auth: { anonymous: true } }) {
  const server = createServer((_, response) => response.end('the app'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const chat = await createChat(options)
  chat.attach(server)
  closers.push(async () => {
    await chat.close()
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { server, chat, port, url: `ws://127.0.0.1:${port}/chat`, http: `http://127.0.0.1:${port}` }
}

/** An event stream by hand: what it received, and how to send. */
async function stream(http: string, headers: Record<string, string> = {}) {
  const ends = new AbortController()
  closers.push(() => ends.abort())
  const response = await fetch(`${http}/chat/sse`, { headers, signal: ends.signal })
  const state = { response, text: '', ended: false }
  const reading = async () => {
    for await (const chunk of response.body!) state.text += Buffer.from(chunk).toString()
  }
  void reading()
    .catch(() => {})
    .finally(() => {
      state.ended = true
    })
  const until = (pattern: RegExp) => expect.poll(() => state.text, { timeout: 10_000 }).toMatch(pattern)
  if (response.status === 200) await until(/^event: open\ndata: .*\n\n/)
  const id = /^event: open\ndata: (.*)\n/.exec(state.text)?.[1] ?? ''
  const post = async (query: string, body: string | Uint8Array = '', more: Record<string, string> = {}) => {
    const init = { method: 'POST', body, headers: more }
    return (await fetch(`${http}/chat/sse/${id}?${query}`, init)).status
  }
  return { state, id, post, until, close: () => ends.abort() }
}

const hello = JSON.stringify({ type: 'hello', id: 'h', version: 1, user: 'ann' })

describe('where no WebSocket comes through', () => {
  it('users fall back, move, survive a killed server, and lose nothing', async () => {
    const { supervisor, port, desired } = await fleet()
    const proxy = await httpOnly(port)
    const checker = new HistoryChecker()
    const users = new VirtualUsers({ url: proxy.url, name: 'u', onEvent: (event) => checker.record(event) })
    users.open({ rng: seededRng(1) } as OperatorContext)
    const COUNT = 8
    for (let i = 0; i < COUNT; i++) users.execute({ kind: 'join', user: i, room: i % 2 } as TrafficItem)
    await expect.poll(() => users.counts.joined, { timeout: 30_000 }).toBe(COUNT)
    let talking = true
    const talk = (async () => {
      for (let i = 0; talking; i++) {
        users.execute({ kind: 'message', user: i % COUNT } as TrafficItem)
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
    })()
    const acked = async (more: number) => {
      const before = users.counts.acked
      await expect.poll(() => users.counts.acked - before, { timeout: 30_000 }).toBeGreaterThan(more)
    }
    await acked(40)
    desired.servers = 3
    await expect.poll(() => users.counts.moved, { timeout: 30_000 }).toBeGreaterThan(1)
    await acked(20)
    const [victim] = supervisor.fleet.ready
    const { reconnected } = users.counts
    supervisor.servers.child(victim!.id)!.kill('SIGKILL')
    await expect.poll(() => users.counts.reconnected, { timeout: 30_000 }).toBeGreaterThan(reconnected)
    await acked(40)
    talking = false
    await talk
    await users.waitForDeliveries()
    users.end()
    const { findings, acked: all } = checker.check()
    expect(findings).toEqual([])
    expect(all).toBeGreaterThan(100)
    expect(users.counts.failed).toBe(0)
    // Each was rejected as a WebSocket first, once, and remembers what worked.
    expect(proxy.counts.upgrades).toBe(COUNT)
    expect(proxy.counts.streams).toBeGreaterThan(COUNT)
  }, 90_000)

  it('a client goes back to WebSockets when they come through again, without a break', async () => {
    const { port, url } = await app()
    const proxy = await httpOnly(port)
    const bob = user(url, 'bob')
    await bob.client.join('r')
    const seen: string[] = []
    bob.client.on('message', ({ body }) => seen.push(body))
    const { client, statuses } = user(proxy.url, 'ann', { webSocketAgainMs: 50 })
    await client.join('r')
    await client.send('r', 'one')
    // Failed attempts at a WebSocket break nothing.
    await expect.poll(() => proxy.counts.upgrades, { timeout: 10_000 }).toBeGreaterThan(2)
    await client.send('r', 'two')
    expect(statuses.map(({ state }) => state)).toEqual(['waiting', 'open'])
    proxy.state.passUpgrades = true
    await expect.poll(() => statuses.at(-1)!.state, { timeout: 20_000 }).toBe('moved')
    const { posts } = proxy.counts
    await client.send('r', 'three')
    await expect.poll(() => seen).toEqual(['one', 'two', 'three'])
    expect(proxy.counts.posts - posts).toBeLessThan(2) // at most the one that closes the stream
    expect(statuses.map(({ state }) => state)).toEqual(['waiting', 'open', 'moved'])
  }, 40_000)

  it('uses event streams alone when asked to, and only WebSockets when asked to', async () => {
    const { port } = await app()
    const proxy = await httpOnly(port)
    const { client } = user(proxy.url, 'ann', { transport: 'sse' })
    await client.join('r')
    expect(proxy.counts.upgrades).toBe(0)
    const { statuses } = user(proxy.url, 'bob', { transport: 'websocket' })
    await expect.poll(() => statuses.length, { timeout: 10_000 }).toBeGreaterThan(2)
    expect(statuses.every(({ state, cause }) => state === 'waiting' && cause === 'origin')).toBe(true)
    expect(proxy.counts.streams).toBe(1)
  })

  it('a client that had WebSockets tries three before anything else', async () => {
    const { port } = await app()
    const proxy = await httpOnly(port)
    proxy.state.passUpgrades = true
    const { client, statuses } = user(proxy.url, 'ann')
    await client.join('r')
    proxy.state.passUpgrades = false
    proxy.cut()
    await expect
      .poll(() => statuses.filter(({ state }) => state === 'open').length, { timeout: 20_000 })
      .toBe(2)
    await client.send('r', 'hello')
    expect(proxy.counts).toMatchObject({ upgrades: 4, streams: 1 })
  }, 30_000)
})

it('counts a stream as a connection of its client, and not what is sent beside it', async () => {
  const rates = { connectionsPerSecond: 0.001, connectionBurst: 2 }
  const { port } = await fleet({ gateway: { port: 0, trustedProxies: ['127.0.0.1'], ...rates } })
  const proxy = await startHttpOnlyProxy(() => [port], { keepAlive: false, forwardedFor: '198.51.100.1' })
  closers.push(() => proxy.close())
  const { client } = user(proxy.url, 'ann', { transport: 'sse' })
  await client.join('r')
  for (let i = 0; i < 10; i++) await client.send('r', `${i}`)
  await user(proxy.url, 'bob', { transport: 'sse' }).client.join('r')
  const { statuses } = user(proxy.url, 'eve', { transport: 'sse' })
  await expect.poll(() => statuses[0], { timeout: 10_000 }).toMatchObject({ cause: 'rate-limited' })
}, 40_000)

describe('an event stream', () => {
  it('F1, F2, F3: carries the protocol: frames in order, each request once, and a close with its code', async () => {
    const { http, chat } = await app()
    const one = await stream(http)
    expect(one.state.response.headers.get('content-type')).toBe('text/event-stream')
    expect(one.state.response.headers.get('x-accel-buffering')).toBe('no')
    for (const none of ['', 'n=', 'n=0', 'n=0x1', 'n=1e0', 'n=1.0', 'n=%201', 'N=1', 'n=01'])
      expect([none, await one.post(none, hello)]).toEqual([none, 409])
    expect(await one.post('n=1', hello)).toBe(204)
    await one.until(/data: {"type":"welcome".*"user":"ann"/)
    const join = JSON.stringify({ type: 'join', id: 'j', room: 'r' })
    const send = (id: string) => JSON.stringify({ type: 'send', room: 'r', id, body: `body ${id}` })
    expect(await one.post('n=2', `${join}\n${send('a')}\n${send('b')}`)).toBe(204)
    await one.until(/"type":"ack","id":"b"/)
    expect(await one.post('n=2', `${join}\n${send('a')}\n${send('b')}`)).toBe(204) // again: not received again
    expect(await one.post('n=4', send('d'))).toBe(409)
    expect(await one.post('n=3', send('c'))).toBe(204)
    await one.until(/"type":"ack","id":"c"/)
    expect(one.state.text.match(/"type":"ack"/g)).toHaveLength(3)
    const { messages } = await chat.service.history('r', Number.MAX_SAFE_INTEGER, 10)
    expect(messages.map(({ id }) => id)).toEqual(['a', 'b', 'c'])
    expect(await one.post('n=4', 'nonsense')).toBe(204)
    await one.until(/"type":"error","code":"bad-message"/)
    expect(await one.post('n=5', JSON.stringify({ type: 'hello', id: 'x', version: 1, user: 'ann' }))).toBe(
      204,
    )
    await one.until(/hello comes once/)
    expect(await one.post('close')).toBe(204)
    await expect.poll(() => one.state.ended).toBe(true)
    expect(await one.post('n=6', send('e'))).toBe(404)

    const other = await stream(http)
    expect(await other.post('n=1', 'nonsense')).toBe(204)
    await other.until(/event: close\ndata: {"code":4400,"reason":"not a hello"}\n\n$/)
    await expect.poll(() => other.state.ended).toBe(true)
  })

  it('F3: has the limits of a WebSocket: origins, connections, sizes, text', async () => {
    const { http } = await app({
      auth: { anonymous: true },
      origins: ['https://chat.example'],
      limits: { maxConnections: 2, maxBodyBytes: 1024 },
    })
    const foreign = await stream(http, { origin: 'https://evil.example' })
    expect([foreign.state.response.status, foreign.state.text]).toEqual([403, ''])
    const origin = 'https://chat.example'
    const one = await stream(http, { origin })
    expect(one.state.response.headers.get('access-control-allow-origin')).toBe(origin)
    expect(await one.post('n=1', hello, { origin: 'https://evil.example' })).toBe(403)
    expect(await one.post('n=1', hello, { origin })).toBe(204)
    const two = await stream(http)
    expect((await stream(http)).state.response.status).toBe(503)
    expect(await one.post('n=2', 'x'.repeat(6 * 1024 + 8193))).toBe(413)
    await one.until(/event: close\ndata: {"code":1009/)
    expect(await two.post('n=1', new Uint8Array([0x7b, 0xff]))).toBe(204)
    await two.until(/event: close\ndata: {"code":1007/)
    expect((await fetch(`${http}/chat/sse/1-${'x'.repeat(24)}?n=1`, { method: 'POST' })).status).toBe(404)
  })

  it('that is not read gets no pushes, and what it missed when it reads again', async () => {
    const { port, url } = await app({
      auth: { anonymous: true },
      limits: { outboxBytes: 65_536, messagesPerSecond: 10_000, messageBurst: 10_000 },
    })
    const slow = connect(port, '127.0.0.1')
    closers.push(() => slow.destroy())
    let text = ''
    slow.on('data', (chunk) => {
      text += chunk.toString('latin1')
    })
    slow.write('GET /chat/sse HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
    await expect.poll(() => text).toMatch(/event: open\ndata: .*\n/)
    const id = /event: open\ndata: (.*)\n/.exec(text)![1]
    const join = JSON.stringify({ type: 'join', id: 'j', room: 'r' })
    const init = { method: 'POST', body: `${hello}\n${join}` }
    await fetch(`http://127.0.0.1:${port}/chat/sse/${id}?n=1`, init)
    await expect.poll(() => text).toContain('"type":"joined"')
    slow.pause()
    const { client } = user(url, 'bob')
    await client.join('r')
    const COUNT = 1500
    const body = 'x'.repeat(8000)
    const seen: number[] = []
    client.on('message', ({ seq }) => seen.push(seq))
    for (let i = 0; i < COUNT; i += 50)
      await Promise.all(Array.from({ length: 50 }, () => client.send('r', body)))
    await expect.poll(() => seen.length, { timeout: 20_000 }).toBe(COUNT) // who reads waits for nobody
    slow.resume()
    await expect.poll(() => text.slice(-9000), { timeout: 30_000 }).toContain(`"seq":${seen.at(-1)},`)
    expect(text).toContain('"type":"lagging"')
    const places = [...text.matchAll(/"type":"message".*?"seq":(\d+)/g)].map(([, seq]) => Number(seq))
    expect(places).toEqual(seen)
  }, 60_000)

  it('is given back to the app with everything else when the chat is closed', async () => {
    const { server, chat, http } = await app()
    expect(await (await fetch(`${http}/chat/other`)).text()).toBe('the app')
    const one = await stream(http)
    await one.post('n=1', hello)
    await chat.close()
    await one.until(/event: close\ndata: {"code":1012/)
    expect(await (await fetch(`${http}/chat/sse`)).text()).toBe('the app')
    expect(server.listenerCount('request')).toBe(1)
  })
})
