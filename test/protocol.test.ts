import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { SignJWT } from 'jose'
import { afterEach, describe, expect, it } from 'vitest'
import { signToken } from '../src/chat/auth/sign.ts'
import { MemoryRoomLog } from '../src/chat/log/memory.ts'
import { LogUnavailable } from '../src/chat/log/room-log.ts'
import type { ChatOptions } from '../src/chat/options.ts'
import { ChatClient } from '../src/client/node.ts'
import { RawUser, startChat } from './support/chat.ts'

const SECRET = 'a secret of more than thirty-two characters'
let stop: () => Promise<void> = async () => {}
afterEach(() => stop())

async function chat(options: ChatOptions = {}, servers = 1, log?: MemoryRoomLog) {
  const started = await startChat(options, servers, log)
  stop = () => started.close()
  return started
}

async function member(url: string, user: string, room = 'r', more: object = {}): Promise<RawUser> {
  const raw = await RawUser.hello(url, user)
  raw.send({ type: 'join', room, ...more })
  await raw.until('joined')
  return raw
}

async function say(raw: RawUser, ids: readonly string[], room = 'r'): Promise<void> {
  const before = raw.of('ack').length
  for (const id of ids) raw.send({ type: 'send', room, id, body: `body ${id}` })
  await raw.until('ack', before + ids.length)
}

/** Says a thousand times 16 kB. */
async function shout(raw: RawUser): Promise<void> {
  for (let i = 0; i < 1000; i += 10) {
    for (let n = i; n < i + 10; n++)
      raw.send({ type: 'send', room: 'r', id: `${n}`, body: 'x'.repeat(16_000) })
    await raw.until('ack', i + 10)
  }
}

