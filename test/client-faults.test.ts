import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket, connect as tcpConnect } from 'node:net'
import { SignJWT } from 'jose'
import { afterEach, expect, it, vi } from 'vitest'
import { WebSocketServer } from 'ws'
import { signToken } from '../src/chat/auth/sign.ts'
import type { ChatOptions } from '../src/chat/options.ts'
import { ChatClient, type ChatClientEvents, type ChatClientOptions } from '../src/client/node.ts'
import type { MessageData } from '../src/protocol/messages.ts'
import { startChat } from './support/chat.ts'

const SECRET = 'a secret of more than thirty-two characters'
const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close()
  vi.restoreAllMocks()
})

async function chat(options: ChatOptions = {}) {
  const started = await startChat(options)
  open.push(started)
  return started
}

function client(options: ChatClientOptions): ChatClient {
  const made = new ChatClient({ random: () => 0, ...options })
  open.push(made)
  return made
}

/** What the client reports, in order. */
function statuses(of: ChatClient): ChatClientEvents['status'][] {
  const seen: ChatClientEvents['status'][] = []
  of.on('status', (status) => seen.push(status))
  return seen
}

it('Q2, Q4: rejects at once what the protocol does not allow, and everything else still works', async () => {
  const { url } = await chat()
  const ann = client({ url, user: 'ann' })
  await ann.join('a')
  const invalid = { code: 'invalid' }
  await expect(ann.send('a', 'x', 'i'.repeat(65))).rejects.toMatchObject(invalid)
  await expect(ann.send('a', undefined as unknown as string)).rejects.toMatchObject(invalid)
  await expect(ann.send('a', 7 as unknown as string)).rejects.toMatchObject(invalid)
  const circle: Record<string, unknown> = {}
  circle.a = circle
  const throwing = {
    toJSON() {
      throw new Error('it cannot be written')
    },
  }
  for (const data of [{ a: 1n }, circle, throwing, { toJSON() {} }, new Date(), []] as object[]) {
    const more = { data: data as MessageData }
    await expect(ann.send('a', 'x', undefined, more)).rejects.toMatchObject(invalid)
    await expect(ann.edit('a', 1, 'x', undefined, more)).rejects.toMatchObject(invalid)
  }
  await expect(ann.join('x'.repeat(129))).rejects.toMatchObject(invalid)
  await expect(ann.join('half \ud800')).rejects.toMatchObject(invalid)
  await expect(ann.join('b', { history: 2000 })).rejects.toMatchObject(invalid)
  await expect(ann.join('b', { cursor: { epoch: 'e', seq: -1 } })).rejects.toMatchObject(invalid)
  await expect(ann.history('a', 1, 2000)).rejects.toMatchObject(invalid)
  await expect(ann.history('a', 1.5, 10)).rejects.toMatchObject(invalid)
  await expect(ann.send('a', 'x'.repeat(40_000))).rejects.toMatchObject({ code: 'too-large' })
  await expect(ann.send('b', 'x')).rejects.toMatchObject({ code: 'not-joined' })
  expect((await ann.send('a', '\u0001'.repeat(8000))).seq).toBe(1)
  expect((await ann.history('a', 5, 10)).messages).toHaveLength(1)
  expect(() => new ChatClient({ url: 'nonsense' })).toThrow('is not a ws://')
  expect(() => new ChatClient({ url, user: '' })).toThrow('user is 1 to 128')
})

it('names an option that there is not, or that cannot be, before anything is sent', async () => {
  const { url } = await chat()
  const wrong: [object, string][] = [
    [{ url, user: 'ann', timeoutMS: 500 }, 'timeoutMS: there is no such option; there are '],
    [{ url, user: 'ann', transport: 'polling' }, 'transport: only auto, websocket or sse'],
    [{ url, user: 'ann', ackMs: Number.NaN }, 'ackMs: only a number above 0'],
    [undefined as unknown as object, 'the options are not an object with '],
  ]
  for (const [options, message] of wrong)
    expect(() => new ChatClient(options as ChatClientOptions)).toThrow(message)

  const ann = client({ url, user: 'ann' })
  await ann.join('a')
  const unknown = (name: string) => ({
    code: 'invalid',
    message: expect.stringContaining(`${name}: there is no `),
  })
  const mistyped = <T>(options: object) => options as T
  await expect(ann.join('b', mistyped({ histroy: 20 }))).rejects.toMatchObject(unknown('histroy'))
  await expect(ann.send('a', 'x', 'id', mistyped({ dta: {} }))).rejects.toMatchObject(unknown('dta'))
  await expect(ann.edit('a', 1, 'x', 'id', mistyped({ timeout: 5 }))).rejects.toMatchObject(
    unknown('timeout'),
  )
  await expect(ann.history('a', 1, 10, mistyped({ limit: 5 }))).rejects.toMatchObject(unknown('limit'))
  expect((await ann.send('a', 'y', undefined, { timeoutMs: 5000 })).seq).toBe(1)
})

