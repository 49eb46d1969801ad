import { type AddressInfo, createServer } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { signSubscribeToken, signToken } from '../src/chat/auth/sign.ts'
import { ChatClient, type ChatClientEvents, type ChatClientOptions } from '../src/client/node.ts'
import { startChat } from './support/chat.ts'
import { scriptedPeer, WELCOME, WRONG_ANSWERS } from './support/scripted-peer.ts'

// What a client gets that is not as promised: from a server, from the app's own functions.

const SECRET = 'a secret of more than thirty-two characters'
const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close()
})

function client(options: ChatClientOptions): ChatClient {
  const made = new ChatClient({ random: () => 0, ...options })
  open.push(made)
  return made
}

async function peer(answer: Parameters<typeof scriptedPeer>[0]) {
  const started = await scriptedPeer(answer)
  open.push(started)
  return started
}

it('leaves a server whose answer has a field of the wrong type, and recovers with the next one', async () => {
  for (const [type, answer] of WRONG_ANSWERS) {
    const { url, connections } = await peer((request, connection) =>
      connection === 1 && request.type === type ? answer : undefined,
    )
    const ann = client({ url, user: 'ann' })
    const received: unknown[] = []
    ann.on('message', (message) => received.push(message))
    const joined = await ann.join('a')
    const acked = await ann.send('a', 'x')
    expect({ answer, joined, seq: acked.seq, received, cursor: ann.cursor('a'), of: connections() }).toEqual({
      answer,
      joined: { room: 'a', members: 1 },
      seq: 5,
      received: [],
      cursor: { epoch: 'e', seq: 4 },
      of: 2,
    })
    ann.close()
  }
})

it('leaves a server that drains in time also while it is on its way to one that is silent', async () => {
  const silent = createServer()
  const { port } = await new Promise<AddressInfo>((resolve) =>
    silent.listen(0, '127.0.0.1', () => resolve(silent.address() as AddressInfo)),
  )
  open.push(silent)
  const { url } = await peer(({ type }, connection, socket) => {
    if (type === 'join' && connection === 1) {
      const move = (more: object) =>
        socket.send(JSON.stringify({ type: 'move', afterMs: 0, reason: 'drain', ...more }))
      setTimeout(() => move({ to: 2, url: `ws://127.0.0.1:${port}/chat` }), 100)
      setTimeout(() => move({}), 500)
      setTimeout(() => socket.close(1012), 5500)
    }
    return undefined
  })
  const ann = client({ url, user: 'ann' })
  await ann.join('a')
  const states: string[] = []
  ann.on('status', ({ state }) => states.push(state))
  await expect.poll(() => states.length, { timeout: 20_000 }).toBeGreaterThan(0)
  expect(states).toEqual(['moved'])
}, 30_000)

it('asks a server no more often than it can answer, whatever times it names', async () => {
  const huge = 1e12
  let rejections = 0
  const { url, requests, connections } = await peer(({ type }, connection, socket) => {
    if (type === 'hello') {
      setTimeout(() => socket.send(JSON.stringify({ type: 'move', afterMs: huge, reason: 'drain' })), 50)
      return { ...WELCOME, heartbeatMs: huge, retryMs: [huge, huge] }
    }
    if (type === 'join' && connection === 1 && rejections++ < 1000)
      return { type: 'rejected', request: 'join', room: 'a', code: 'overloaded', message: '', retryMs: huge }
    return undefined
  })
  const ann = client({ url, user: 'ann' })
  await expect(ann.join('a', { timeoutMs: 1000 })).rejects.toMatchObject({ code: 'timeout' })
  await expect.poll(() => requests.map(({ type }) => type)).toEqual(['hello', 'join', 'leave'])
  expect(connections()).toBe(1)
})