const numbers = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe('connection', () => {
  it('C1: closes who does not begin with hello', async () => {
    const { url } = await chat()
    for (const [first, code] of [
      ['{"type":"join","room":"r"}', 4401],
      ['nonsense', 4400],
    ] as const) {
      const raw = new RawUser(url)
      await once(raw.socket, 'open')
      raw.socket.send(first)
      expect((await raw.untilClosed()).code).toBe(code)
    }
  })

  it('C2: welcomes with what the client must know', async () => {
    const { url } = await chat()
    const [welcome] = (await RawUser.hello(url, 'ann')).of('welcome')
    expect(welcome).toMatchObject({
      version: 1,
      user: 'ann',
      server: 1,
      durability: 'memory',
      maxBodyBytes: 8192,
    })
    expect(welcome!.retryMs[0]).toBeLessThan(welcome!.retryMs[1])
  })

  it('C3: closes who speaks another version', async () => {
    const { url } = await chat()
    const raw = new RawUser(url)
    await once(raw.socket, 'open')
    raw.send({ type: 'hello', version: 2, user: 'ann' })
    expect((await raw.untilClosed()).code).toBe(4400)
    expect(raw.of('rejected')[0]).toMatchObject({ request: 'hello', message: 'version is 1' })
  })

  it('C4: takes only good tokens, until they expire, and a newer one meanwhile', async () => {
    const { url } = await chat({ auth: { secret: SECRET } })
    const rejected = async (hello: object) => {
      const raw = new RawUser(url)
      await once(raw.socket, 'open')
      raw.send({ type: 'hello', version: 1, ...hello })
      return raw.untilClosed()
    }
    const good = await signToken(SECRET, { user: 'ann' })
    const [head, body] = good.split('.')
    const forged = `${head}.${body}.${createHmac('sha256', 'other').update(`${head}.${body}`).digest('base64url')}`
    const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${body}.`
    expect(await rejected({ user: 'ann' })).toEqual({ code: 4401, reason: 'a token is needed' })
    expect(await rejected({ token: forged })).toEqual({ code: 4401, reason: 'the token is not valid' })
    expect(await rejected({ token: unsigned })).toEqual({ code: 4401, reason: 'the token is not valid' })
    const old = await signToken(SECRET, { user: 'ann', expiresIn: -1 })
    expect(await rejected({ token: old })).toEqual({ code: 4510, reason: 'the token has expired' })

    const brief = () => signToken(SECRET, { user: 'ann', expiresIn: 2 })
    const early = (seconds: number) =>
      new SignJWT({})
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject('ann')
        .setNotBefore(Math.floor(Date.now() / 1000) + seconds)
        .setExpirationTime('1h')
        .sign(new TextEncoder().encode(SECRET))
    expect(await rejected({ token: await early(60) })).toEqual({
      code: 1013,
      reason: 'the token is not valid yet',
    })
    await RawUser.hello(url, '', await early(3))

    const ends = await RawUser.hello(url, '', await brief())
    const stays = await RawUser.hello(url, '', await brief())
    stays.send({ type: 'auth', token: good })
    await stays.until('authenticated')
    stays.send({ type: 'auth', id: 'a', token: await signToken(SECRET, { user: 'bob' }) })
    expect((await stays.until('rejected'))[0]).toMatchObject({
      id: 'a',
      request: 'auth',
      code: 'unauthorized',
      message: 'the token is of another user',
    })
    expect((await ends.untilClosed()).code).toBe(4510)
    expect(stays.closed).toBeUndefined()
  })

  it('C5: rejects pages of foreign origins', async () => {
    const { url } = await chat({ origins: ['https://chat.example.org'] })
    const own = url.replace('ws:', 'http:').replace('/chat', '')
    const status = async (origin: string) => {
      const raw = new RawUser(url, { origin })
      const [first] = (await Promise.race([
        once(raw.socket, 'open').then(() => [101]),
        once(raw.socket, 'unexpected-response').then(([, response]) => [response.statusCode]),
      ])) as [number]
      raw.socket.terminate()
      return first
    }
    expect(await status('https://evil.example')).toBe(403)
    expect(await status('http://127.0.0.1.evil.example')).toBe(403)
    expect(await status('null')).toBe(403)
    expect(await status('https://chat.example.org')).toBe(101)
    expect(await status(own)).toBe(101)
  })

  it('C6, Q1: answers what is not a request, and continues', async () => {
    const { url } = await chat()
    const raw = await member(url, 'ann')
    for (const bad of [
      '',
      '[]',
      'null',
      '{"type":"fly"}',
      '{"type":"send","room":"r"}',
      '{"type":"join","id":"j","room":"\\u0000"}',
    ]) {
      raw.socket.send(bad)
    }
    raw.socket.send(Buffer.from([1, 2, 3]))
    expect((await raw.until('error', 5)).every(({ code }) => code === 'bad-message')).toBe(true)
    const [send, join] = await raw.until('rejected', 2)
    expect(send).toMatchObject({ request: 'send', room: 'r', code: 'bad-message', message: 'id is missing' })
    expect(join).toMatchObject({ request: 'join', id: 'j', code: 'bad-message' })
    await say(raw, ['1'])
  })

  it('C7: closes who sends too large a frame', async () => {
    const { url } = await chat()
    const raw = await member(url, 'ann')
    raw.send({ type: 'send', room: 'r', id: '1', body: 'x'.repeat(100_000) })
    expect((await raw.untilClosed()).code).toBe(1009)
  })
})

describe('rooms', () => {
  it('R1: gives every member the same messages, contiguous, on every server', async () => {
    const { urls } = await chat({}, 2)
    const all = await Promise.all(['a', 'b', 'c', 'd'].map((user, i) => member(urls[i % 2]!, user)))
    await Promise.all(
      all.map((raw, i) =>
        say(
          raw,
          numbers(1, 10).map((n) => `${i}-${n}`),
        ),
      ),
    )
    for (const raw of all) await raw.until('message', 40)
    const seen = all.map((raw) => raw.of('message').map(({ seq, prevSeq, id }) => [seq, prevSeq, id]))
    expect(seen[0]!.map(([seq]) => seq)).toEqual(numbers(1, 40))
    expect(seen[0]!.every(([seq, prevSeq]) => prevSeq === (seq as number) - 1)).toBe(true)
    for (const other of seen) expect(other).toEqual(seen[0])
  })

  it('R2: resumes at a cursor on another server', async () => {
    const { urls } = await chat({}, 2)
    const ann = await member(urls[0]!, 'ann')
    await say(ann, ['1', '2', '3', '4'])
    const { epoch } = ann.of('joined')[0]!.cursor
    const bob = await member(urls[1]!, 'bob', 'r', { cursor: { epoch, seq: 2 } })
    expect((await bob.until('message', 2)).map(({ seq }) => seq)).toEqual([3, 4])
    const eve = await member(urls[1]!, 'eve', 'r', { cursor: { epoch: 'another', seq: 2 }, history: 1 })
    expect(eve.of('joined')[0]).toMatchObject({ cursor: { epoch, seq: 3 }, reset: true })
    expect(bob.of('joined')[0]!.reset).toBeUndefined()
    expect((await eve.until('message')).map(({ seq }) => seq)).toEqual([4])
  })

  it('R1, R2: leaves nothing out while members join in the middle of a storm', async () => {
    const { urls } = await chat({ limits: { messagesPerSecond: 1e6, messageBurst: 1e6 } }, 3)
    const ann = await member(urls[0]!, 'ann')
    const storm = say(ann, numbers(1, 200).map(String))
    const late = await Promise.all(
      numbers(1, 30).map((n) => member(urls[n % 3]!, `late ${n}`, 'r', { history: 1000 })),
    )
    await storm
    for (const raw of late) {
      const from = raw.of('joined')[0]!.cursor.seq
      await raw.until('message', 200 - from)
      expect(raw.of('message').map(({ seq }) => seq)).toEqual(numbers(from + 1, 200))
      expect(raw.of('gap')).toEqual([])
    }
  })

  it('R3, R7: gives history at the join and before a place', async () => {
    const { url } = await chat()
    const ann = await member(url, 'ann')
    await say(ann, numbers(1, 30).map(String))
    const bob = await member(url, 'bob', 'r', { history: 5 })
    expect((await bob.until('message', 5)).map(({ seq }) => seq)).toEqual([26, 27, 28, 29, 30])
    bob.send({ type: 'history', room: 'r', before: 26, limit: 10 })
    const [page] = await bob.until('history')
    expect(page!.messages.map(({ seq }) => seq)).toEqual(numbers(16, 25))
    expect(page!.first).toBe(1)
  })

  it('R4: announces what the log has no more, and only that', async () => {
    const { url } = await chat({ limits: { messageBurst: 1000 } }, 1, new MemoryRoomLog({ keep: 10 }))
    const ann = await member(url, 'ann')
    await say(ann, numbers(1, 40).map(String))
    const { epoch } = ann.of('joined')[0]!.cursor
    const first = (await stopAfter(url, epoch)).first
    const bob = await member(url, 'bob', 'r', { cursor: { epoch, seq: 3 } })
    await bob.until('message', 40 - first + 1)
    expect(bob.of('gap')).toEqual([{ type: 'gap', room: 'r', from: 4, to: first - 1 }])
    expect(bob.of('message').map(({ seq }) => seq)).toEqual(numbers(first, 40))

    async function stopAfter(where: string, at: string) {
      ann.send({ type: 'leave', room: 'r' })
      await ann.until('left')
      const raw = await member(where, 'probe', 'r', { cursor: { epoch: at, seq: 40 } })
      raw.send({ type: 'history', room: 'r', before: 41, limit: 1 })
      const [page] = await raw.until('history')
      raw.socket.close()
      await raw.untilClosed()
      return page!
    }
  })

  it('R5, S5: sends nothing of a room that was left, and takes nothing for it', async () => {
    const { url } = await chat()
    const ann = await member(url, 'ann')
    const bob = await member(url, 'bob')
    bob.send({ type: 'leave', room: 'r' })
    await bob.until('left')
    await say(ann, ['1'])
    bob.send({ type: 'send', room: 'r', id: '1', body: 'x' })
    expect((await bob.until('rejected'))[0]).toMatchObject({ code: 'not-joined', id: '1' })
    expect(bob.of('message')).toEqual([])
  })

  it('R6: keeps to the permissions of the token, and to the number of rooms', async () => {
    const { url } = await chat({ auth: { secret: SECRET }, limits: { maxRooms: 2 } })
    const token = await signToken(SECRET, { user: 'ann', rooms: ['team-*'], readOnly: ['news'] })
    const ann = await RawUser.hello(url, '', token)
    for (const room of ['team-1', 'news', 'secret']) ann.send({ type: 'join', room })
    await ann.until('joined', 2)
    expect((await ann.until('rejected'))[0]).toMatchObject({ code: 'forbidden', room: 'secret' })
    ann.send({ type: 'join', room: 'team-2' })
    expect((await ann.until('rejected', 2))[1]).toMatchObject({ code: 'too-many-rooms', room: 'team-2' })
    ann.send({ type: 'send', room: 'news', id: '1', body: 'x' })
    expect((await ann.until('rejected', 3))[2]).toMatchObject({ code: 'forbidden', request: 'send' })
    ann.send({ type: 'auth', token: await signToken(SECRET, { user: 'ann', rooms: ['team-*'] }) })
    expect((await ann.until('left'))[0]).toMatchObject({ code: 'forbidden', room: 'news' })
  })
})

describe('sending', () => {
  it('S1, S2: acknowledges the same message at the same place, on any server', async () => {
    const { urls } = await chat({}, 2)
    const ann = await member(urls[0]!, 'ann')
    await say(ann, ['1', '2'])
    const again = await member(urls[1]!, 'ann')
    again.send({ type: 'send', room: 'r', id: '1', body: 'body 1' })
    expect((await again.until('ack'))[0]).toEqual({
      type: 'ack',
      room: 'r',
      id: '1',
      seq: 1,
      durability: 'memory',
    })
    await say(again, ['3'])
    expect((await ann.until('message', 3)).map(({ id }) => id)).toEqual(['1', '2', '3'])
  })

  it('S3: rejects what is too large, and reports when the log cannot take it', async () => {
    const log = new MemoryRoomLog()
    const { url } = await chat({}, 1, log)
    const ann = await member(url, 'ann')
    ann.send({ type: 'send', room: 'r', id: '1', body: 'ü'.repeat(5000) })
    expect((await ann.until('rejected'))[0]).toMatchObject({
      code: 'too-large',
      message: 'at most 8192 bytes',
    })
    log.append = () => Promise.reject(new LogUnavailable('the disk is full'))
    ann.send({ type: 'send', room: 'r', id: '2', body: 'x' })
    expect((await ann.until('rejected', 2))[1]).toMatchObject({
      code: 'log-unavailable',
      message: 'the disk is full',
      retryMs: 1000,
    })
    ann.send({ type: 'history', room: 'r', before: 5, limit: 5 })
    await ann.until('history')
  })

  it('S4: rejects what is too fast, then ends the connection', async () => {
    const { url } = await chat({ limits: { messagesPerSecond: 1, messageBurst: 3 } })
    const ann = await member(url, 'ann')
    for (let i = 0; i < 5; i++) ann.send({ type: 'send', room: 'r', id: `${i}`, body: 'x' })
    const [first] = await ann.until('rejected', 2)
    expect(first).toMatchObject({ code: 'rate-limited', id: '3' })
    expect(first!.retryMs).toBeGreaterThan(500)
    for (let i = 5; i < 110; i++) ann.send({ type: 'send', room: 'r', id: `${i}`, body: 'x' })
    expect((await ann.untilClosed()).code).toBe(4529)
    expect(ann.of('ack').length).toBe(3)
  })
})

describe('the rate of a user', { timeout: 60_000 }, () => {
  const [messagesPerSecond, messageBurst] = [25, 50]

  it('S4: holds over all servers of the fleet, and for nobody else', async () => {
    const { urls } = await chat({ limits: { messagesPerSecond, messageBurst } }, 4)
    const anns = await Promise.all(urls.map((url) => member(url, 'ann')))
    const bobs = await Promise.all(urls.map((url) => member(url, 'bob')))
    const began = performance.now()
    const seconds = () => (performance.now() - began) / 1000
    const acked = () => anns.flatMap((ann) => ann.of('ack')).length
    const isRejected = () => anns.some((ann) => ann.of('rejected').length > 0)
    const flood = async (ann: RawUser, server: number) => {
      for (let i = 1; seconds() < 3 || acked() <= messageBurst || !isRejected(); i++) {
        const rejected = ann.of('rejected').length
        ann.send({ type: 'send', room: 'r', id: `${server} ${i}`, body: 'x' })
        await expect
          .poll(() => ann.of('ack').length + ann.of('rejected').length, { interval: 5, timeout: 20_000 })
          .toBe(i)
        if (ann.of('rejected').length > rejected) await sleep(20)
      }
    }
    await Promise.all([
      ...anns.map(flood),
      ...bobs.map((bob, server) =>
        say(
          bob,
          numbers(1, 10).map((id) => `bob ${server} ${id}`),
        ),
      ),
    ])
    expect(acked()).toBeLessThanOrEqual(messageBurst + messagesPerSecond * seconds() + 1)
    for (const ann of anns) {
      expect(ann.of('ack').length).toBeGreaterThan(0)
      for (const rejected of ann.of('rejected')) {
        expect(rejected.code).toBe('rate-limited')
        expect(rejected.retryMs).toBeGreaterThan(0)
      }
    }
    for (const bob of bobs) expect(bob.of('rejected')).toEqual([])
  })

  it('S4: the client sends again what was too fast, once and in order', async () => {
    const { urls, log } = await chat({ limits: { messagesPerSecond, messageBurst: 10 } }, 4)
    const clients = urls.map((url) => new ChatClient({ url, user: 'ann' }))
    try {
      await Promise.all(clients.map((client) => client.join('r')))
      const ids = numbers(1, 20)
      await Promise.all(clients.flatMap((client, i) => ids.map((id) => client.send('r', `${i} ${id}`))))
    } finally {
      for (const client of clients) client.close()
    }
    const { entries } = await log.read('r', 0, 200)
    const bodies = entries.map(({ payload }) => (JSON.parse(payload.toString()) as { body: string }).body)
    expect(bodies.length).toBe(80)
    for (const [i] of urls.entries())
      expect(bodies.filter((body) => body.startsWith(`${i} `))).toEqual(
        numbers(1, 20).map((id) => `${i} ${id}`),
      )
  })
})

describe('slow readers', () => {
  it('B1: are sent the gap and catch up from the log, and slow no one else', async () => {
    const limits = { outboxBytes: 65_536, messagesPerSecond: 1e6, messageBurst: 1e6, maxBodyBytes: 20_000 }
    const { url, servers } = await chat({ limits })
    const slow = await member(url, 'slow')
    const quick = await member(url, 'quick')
    const ann = await member(url, 'ann')
    slow.socket.pause()
    await shout(ann)
    await quick.until('message', 1000)
    expect(servers[0]!.stats.lagging).toBe(1)
    expect(slow.of('message').length).toBeLessThan(1000)
    slow.socket.resume()
    await slow.until('message', 1000)
    expect(slow.of('message').map(({ seq }) => seq)).toEqual(numbers(1, 1000))
    const { from, to } = slow.of('lagging')[0]!
    expect([from > 1, to]).toEqual([true, 1000])
    expect(slow.of('gap')).toEqual([])
  })

  it('B2: are closed when they stay so', async () => {
    const limits = {
      outboxBytes: 65_536,
      messagesPerSecond: 1e6,
      messageBurst: 1e6,
      slowSeconds: 0.2,
      maxBodyBytes: 20_000,
    }
    const { url, servers } = await chat({ limits })
    const slow = await member(url, 'slow')
    const ann = await member(url, 'ann')
    slow.socket.pause()
    await shout(ann)
    for (let i = 0; i < 100 && servers[0]!.stats.connections === 2; i++) await sleep(20)
    expect(servers[0]!.stats).toMatchObject({ connections: 1, slowClosed: 1 })
    slow.socket.terminate()
  })
})

describe('presence and typing', () => {
  it('E1, E2: reports who comes and goes over all servers, and not who moves', async () => {
    const { urls } = await chat({}, 2)
    const ann = await member(urls[0]!, 'ann')
    await ann.until('presence')
    const bob = await member(urls[1]!, 'bob')
    expect((await ann.until('presence', 2))[1]).toEqual({
      type: 'presence',
      room: 'r',
      members: 2,
      joined: ['bob'],
      left: [],
    })
    const moved = await member(urls[0]!, 'bob')
    bob.socket.close()
    await bob.untilClosed()
    await sleep(250)
    expect(ann.of('presence').length).toBe(2)
    expect(moved.of('joined')[0]).toMatchObject({ members: 2, users: ['ann', 'bob'] })
    moved.socket.close()
    expect((await ann.until('presence', 3))[2]).toMatchObject({ members: 1, left: ['bob'] })
  })

  it('E1: counts only, where there are many', async () => {
    const { url } = await chat()
    const ann = await member(url, 'ann')
    const many = await Promise.all(numbers(1, 110).map((n) => member(url, `user ${n}`)))
    const last = () => ann.of('presence').at(-1) as { members: number; joined?: string[]; users?: string[] }
    await expect.poll(() => last().members, { timeout: 30_000 }).toBe(111)
    expect(last().joined).toBeUndefined()
    for (const raw of many.slice(0, 50)) raw.socket.close()
    await expect.poll(() => last().members, { timeout: 30_000 }).toBe(61)
    await expect.poll(() => last().users?.length, { timeout: 30_000 }).toBe(61)
  })

  it('E3: passes typing on, once a second', async () => {
    const { urls } = await chat({}, 2)
    const ann = await member(urls[0]!, 'ann')
    const bob = await member(urls[1]!, 'bob')
    for (let i = 0; i < 5; i++) bob.send({ type: 'typing', room: 'r' })
    expect(await ann.until('typing')).toEqual([{ type: 'typing', room: 'r', user: 'bob' }])
    await say(bob, ['1'])
    await ann.until('message')
    expect(ann.of('typing').length).toBe(1)
  })
})

describe('moving', () => {
  it('M2, M3: a draining server asks everybody, and closes those who stay', async () => {
    const { url, servers } = await chat()
    const stays = await member(url, 'stays')
    const goes = await member(url, 'goes')
    const drained = servers[0]!.drain(0.2)
    const [move] = await goes.until('move')
    expect(move).toMatchObject({ reason: 'drain' })
    goes.socket.close()
    await stays.until('move')
    await say(stays, ['1'])
    expect(await stays.untilClosed()).toEqual({ code: 1012, reason: 'server is shutting down' })
    await drained
  })
})