it('S3: answers a body that is too large and a name that is too long before the connection is open', async () => {
  const { url } = await chat()
  const ann = client({ url, user: 'ann' })
  const joined = ann.join('a')
  const sent = ann.send('a', 'x'.repeat(60_000))
  await expect(sent).rejects.toMatchObject({ code: 'too-large' })
  await joined
  expect((await ann.send('a', 'y')).seq).toBe(1)
})

it('settles every promise by its timeout, its signal or the end of the client', async () => {
  const silent = createServer(() => {}).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  open.push(silent)
  const url = `ws://127.0.0.1:${(silent.address() as AddressInfo).port}/chat`
  const ann = client({ url, user: 'ann' })
  await expect(ann.join('a', { timeoutMs: 30 })).rejects.toMatchObject({
    name: 'TimeoutError',
    code: 'timeout',
  })
  await expect(ann.send('a', 'x')).rejects.toMatchObject({ code: 'not-joined' })
  const abort = new AbortController()
  const joined = ann.join('b', { signal: abort.signal })
  abort.abort(new Error('enough'))
  await expect(joined).rejects.toThrow('enough')
  await expect(ann.join('b', { signal: abort.signal })).rejects.toThrow('enough')
  const waiting = ann.join('c')
  const sent = ann.send('c', 'x', 'id', { timeoutMs: 30 })
  await expect(sent).rejects.toMatchObject({ code: 'timeout' })
  const last = ann.send('c', 'y')
  ann.close('enough of it')
  await expect(waiting).rejects.toMatchObject({ code: 'closed' })
  await expect(last).rejects.toMatchObject({ code: 'closed' })
  await expect(ann.join('d')).rejects.toMatchObject({ code: 'closed' })
})

it('continues when a listener throws, and reports it', async () => {
  const { url } = await chat()
  const [ann, bob] = [client({ url, user: 'ann' }), client({ url, user: 'bob' })]
  const bodies: string[] = []
  const errors: string[] = []
  bob.on('message', ({ body }) => {
    bodies.push(body)
    if (body === '3') throw new Error('a mistake in the app')
  })
  bob.on('message', ({ body }) => bodies.push(`second ${body}`))
  const logged = vi.spyOn(console, 'error').mockImplementation(() => {})
  await bob.join('a')
  await ann.join('a')
  for (let i = 1; i <= 4; i++) await ann.send('a', String(i))
  bob.on('error', ({ code, message }) => errors.push(`${code}: ${message}`))
  bob.on('error', () => {
    throw new Error('one more')
  })
  await ann.send('a', '3')
  await expect.poll(() => bodies.length).toBe(10)
  expect(bodies).toEqual(['1', '2', '3', '4', '3'].flatMap((n) => [n, `second ${n}`]))
  expect(errors).toEqual(['listener-failed: a mistake in the app'])
  expect(logged).toHaveBeenCalledTimes(2)
})

it('M4: leaves a peer that sends what is not chat, and tries again', async () => {
  const peer = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(peer, 'listening')
  open.push({ close: () => peer.close() })
  const welcome = { type: 'welcome', version: 1, user: 'x', server: 1, durability: 'memory', retryMs: [1, 2] }
  const frames = [
    ['{"type":"something-new","room":"x"}', '<html>login</html>'],
    ['null'],
    [
      JSON.stringify({ ...welcome, heartbeatMs: 1000, maxBodyBytes: 10 }),
      '{"type":"joined","room":"r"}',
      '7',
    ],
    ['[]'],
  ]
  let connections = 0
  peer.on('connection', (socket) => {
    for (const frame of frames[connections++ % frames.length]!) socket.send(frame)
    socket.on('error', () => {})
  })
  const ann = client({ url: `ws://127.0.0.1:${(peer.address() as AddressInfo).port}`, user: 'x' })
  const seen = statuses(ann)
  ann.join('r').catch(() => {})
  await expect.poll(() => connections).toBeGreaterThan(4)
  expect(seen.some(({ state }) => state === 'closed')).toBe(false)
  expect(seen[0]!.reason).toContain('does not speak the chat protocol')
})