it('does not wait on a new server for the time that another one asked for', async () => {
  const { url } = await peer(({ type }, connection, socket) => {
    if (type !== 'send' || connection > 1) return undefined
    setTimeout(() => socket.terminate(), 50)
    return { type: 'rejected', request: 'send', room: 'a', code: 'overloaded', message: '', retryMs: 50_000 }
  })
  const ann = client({ url, user: 'ann' })
  await ann.join('a')
  expect((await ann.send('a', 'x', undefined, { timeoutMs: 10_000 })).seq).toBe(5)
})

it('C4: asks again when a function gives no token, whatever it gives, and whatever it throws', async () => {
  const chat = await startChat({ auth: { secret: SECRET } })
  open.push(chat)
  const wrong: (() => unknown)[] = [
    () => undefined,
    () => '',
    () => 5,
    () => ({ token: 'x' }),
    () => Promise.reject(undefined),
    () => Promise.reject('no'),
    () => {
      throw null
    },
    () => {
      throw Object.create(null)
    },
  ]
  await Promise.all(
    wrong.map(async (first) => {
      let asked = 0
      const right = () => signToken(SECRET, { user: 'ann', expiresIn: 60 })
      const ann = client({ url: chat.url, token: () => (++asked === 1 ? first() : right()) as string })
      await ann.join('a', { timeoutMs: 15_000 })
      expect(asked).toBe(2)
    }),
  )
  const number = { url: chat.url, token: 5 as unknown as string }
  expect(() => new ChatClient(number)).toThrow('token: only text or a function')
})

it('R8: a room without a token for now harms neither the connection nor the other rooms', async () => {
  const chat = await startChat({ auth: { secret: SECRET } })
  open.push(chat)
  const ann = client({ url: chat.url, token: await signToken(SECRET, { user: 'ann', rooms: ['b'] }) })
  const states: string[] = []
  const errors: ChatClientEvents['error'][] = []
  ann.on('status', ({ state }) => states.push(state))
  ann.on('error', (error) => errors.push(error))
  await ann.join('b')
  let asked = 0
  const joined = ann.join('a', {
    token: () => {
      if (++asked < 3) throw new Error('the issuer is away')
      return signSubscribeToken(SECRET, { user: 'ann', room: 'a', expiresIn: 60 })
    },
  })
  expect((await ann.send('b', 'x')).seq).toBe(1)
  await joined
  expect([states, errors.map(({ room, message }) => [room, message])]).toEqual([
    ['open'],
    Array(2).fill(['a', 'no token for a: the issuer is away']),
  ])
})

it('R8: a joined room continues while a newer token for it is on its way', async () => {
  const { url } = await peer(({ type, room, id }, _connection, socket) => {
    if (type !== 'join') return undefined
    const message = {
      type: 'message',
      room,
      seq: 5,
      prevSeq: 4,
      user: 'bob',
      id: 'i',
      body: 'hello',
      time: 1,
    }
    const joined = { type: 'joined', id, room, cursor: { epoch: 'e', seq: 4 }, head: 4, members: 1 }
    socket.send(JSON.stringify({ ...joined, expiresInMs: 500 }))
    setTimeout(() => socket.send(JSON.stringify(message)), 1500)
    return { type: 'something-new' }
  })
  const ann = client({ url, user: 'ann' })
  const bodies: string[] = []
  ann.on('message', ({ body }) => bodies.push(body))
  let asked = 0
  await ann.join('a', { token: () => (++asked === 1 ? 'first' : new Promise<string>(() => {})) })
  await expect.poll(() => bodies, { timeout: 5000 }).toEqual(['hello'])
  expect(asked).toBe(2)
})

it('connects again whatever the numbers of its app are', async () => {
  const wrong = [() => Number.NaN, () => -5, () => 'x', () => 1e9].map((random) => random as () => number)
  const throwing = () => {
    throw new Error('no number')
  }
  for (const random of [...wrong, throwing]) {
    const { url, connections } = await peer(({ type }, connection, socket) => {
      if (type === 'hello' && connection === 1) setTimeout(() => socket.terminate(), 10)
      return undefined
    })
    const ann = client({ url, user: 'ann', random })
    await expect.poll(connections).toBe(2)
    ann.close()
  }
})
