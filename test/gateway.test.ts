import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { ChatClient } from '../src/client/node.ts'
import { notFound } from '../src/live/control-http.ts'
import { Supervisor } from '../src/live/supervisor.ts'
import type { SupervisorOptions } from '../src/live/supervisor-options.ts'
import { AutoScaler } from '../src/scaling/auto-scaler.ts'
import { upgrade } from './support/raw-websocket.ts'

const running: Supervisor[] = []
const sockets: Socket[] = []
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await Promise.all(running.splice(0).map((supervisor) => supervisor.stop()))
})

async function fleet(options: Partial<SupervisorOptions> = {}, servers = 1) {
  const supervisor = new Supervisor(
    {
      gateway: { port: 0 },
      autoScaler: new AutoScaler({ minServers: servers, maxServers: servers }),
      ...options,
    },
    createServer(notFound),
  )
  const port = await supervisor.start()
  running.push(supervisor)
  supervisor.run()
  return { supervisor, port, url: `ws://127.0.0.1:${port}/chat` }
}

/** A bare connection: what it received so far, and whether the other side ended it. */
function raw(port: number) {
  const socket = connect(port, '127.0.0.1')
  sockets.push(socket)
  const state = { socket, got: '', ended: false }
  socket.on('data', (chunk) => {
    state.got += chunk.toString('latin1')
  })
  socket.on('error', () => {})
  socket.on('close', () => {
    state.ended = true
  })
  return state
}

async function answer(port: number, text: string | Buffer): Promise<string> {
  const one = raw(port)
  one.socket.write(text)
  await expect.poll(() => one.got, { timeout: 8000 }).toMatch(/^HTTP\/1\.1 \d+/)
  return one.got.split(' ')[1]!
}

const descriptors = () => readdirSync('/proc/self/fd').length

