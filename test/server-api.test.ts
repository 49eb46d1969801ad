import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { ApiKeys } from '../src/chat/api/keys.ts'
import { serviceOfHub } from '../src/chat/api/open.ts'
import { type AuditEntry, ServerApi } from '../src/chat/api/server-api.ts'
import { signToken } from '../src/chat/auth/sign.ts'
import { MemoryRoomLog } from '../src/chat/log/memory.ts'
import { LogUnavailable } from '../src/chat/log/room-log.ts'
import type { ChatOptions } from '../src/chat/options.ts'
import { ServerApiClient } from '../src/server-api/client.ts'
import { RawUser, startChat } from './support/chat.ts'

const KEY = 'a key of the server API, of more than 32 characters'
const READER = 'another key, which may only read in rooms of a team'
const TEAMS = 'a third key, which may do everything in rooms of a team'
const SECRET = 'a secret of more than thirty-two characters'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function api(options: ChatOptions = {}, servers = 1, log = new MemoryRoomLog()) {
  const chat = await startChat(options, servers, log)
  closers.push(() => chat.close())
  const { service, close } = await serviceOfHub(chat.hub)
  closers.push(close)
  const audit: AuditEntry[] = []
  const serverApi = new ServerApi({
    service,
    keys: new ApiKeys([
      { name: 'backend', key: KEY },
      { name: 'reader', key: READER, scopes: ['read'], rooms: ['team-*'] },
      { name: 'teams', key: TEAMS, rooms: ['team-*'] },
    ]),
    onAudit: (entry) => audit.push(entry),
  })
  const http = createServer((request, response) => {
    if (!serverApi.handle(request, response)) response.writeHead(404).end()
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  closers.push(() => {
    http.close()
    http.closeAllConnections()
  })
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  return {
    ...chat,
    url: chat.url,
    api: url,
    audit,
    client: new ServerApiClient({ url, key: KEY, retries: 0 }),
  }
}

async function member(url: string, user: string, room = 'r', token?: string): Promise<RawUser> {
  const raw = await RawUser.hello(url, user, token)
  raw.send({ type: 'join', id: 'j', room })
  await raw.until('joined')
  return raw
}

describe('publish', () => {
  it('reaches the members of every server, once per id, and is in the history', async () => {
    const { urls, client } = await api({}, 2)
    const members = await Promise.all(urls.map((url, i) => member(url, `u${i}`)))
    const first = await client.publish('r', { body: 'order paid', id: 'order-1' })
    expect(first).toMatchObject({ room: 'r', seq: 1, duplicate: false, durability: 'memory' })
    expect(await client.publish('r', { body: 'order paid', id: 'order-1' })).toMatchObject({
      seq: 1,
      duplicate: true,
    })
    await client.publish('r', { body: 'for ann', user: 'shop' })
    for (const each of members) {
      const messages = await each.until('message', 2)
      expect(messages.map(({ user, body }) => `${user}: ${body}`)).toEqual([
        '$server: order paid',
        'shop: for ann',
      ])
      expect(each.of('presence').flatMap(({ joined = [] }) => joined)).not.toContain('$server')
    }
    const { messages } = await client.history('r', { limit: 1 })
    expect(messages.map(({ body }) => body)).toEqual(['for ann'])
    expect((await client.history('r', { before: 2 })).messages.map(({ body }) => body)).toEqual([
      'order paid',
    ])
  })

  it('takes Idempotency-Key, too', async () => {
    const { api: url } = await api()
    const post = async () => {
      const response = await fetch(`${url}/v1/rooms/a%2Fb/messages`, {
        method: 'POST',
        headers: { authorization: `Bearer ${KEY}`, 'idempotency-key': 'k1' },
        body: '{"body":"x"}',
      })
      return (await response.json()) as object
    }
    expect(await post()).toMatchObject({ room: 'a/b', seq: 1, duplicate: false })
    expect(await post()).toMatchObject({ room: 'a/b', seq: 1, duplicate: true })
  })

  it('rejects an id that was used for something else', async () => {
    const { client } = await api()
    const taken = { status: 409, code: 'ID_TAKEN' }
    const first = { body: 'one', id: 'k', data: { b: 1, a: [2] } }
    await client.publish('r', first)
    // The same again, however it is written.
    expect(await client.publish('r', { id: 'k', data: { a: [2], b: 1 }, body: 'one' })).toMatchObject({
      seq: 1,
    })
    await expect(client.publish('r', { ...first, body: 'two' })).rejects.toMatchObject(taken)
    await expect(client.publish('r', { ...first, data: {} })).rejects.toMatchObject(taken)
    const { results } = await client.publishToMany(['r', 's'], { body: 'two', id: 'k' })
    expect(results).toMatchObject([{ error: 'the id was used for something else' }, { room: 's', seq: 1 }])
    await client.publish('r', { body: 'three', id: 'l' })
    await expect(client.edit('r', 1, { body: 'edited', id: 'l' })).rejects.toMatchObject(taken)
    const edited = await client.edit('r', 1, { body: 'edited', id: 'e' })
    await expect(client.edit('r', 2, { body: 'edited', id: 'e' })).rejects.toMatchObject(taken)
    expect(await client.edit('r', 1, { body: 'edited', id: 'e' })).toEqual({ ...edited, duplicate: true })
    const { messages } = await client.history('r')
    expect(messages.map(({ body }) => body)).toEqual(['edited', 'three', 'edited'])
  })

  it('publishes to many rooms, and announces to those with members', async () => {
    const { url, client } = await api()
    const [ann, bob] = await Promise.all([member(url, 'ann', 'a'), member(url, 'bob', 'b')])
    const { results } = await client.publishToMany(['a', 'b', 'c'], { body: 'to many' })
    expect(results.map((each) => ('seq' in each ? each.seq : each.error))).toEqual([1, 1, 1])
    expect(await client.announce({ body: 'maintenance at 10' })).toEqual({ rooms: 2 })
    for (const each of [ann, bob]) {
      expect((await each.until('message', 2)).map(({ body }) => body)).toEqual([
        'to many',
        'maintenance at 10',
      ])
    }
    expect((await client.room('c')).head).toBe(1)
  })

  it('rejects what an address cannot name, and never takes it for another path', async () => {
    const { client } = await api()
    const wrong = { status: 400, code: 'INVALID_INPUT' }
    for (const room of ['', '.', '..', '\ud800'])
      await expect(client.publish(room, { body: 'x' })).rejects.toMatchObject(wrong)
    await expect(client.kick('..')).rejects.toMatchObject(wrong)
    await expect(client.delete('r', '..' as never)).rejects.toMatchObject(wrong)
    await expect(client.history('r', { limit: Number.NaN })).rejects.toMatchObject(wrong)
    const { results } = await client.publishToMany(['..', 'a/b?c#d%2e'], { body: 'x' })
    expect(results).toMatchObject([{ seq: 1 }, { seq: 1 }])
    expect((await client.history('a/b?c#d%2e')).messages).toHaveLength(1)
  })

  it('is not content with an answer of something else', async () => {
    const page = createServer((_, response) => response.end('<p>a page of the app</p>'))
    page.listen(0, '127.0.0.1')
    await once(page, 'listening')
    closers.push(() => page.close())
    const url = `http://127.0.0.1:${(page.address() as AddressInfo).port}`
    const client = new ServerApiClient({ url, key: KEY })
    await expect(client.publish('r', { body: 'x' })).rejects.toMatchObject({
      status: 200,
      message: `${url}: no answer of the server API (status 200)`,
    })
  })

  it('says that the log cannot take it now', async () => {
    class Full extends MemoryRoomLog {
      full = false
      override async append(message: Parameters<MemoryRoomLog['append']>[0]) {
        if (this.full) throw new LogUnavailable('the disk is full')
        return super.append(message)
      }
    }
    const log = new Full()
    const { client } = await api({}, 1, log)
    log.full = true
    await expect(client.publish('r', { body: 'x' })).rejects.toMatchObject({ status: 503 })
  })
})

describe('rooms and users', () => {
  it('lists rooms a page at a time, members, and where a user is', async () => {
    const { urls, client } = await api({}, 2)
    const users = ['ann', 'bob', 'cid']
    await Promise.all(
      users.flatMap((user, i) => [
        member(urls[i % 2]!, user, 'lobby'),
        member(urls[i % 2]!, user, `room ${i}`),
      ]),
    )
    const first = await client.rooms({ limit: 2 })
    expect(first).toEqual({
      rooms: [
        { room: 'lobby', members: 3 },
        { room: 'room 0', members: 1 },
      ],
      total: 4,
      next: 'room 0',
    })
    const second = await client.rooms({ after: 'room 0' })
    expect(second.rooms.map(({ room }) => room)).toEqual(['room 1', 'room 2'])
    expect(second).not.toHaveProperty('next')
    expect((await client.rooms({ prefix: 'lob' })).rooms).toHaveLength(1)
    expect(await client.room('lobby')).toMatchObject({ members: 3, users: expect.arrayContaining(users) })
    const bob = await client.user('bob')
    expect(bob.online).toBe(true)
    expect(bob.rooms).toEqual([
      { room: 'lobby', servers: [2] },
      { room: 'room 1', servers: [2] },
    ])
    expect(await client.user('nobody')).toEqual({ user: 'nobody', online: false, rooms: [] })
  })

  it('lists the largest rooms first, and finds rooms and users by a part of their names', async () => {
    const { urls, client } = await api({}, 2)
    const rooms = { 'a quiet': 1, 'b:busy': 3, 'c:1': 2, 'd Busy': 2 }
    for (const [room, members] of Object.entries(rooms))
      for (let i = 0; i < members; i++) await member(urls[i % 2]!, `User ${i}`, room)
    const pages: string[][] = []
    for (let after: string | undefined = ''; after !== undefined; ) {
      const page = await client.rooms({ order: 'members', limit: 1, after })
      pages.push(page.rooms.map(({ room, members: count }) => `${room} ${count}`))
      after = page.next
    }
    expect(pages).toEqual([['b:busy 3'], ['c:1 2'], ['d Busy 2'], ['a quiet 1']])
    expect(await client.rooms({ search: 'BUSY' })).toMatchObject({
      rooms: [{ room: 'b:busy' }, { room: 'd Busy' }],
      total: 2,
    })
    const first = await client.users({ limit: 2 })
    expect(first).toEqual({
      users: [
        { user: 'User 0', rooms: 4 },
        { user: 'User 1', rooms: 3 },
      ],
      total: 3,
      next: 'User 1',
    })
    expect((await client.users({ after: first.next! })).users).toEqual([{ user: 'User 2', rooms: 1 }])
    expect((await client.users({ search: 'r 2' })).users).toHaveLength(1)
  })

  it('knows who sends most, over all servers, and counts no message twice', async () => {
    const { urls, client } = await api({}, 2)
    const ann = await member(urls[0]!, 'ann')
    const bob = await member(urls[1]!, 'bob')
    for (const id of ['1', '2', '2', '3']) ann.send({ type: 'send', room: 'r', id, body: 'x' })
    bob.send({ type: 'send', room: 'r', id: '1', body: 'x' })
    await ann.until('ack', 4)
    await bob.until('ack')
    await client.publish('r', { body: 'of the backend' })
    expect(await client.talkers()).toEqual({
      talkers: [
        { user: 'ann', messages: 3, room: 'r' },
        { user: 'bob', messages: 1, room: 'r' },
      ],
      seconds: 60,
    })
    expect((await client.talkers({ limit: 1 })).talkers).toHaveLength(1)
  })
})

describe('moderation', () => {
  it('kicks from a room and from the chat, on whatever server the user is', async () => {
    const { urls, client } = await api({}, 2)
    const ann = await member(urls[1]!, 'ann')
    await client.kick('ann', { room: 'r', reason: 'calm down' })
    expect((await ann.until('left'))[0]).toMatchObject({ room: 'r', code: 'forbidden', message: 'calm down' })
    ann.send({ type: 'join', id: 'k', room: 'r' })
    await ann.until('joined', 2)
    await client.kick('ann', { reason: 'bye' })
    expect(await ann.untilClosed()).toEqual({ code: 4403, reason: 'bye' })
    await member(urls[0]!, 'ann')
  })

  it('keeps who is banned out until the ban ends', async () => {
    const { url, client } = await api()
    const ann = await member(url, 'ann')
    await client.ban('ann', { seconds: 0.6, reason: 'spam' })
    expect(await ann.untilClosed()).toEqual({ code: 4403, reason: 'you are banned: spam' })
    const again = new RawUser(url)
    await once(again.socket, 'open')
    again.send({ type: 'hello', id: 'h', version: 1, user: 'ann' })
    expect(await again.untilClosed()).toMatchObject({ reason: 'you are banned: spam' })
    expect(await client.user('ann')).toMatchObject({ ban: { reason: 'spam' } })
    await new Promise((resolve) => setTimeout(resolve, 700))
    await member(url, 'ann')
    await client.ban('ann')
    await client.unban('ann')
    expect(await client.sanctions()).toEqual([])
    await member(url, 'ann')
  })

  it('bans from a room and mutes in one, on servers that start later, too', async () => {
    const log = new MemoryRoomLog()
    const { url, client } = await api({}, 1, log)
    const ann = await member(url, 'ann')
    await client.mute('ann', { room: 'r' })
    ann.send({ type: 'send', room: 'r', id: 's1', body: 'x' })
    expect((await ann.until('rejected'))[0]).toMatchObject({ id: 's1', code: 'forbidden' })
    await client.ban('bob', { room: 'r' })
    await client.unmute('ann', { room: 'r' })
    ann.send({ type: 'send', room: 'r', id: 's2', body: 'x' })
    await ann.until('ack')
    const later = await startChat({}, 1, log)
    closers.push(() => later.close())
    const bob = await RawUser.hello(later.url, 'bob')
    bob.send({ type: 'join', id: 'j', room: 'r' })
    expect((await bob.until('rejected'))[0]).toMatchObject({ id: 'j', code: 'forbidden' })
    bob.send({ type: 'join', id: 'k', room: 'other' })
    await bob.until('joined')
  })

  it('closes a room and opens it again', async () => {
    const { url, client } = await api()
    const ann = await member(url, 'ann')
    await client.closeRoom('r', { reason: 'over' })
    expect((await ann.until('left'))[0]).toMatchObject({ room: 'r', message: 'over' })
    ann.send({ type: 'join', id: 'again', room: 'r' })
    await ann.until('rejected')
    expect(await client.room('r')).toMatchObject({ closed: true, members: 0 })
    await client.openRoom('r')
    ann.send({ type: 'join', id: 'more', room: 'r' })
    await ann.until('joined', 2)
  })

  it('revokes tokens by their id and by their user', async () => {
    const { url, client } = await api({ auth: { secret: SECRET } })
    const [one, two] = [
      await signToken(SECRET, { user: 'ann', id: 't1' }),
      await signToken(SECRET, { user: 'ann', id: 't2' }),
    ]
    const [first, second] = [await member(url, '', 'r', one), await member(url, '', 'r', two)]
    await client.revokeToken('t1')
    expect(await first.untilClosed()).toEqual({ code: 4401, reason: 'the token was revoked' })
    expect(second.closed).toBeUndefined()
    await client.revokeUser('ann')
    expect(await second.untilClosed()).toEqual({ code: 4401, reason: 'the token was revoked' })
  })
})

describe('access', () => {
  const status = async (url: string, path: string, init: RequestInit = {}, key = KEY) => {
    const response = await fetch(url + path, { ...init, headers: { authorization: `Bearer ${key}` } })
    return { status: response.status, ...((await response.json()) as { message: string }) }
  }

  it('needs a key with the scope and the room', async () => {
    const { api: url, audit } = await api()
    expect(await status(url, '/v1/rooms', {}, 'wrong')).toMatchObject({ status: 401 })
    expect(await status(url, '/v1/rooms/team-1/messages', {}, READER)).toMatchObject({ status: 200 })
    expect(await status(url, '/v1/rooms/other/messages', {}, READER)).toMatchObject({ status: 403 })
    expect(await status(url, '/v1/rooms', {}, READER)).toMatchObject({ status: 403 })
    const post = { method: 'POST', body: '{"body":"x"}' }
    expect(await status(url, '/v1/rooms/team-1/messages', post, READER)).toMatchObject({ status: 403 })
    const teams = (path: string, body: object) =>
      status(url, path, { method: 'POST', body: JSON.stringify(body) }, TEAMS)
    for (const [path, body] of [
      ['/v1/publish', { rooms: ['team-1', 'other'], body: 'x' }],
      ['/v1/users/ann/ban', {}],
      ['/v1/users/ann/kick', { room: 'other' }],
    ] as const)
      expect(await teams(path, body)).toMatchObject({ status: 403, code: 'FORBIDDEN' })
    await status(url, '/v1/rooms/team-1/messages', post)
    expect(audit.map(({ key, status: code }) => `${key} ${code}`)).toEqual([
      'reader 403',
      ...Array(3).fill('teams 403'),
      'backend 200',
    ])
  })

  it.each([
    ['/v1/rooms/r/messages', { method: 'POST', body: 'nonsense' }, 400, 'body: it is not JSON'],
    ['/v1/rooms/r/messages', { method: 'POST', body: '{}' }, 400, 'body: '],
    ['/v1/rooms/r/messages', { method: 'POST', body: '{"body":"x","more":1}' }, 400, 'more'],
    ['/v1/rooms/$moderation/messages', { method: 'POST', body: '{"body":"x"}' }, 400, 'room'],
    [
      '/v1/rooms/r/messages',
      { method: 'POST', body: JSON.stringify({ body: 'x'.repeat(9000) }) },
      413,
      'the message is too large',
    ],
    ['/v1/rooms/r/messages', { method: 'POST', body: ' '.repeat(100_000) }, 413, 'it is too large'],
    ['/v1/publish', { method: 'POST', body: '{"rooms":["$moderation"],"body":"x"}' }, 400, 'rooms[0]'],
    ['/v1/rooms/r/messages?limit=x', {}, 400, 'limit'],
    ['/v1/rooms?order=size', {}, 400, 'order'],
    ['/v1/talkers?limit=51', {}, 400, 'limit'],
    ['/v1/rooms/r/messages', { method: 'POST', body: new Uint8Array([0x22, 0xff, 0x22]) }, 400, 'not text'],
    ['/v1/rooms/r/messages', { method: 'POST', body: '{"body":"x","id":"\\ud800"}' }, 400, 'id: it is'],
    ['/v1/rooms/r/messages', { method: 'POST', body: '{"body":"x","id":"\\u0007"}' }, 400, 'id: it is'],
    ['/v1/rooms/r/messages', { method: 'POST', body: '{"body":"x","user":"\\n"}' }, 400, 'user: it is'],
    [
      '/v1/rooms/r/messages',
      { method: 'POST', body: '{"body":"x","data":{"replyTo":"5"}}' },
      400,
      'data.replyTo',
    ],
    ['/v1/rooms/r/messages?befor=3', {}, 400, 'befor: there is no such parameter'],
    ['/v1/rooms/r/messages?limit=1&limit=2', {}, 400, 'limit: it is given twice'],
    ['/v1/rooms?limit=0', {}, 400, 'limit: "0"'],
    ['/v1/rooms?order=members&after=lobby', {}, 400, 'after: "lobby"'],
    ['/v1/users/ann/ban?rooom=r', { method: 'DELETE' }, 400, 'rooom: there is no such parameter'],
    ['/v1/users/ann/ban?room=%00', { method: 'DELETE' }, 400, 'room: it is not allowed'],
    ['/v1/users/ann/ban?room=$moderation', { method: 'DELETE' }, 400, 'room: it is not allowed'],
    [`/v1/rooms/r?reason=${'x'.repeat(201)}`, { method: 'DELETE' }, 400, 'reason'],
    ['/v1/rooms/%ff', {}, 400, 'path: it is not text'],
    ['/v1/rooms/%', {}, 400, 'path: it is not text'],
    ['/v1/nowhere', {}, 404, 'not found'],
    ['/v1/rooms', { method: 'DELETE' }, 405, 'DELETE'],
    ['/v1/users/ann/ban', { method: 'POST', body: '{"seconds":-1}' }, 400, 'seconds'],
  ] as [string, RequestInit, number, string][])(
    'rejects %s %j with %i',
    async (path, init, code, message) => {
      const { api: url } = await api()
      const answer = await status(url, path, init)
      expect(answer.status).toBe(code)
      expect(answer.message).toContain(message)
    },
  )

  it('keeps users out of the rooms and names of the chat itself', async () => {
    const { url } = await api()
    const ann = await RawUser.hello(url, 'ann')
    ann.send({ type: 'join', id: 'j', room: '$moderation' })
    expect((await ann.until('rejected'))[0]).toMatchObject({ code: 'forbidden' })
    const fake = new RawUser(url)
    await once(fake.socket, 'open')
    fake.send({ type: 'hello', id: 'h', version: 1, user: '$server' })
    expect((await fake.untilClosed()).code).toBe(4401)
  })

  it('describes itself', async () => {
    const { api: url } = await api()
    const description = (await (await fetch(`${url}/v1/openapi.json`)).json()) as {
      openapi: string
      paths: Record<string, Record<string, object>>
    }
    expect(description.openapi).toBe('3.1.0')
    expect(Object.keys(description.paths['/v1/users/{user}/ban']!)).toEqual(['post', 'delete'])
  })
})