it('R5: keeps the options of each join when a room is left and joined again at once', async () => {
  const { url } = await chat()
  const ann = client({ url, user: 'ann' })
  await ann.join('a')
  for (let i = 1; i <= 10; i++) await ann.send('a', `m${i}`)
  for (const connected of [true, false]) {
    for (const first of [{ history: 5 }, {}, { history: 2 }]) {
      const bob = client({ url, user: 'bob' })
      const bodies: string[] = []
      bob.on('message', ({ body }) => bodies.push(body))
      if (connected) await bob.join('other')
      const left = bob.join('a', first)
      bob.leave('a')
      await expect(left).rejects.toMatchObject({ code: 'left' })
      await bob.join('a', { history: 5 })
      await expect.poll(() => bodies.length).toBe(5)
      expect(bodies).toEqual(['m6', 'm7', 'm8', 'm9', 'm10'])
      bob.close()
    }
  }
})

it('R7: returns the newest messages before a place, also from beyond the end', async () => {
  const { url } = await chat()
  const ann = client({ url, user: 'ann' })
  await ann.join('a')
  for (let i = 1; i <= 14; i++) await ann.send('a', `m${i}`)
  const places = async (before: number, limit: number) =>
    (await ann.history('a', before, limit)).messages.map(({ seq }) => seq)
  expect(await places(20, 5)).toEqual([10, 11, 12, 13, 14])
  expect(await places(Number.MAX_SAFE_INTEGER, 50)).toHaveLength(14)
  expect(await places(15, 3)).toEqual([12, 13, 14])
  expect(await places(5, 3)).toEqual([2, 3, 4])
  expect(await places(1, 5)).toEqual([])
  expect(await places(0, 5)).toEqual([])
})

it('C4: asks for no more tokens than it needs, whatever its clock says', async () => {
  const peer = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(peer, 'listening')
  open.push({ close: () => peer.close() })
  const received: string[] = []
  peer.on('connection', (socket) =>
    socket.on('message', (data) => {
      const { type, id } = JSON.parse(String(data)) as { type: string; id: string }
      received.push(type)
      const welcome = { version: 1, user: 'ann', server: 1, durability: 'memory', retryMs: [1, 2] }
      const answer = {
        type: 'welcome',
        ...welcome,
        heartbeatMs: 15_000,
        maxBodyBytes: 100,
        expiresInMs: 4000,
      }
      if (type === 'hello') socket.send(JSON.stringify({ id, ...answer }))
      else socket.send(JSON.stringify({ id, type: 'authenticated', expiresInMs: 60_000 }))
    }),
  )
  const now = Date.now
  vi.spyOn(Date, 'now').mockImplementation(() => now() + 7_200_000)
  let asked = 0
  const url = `ws://127.0.0.1:${(peer.address() as AddressInfo).port}`
  client({ url, token: () => `token ${++asked}` })
  await expect.poll(() => received).toEqual(['hello', 'auth'])
  await new Promise((resolve) => setTimeout(resolve, 1500))
  expect([received, asked]).toEqual([['hello', 'auth'], 2])
})

it('C4: recovers when a function returns an expired token, and gives up on one that is expired for good', async () => {
  const { url } = await chat({ auth: { secret: SECRET } })
  const stale = await signToken(SECRET, { user: 'ann', expiresIn: -1 })
  let asked = 0
  const cached = client({
    url,
    token: () => (++asked < 4 ? stale : signToken(SECRET, { user: 'ann', expiresIn: 60 })),
  })
  await cached.join('a')
  expect(asked).toBe(4)

  const fixed = client({ url, token: stale })
  await expect(fixed.join('a')).rejects.toMatchObject({ code: 'closed', message: 'the token has expired' })

  const early = new SignJWT({})
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject('ann')
    .setNotBefore(Math.floor(Date.now() / 1000) + 7)
    .setExpirationTime('1h')
  const soon = client({ url, token: await early.sign(new TextEncoder().encode(SECRET)) })
  await soon.join('a')
})