describe('the gateway behind proxies', () => {
  it('hands over a connection whose first requests were plain', async () => {
    const { port } = await fleet()
    const one = raw(port)
    for (let i = 1; i <= 3; i++) {
      one.socket.write('GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
      await expect.poll(() => one.got.match(/HTTP\/1\.1 404/g)?.length).toBe(i)
    }
    one.socket.write(upgrade())
    await expect.poll(() => one.got).toMatch(/HTTP\/1\.1 101 Switching Protocols/)
    // The server behind it speaks: a hello without a name is rejected by it, in a close frame.
    one.got = ''
    one.socket.write(Buffer.from([0x81, 0x80, 0, 0, 0, 0]))
    await expect.poll(() => one.got.length).toBeGreaterThan(0)
  })

  it('answers HTTP/1.0, heads up to 16 KiB, and upgrades nothing but the chat', async () => {
    const { port, supervisor } = await fleet()
    expect(await answer(port, 'GET / HTTP/1.0\r\n\r\n')).toBe('404')
    expect(await answer(port, upgrade('/chat', [`X: ${'a'.repeat(15_000)}`]))).toBe('101')
    expect(await answer(port, upgrade('/chat', [`X: ${'a'.repeat(17_000)}`]))).toBe('431')
    expect(await answer(port, upgrade('/'))).toBe('404')
    expect(await answer(port, upgrade('/chatter'))).toBe('404')
    expect(await answer(port, upgrade('/').replace('websocket', 'h2c'))).toBe('404')
    expect(supervisor.gateway.rejected).toMatchObject({ 'head-too-large': 1, 'not-found': 2 })
    expect(supervisor.gateway.rejected['no-websocket']).toBe(0)
  })

  it('counts each user behind a trusted proxy by the address that it names', async () => {
    const limits = { port: 0, connectionsPerSecond: 0.01, connectionBurst: 2 }
    const trusting = await fleet({ gateway: { ...limits, trustedProxies: ['127.0.0.0/8', '10.0.0.0/8'] } })
    const ask = (...headers: string[]) => answer(trusting.port, upgrade('/chat', headers))
    for (let i = 0; i < 5; i++) expect(await ask(`X-Forwarded-For: 198.51.100.${i}`)).toBe('101')
    // What comes before the last untrusted address was written by that sender.
    for (const expected of ['101', '101', '429'])
      expect(await ask(`X-Forwarded-For: 1.2.3.${Math.random()}, 203.0.113.7, 10.0.0.1`)).toBe(expected)
    for (const expected of ['101', '101', '429'])
      expect(await ask('Forwarded: for="[2001:db8::1]:4711";proto=https')).toBe(expected)
    expect(await ask('Forwarded: for="[2001:db8::2]"')).toBe('429') // of the same network
    const wary = await fleet({ gateway: limits })
    const anyone = () => answer(wary.port, upgrade('/chat', [`X-Forwarded-For: 198.51.100.${Math.random()}`]))
    expect([await anyone(), await anyone(), await anyone()]).toEqual(['101', '101', '429'])
  })

  it('counts a kept-alive connection of a trusted proxy for the client that each request names', async () => {
    const limits = { port: 0, connectionsPerSecond: 0.01, connectionBurst: 1 }
    const { port } = await fleet({ gateway: { ...limits, trustedProxies: ['127.0.0.1'] } })
    const one = raw(port)
    one.socket.write('GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 198.51.100.1\r\n\r\n')
    await expect.poll(() => one.got).toMatch(/HTTP\/1\.1 404/)
    one.socket.write(upgrade('/chat', ['X-Forwarded-For: 198.51.100.2']))
    await expect.poll(() => one.got).toMatch(/HTTP\/1\.1 101/)
    expect(await answer(port, upgrade('/chat', ['X-Forwarded-For: 198.51.100.2']))).toBe('429')
  })

  it('reads PROXY headers of both versions, and accepts no connection without one', async () => {
    const gateway = { port: 0, connectionsPerSecond: 0.01, connectionBurst: 1, trustedProxies: ['127.0.0.1'] }
    const { port } = await fleet({ gateway: { ...gateway, proxyProtocol: true } })
    const v2 = (last: number) =>
      Buffer.concat([
        Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1'),
        Buffer.from([0x21, 0x11, 0, 12, 192, 0, 2, last, 127, 0, 0, 1, 0x10, 0, 0x20, 0]),
        Buffer.from(upgrade()),
      ])
    expect([await answer(port, v2(1)), await answer(port, v2(2)), await answer(port, v2(1))]).toEqual([
      '101',
      '101',
      '429',
    ])
    const v1 = (last: number) => `PROXY TCP4 192.0.2.${last} 127.0.0.1 4096 8080\r\n${upgrade()}`
    expect([await answer(port, v1(3)), await answer(port, v1(3))]).toEqual(['101', '429'])
    const local = Buffer.from('\r\n\r\n\0\r\nQUIT\n\x20\0\0\0', 'latin1')
    expect(await answer(port, Buffer.concat([local, Buffer.from('GET / HTTP/1.0\r\n\r\n')]))).toBe('404')
    expect(await answer(port, upgrade())).toBe('400')
  })

  it('counts and logs an origin that may not connect', async () => {
    const lines: string[] = []
    const log = (line: string) => void lines.push(line)
    const logger = { debug: log, info: log, warn: log, error: log }
    const origins = ['https://Chat.example.org:443/', 'https://*.example.com', 'http://10.1.2.3:8080']
    const { port, supervisor } = await fleet({ logger, chat: { auth: { anonymous: true }, origins } })
    const ask = (origin: string) => answer(port, upgrade('/chat', [`Origin: ${origin}`]))
    for (const good of ['https://chat.example.org', 'https://a.b.example.com', 'http://10.1.2.3:8080'])
      expect([good, await ask(good)]).toEqual([good, '101'])
    for (const bad of ['http://chat.example.org', 'https://example.com', 'https://badexample.com', 'null'])
      expect([bad, await ask(bad)]).toEqual([bad, '403'])
    expect(supervisor.gateway.rejected.origin).toBe(4)
    expect(
      lines.filter((line) => /403.*origin "https:\/\/badexample.com".*live.origins/.test(line)),
    ).toHaveLength(1)
    for (const nonsense of ['chat.example.org', 'https://a.org/path', '', 'https://*', 'null'])
      expect(
        () =>
          new Supervisor(
            { gateway: { port: 0 }, autoScaler: new AutoScaler(), chat: { origins: [nonsense] } },
            createServer(),
          ),
      ).toThrow(/origins\[0\].*not an origin/)
  })
})

describe('the gateway under attack', () => {
  it.each(['round-robin', 'least-loaded', 'power-of-two', 'weighted', 'consistent-hash'] as const)(
    'fills every server by %s, and says when all are full',
    { timeout: 30_000 },
    async (strategy) => {
      const chat = { auth: { anonymous: true }, limits: { maxConnections: 3 } }
      const { url, port, supervisor } = await fleet({ strategy, chat }, 2)
      const clients = Array.from({ length: 6 }, (_, i) => new ChatClient({ url, user: `u${i}` }))
      await Promise.all(clients.map((client) => client.join('one room')))
      expect(await answer(port, upgrade('/chat?room=one%20room'))).toBe('503')
      expect(supervisor.gateway.rejected.full).toBe(1)
      for (const client of clients) client.close()
    },
  )

  it('lets go of the descriptors of rejected connections, whether they stay or go', async () => {
    const { port } = await fleet({ gateway: { port: 0, connectionsPerSecond: 0.01, connectionBurst: 1 } })
    await answer(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    const before = descriptors()
    const all = Array.from({ length: 50 }, () => raw(port))
    for (const { socket } of all) socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await expect.poll(() => all.every(({ got }) => got.startsWith('HTTP/1.1 429'))).toBe(true)
    await expect.poll(() => all.every(({ ended }) => ended), { timeout: 5000 }).toBe(true)
    await expect.poll(descriptors, { timeout: 5000 }).toBeLessThanOrEqual(before)
  })

  it('ends kept-alive connections that send no second request whole', { timeout: 40_000 }, async () => {
    const { port } = await fleet()
    const second = raw(port)
    second.socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: ')
    const body = raw(port)
    body.socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\nabc')
    const head = raw(port)
    head.socket.write('GET / HTTP/1.1\r\nHost: a\r\nX: ')
    const all = [second, body, head]
    await expect.poll(() => all.map(({ ended }) => ended), { timeout: 25_000 }).toEqual([true, true, true])
  })
})

it('reads a head that comes byte by byte, and forgets who goes before it is whole', async () => {
  const { port } = await fleet()
  const one = raw(port)
  for (const byte of upgrade()) {
    one.socket.write(byte)
    await new Promise((resolve) => setImmediate(resolve))
  }
  await expect.poll(() => one.got, { timeout: 8000 }).toMatch(/^HTTP\/1\.1 101/)
  const before = descriptors()
  const gone = Array.from({ length: 20 }, () => raw(port))
  for (const { socket } of gone) socket.write('GET /chat HTTP/1.1\r\nHost:')
  await expect.poll(descriptors, { timeout: 8000 }).toBeGreaterThanOrEqual(before + 2 * gone.length)
  for (const { socket } of gone) socket.destroy()
  await expect.poll(descriptors, { timeout: 8000 }).toBeLessThanOrEqual(before + 2)
})

it('has any number of connections on their way to a server, and gives them to others when it dies', {
  timeout: 90_000,
}, async () => {
  const { port, supervisor } = await fleet({ hangSeconds: 120 }, 2)
  supervisor.servers.child(1)!.kill('SIGSTOP')
  const many = Array.from({ length: 200 }, () => raw(port))
  for (const { socket } of many) socket.write(upgrade())
  const served = () => many.filter(({ got }) => got.startsWith('HTTP/1.1 101')).length
  await expect.poll(served, { timeout: 30_000 }).toBe(100)
  await expect.poll(() => supervisor.gateway.inFlight(1, 0), { timeout: 30_000 }).toBe(100)
  supervisor.servers.child(1)!.kill('SIGKILL')
  await expect.poll(served, { timeout: 30_000 }).toBe(200)
  expect(supervisor.gateway.retried).toBe(100)
})

it('decides as soon as users pass the threshold, and moves some when the new server is ready', {
  timeout: 90_000,
}, async () => {
  const { url, supervisor } = await fleet({
    decideEarly: true,
    autoScaler: new AutoScaler({ scaleUpThreshold: 10, minServers: 1, maxServers: 3, interval: 600 }),
    strategy: 'least-loaded',
  })
  const names = Array.from({ length: 11 }, (_, i) => `user ${i}`)
  const clients = names.map((user) => new ChatClient({ url, user }))
  await Promise.all(clients.map((client) => client.join('r')))
  await expect.poll(() => clients.some(({ server }) => server === 2), { timeout: 60_000 }).toBe(true)
  expect(supervisor.decisions.scale_up).toBe(1) // one step in an interval, whatever comes
  for (const client of clients) client.close()
})

it.each<[object, RegExp]>([
  [{ autth: {} }, /^chat.autth: there is no such key$/],
  [{ auth: { secret: 'a short one' } }, /^auth.secret: it is not allowed$/],
  [{ limits: { maxRoms: 5 } }, /^limits.maxRoms: there is no such key$/],
  [{ hooks: { beforeJoin() {} } }, /^hooks: functions cannot be sent to server processes$/],
])('rejects a chat that its servers could not start with: %j', (chat, message) => {
  const autoScaler = new AutoScaler({ minServers: 1, maxServers: 1 })
  const made = () => new Supervisor({ gateway: { port: 0 }, autoScaler, chat }, createServer(notFound))
  expect(made).toThrow(message)
})

it('stops without having run', async () => {
  const supervisor = new Supervisor(
    { gateway: { port: 0 }, autoScaler: new AutoScaler({ minServers: 1, maxServers: 1 }) },
    createServer(notFound),
  )
  await supervisor.start()
  expect(await supervisor.stop()).toMatchObject({ scalingEvents: [] })
  const never = new Supervisor(
    { gateway: { port: 0 }, autoScaler: new AutoScaler({ minServers: 1, maxServers: 1 }) },
    createServer(notFound),
  )
  expect(await never.stop()).toMatchObject({ scalingEvents: [] })
})

it('has a server within a moment where one was started ahead, and leaves no process', {
  timeout: 60_000,
}, async () => {
  const desired = { servers: 1 }
  const policy = { name: 'as asked', evaluate: () => ({ ...desired, reason: 'asked for' }) }
  const autoScaler = new AutoScaler({ policy, minServers: 1, maxServers: 3, cooldown: 0, interval: 0.1 })
  const { supervisor, url } = await fleet({ autoScaler, spares: 1 })
  const processes = () =>
    readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').trim().split(' ').map(Number)
  const first = supervisor.servers.child(1)!.pid!
  const spare = () => processes().filter((pid) => isServer(pid) && pid !== first)
  await expect.poll(spare, { timeout: 20_000 }).toHaveLength(1)
  const [ahead] = spare()
  desired.servers = 2
  await expect.poll(() => supervisor.fleet.ready.length, { timeout: 20_000 }).toBe(2)
  expect(supervisor.servers.child(2)!.pid).toBe(ahead)
  // One that dies while it waits is not a failed server, and the next launch does without it.
  await expect.poll(() => spare().length, { timeout: 20_000 }).toBe(2)
  const killed = spare().find((pid) => pid !== ahead)!
  process.kill(killed, 'SIGKILL')
  // Once it is not a child any more, its end has been noticed.
  await expect.poll(() => processes().includes(killed), { timeout: 20_000 }).toBe(false)
  desired.servers = 3
  await expect.poll(() => supervisor.fleet.ready.length, { timeout: 20_000 }).toBe(3)
  expect(supervisor.failures).toBe(0)
  const client = new ChatClient({ url, user: 'ann' })
  await client.join('r')
  client.close()
  const all = processes().filter(isServer)
  await Promise.all(running.splice(0).map((each) => each.stop()))
  for (const pid of all) expect(() => process.kill(pid, 0)).toThrow()
})

function isServer(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('server-process')
  } catch {
    return false
  }
}