it('renews a token that its function keeps until it expires, without a storm of requests', async () => {
  const { url } = await chat({ auth: { secret: SECRET } })
  let asked = 0
  let until = 0
  let token = ''
  const ann = client({
    url,
    random: Math.random, // tokens count whole seconds: it is expired for up to one while its function keeps it
    token: async () => {
      asked++
      if (Date.now() >= until) {
        until = Date.now() + 3000
        token = await signToken(SECRET, { user: 'ann', expiresIn: 3 })
      }
      return token
    },
  })
  const seen = statuses(ann)
  await ann.join('a')
  await new Promise((resolve) => setTimeout(resolve, 7000))
  expect((await ann.send('a', 'still here')).seq).toBe(1)
  expect(asked).toBeLessThan(20)
  expect(seen.some(({ state }) => state === 'closed')).toBe(false)
})

it('C8: notices a path that went silent though it only reads, and reconnects', async () => {
  const { url } = await chat()
  const target = Number(new URL(url).port)
  const sockets = new Set<Socket>()
  let silent: number | undefined
  let connections = 0
  const proxy = createServer((near) => {
    const mine = ++connections
    const far = tcpConnect(target, '127.0.0.1')
    near.on('data', (data) => silent !== mine && far.write(data))
    // A short heartbeat, so that this test takes seconds: it is the server that names it.
    far.on('data', (data) => {
      const text = data.toString('latin1').replace('"heartbeatMs":15000', '"heartbeatMs":1000 ')
      if (silent !== mine) near.write(Buffer.from(text, 'latin1'))
    })
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => {})
    }
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  open.push({
    close: () => {
      for (const socket of sockets) socket.destroy()
      proxy.close()
    },
  })
  const reader = client({
    url: `ws://127.0.0.1:${(proxy.address() as AddressInfo).port}/chat`,
    user: 'reader',
  })
  const seen = statuses(reader)
  await reader.join('a')
  silent = 1
  await expect.poll(() => seen.map(({ state }) => state)).toContain('waiting')
  expect(seen.find(({ state }) => state === 'waiting')!.reason).toBe('no heartbeat')
  await expect.poll(() => reader.state).toBe('open')
})

it('M1: stays where it is when none of four attempts reached the server that was named, and leaves one that drains', async () => {
  const attempts: string[] = []
  const peer = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    verifyClient: ({ req }, answer) => {
      attempts.push(new URL(req.url!, 'ws://x').searchParams.get('to') ?? 'any')
      answer(attempts.at(-1) === 'any', 503)
    },
  })
  await once(peer, 'listening')
  open.push({ close: () => peer.close() })
  const welcome = { type: 'welcome', version: 1, user: 'ann', server: 1, durability: 'memory' }
  let asksToMove = (_reason: object) => {}
  peer.on('connection', (socket) => {
    asksToMove = (how) => socket.send(JSON.stringify({ type: 'move', afterMs: 0, ...how }))
    socket.on('message', (data) => {
      const { type } = JSON.parse(String(data)) as { type: string }
      const more = { retryMs: [1, 2], heartbeatMs: 15_000, maxBodyBytes: 100 }
      if (type === 'hello') socket.send(JSON.stringify({ ...welcome, ...more }))
    })
  })
  const ann = client({ url: `ws://127.0.0.1:${(peer.address() as AddressInfo).port}`, user: 'ann' })
  const seen = statuses(ann)
  await expect.poll(() => ann.state, { timeout: 15_000 }).toBe('open')
  asksToMove({ reason: 'rebalance', to: 7 })
  await expect.poll(() => attempts, { timeout: 15_000 }).toEqual(['any', '7', '7', '7', '7'])
  expect(ann.state).toBe('open')
  asksToMove({ reason: 'rebalance', to: 8 })
  asksToMove({ reason: 'drain' })
  await expect.poll(() => seen.at(-1)?.state, { timeout: 15_000 }).toBe('moved')
  expect(attempts.filter((to) => to !== '8')).toEqual(['any', '7', '7', '7', '7', 'any'])
})
