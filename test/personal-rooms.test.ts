import { afterEach, describe, expect, it } from 'vitest'
import { serviceOfHub } from '../src/chat/api/open.ts'
import { signToken } from '../src/chat/auth/sign.ts'
import { MemoryRoomLog } from '../src/chat/log/memory.ts'
import { ChatClient, privateRoom, type RoomMessage } from '../src/client/node.ts'
import { RawUser, startChat } from './support/chat.ts'

const SECRET = 'a secret of at least 32 characters'
const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function start(servers = 2) {
  const chat = await startChat({ auth: { secret: SECRET } }, servers, new MemoryRoomLog())
  closers.push(() => chat.close())
  const { service, close } = await serviceOfHub(chat.hub)
  closers.push(close)
  const client = (user: string, claims = {}, server = 0) => {
    const made = new ChatClient({
      url: chat.urls[server]!,
      token: () => signToken(SECRET, { user, ...claims }),
    })
    closers.push(() => made.close())
    const messages: RoomMessage[] = []
    made.on('message', (message) => messages.push(message))
    return Object.assign(made, { messages })
  }
  return { ...chat, service, client }
}

const until = (what: () => unknown) => expect.poll(what, { timeout: 10_000 }).toBeTruthy()

describe('private rooms', () => {
  it('P1: are named by their users, in one way', () => {
    expect(privateRoom('bob', 'ann', 'bob')).toBe('@ann&bob')
    expect(privateRoom('a&b')).toBe('@a%26b')
    expect(privateRoom('a', 'b')).not.toBe(privateRoom('a&b'))
    expect(privateRoom('a%26b')).toBe('@a%2526b')
  })

  it('P1: are for their users only, whatever tokens allow', async () => {
    const { client } = await start()
    const [ann, bob, eve] = [client('ann'), client('bob', {}, 1), client('eve', { rooms: ['*', '@ann&bob'] })]
    const room = privateRoom('ann', 'bob')
    for (const each of [ann, bob]) await each.join(room)
    await ann.send(room, 'between us')
    await until(() => bob.messages.length === 1)
    for (const name of [room, '@ann', '@eve&ann', '@eve&eve', '@eve%'])
      await expect(eve.join(name)).rejects.toMatchObject({ code: 'forbidden' })
    // The personal room is open to its user always, other private rooms where the token allows them.
    const limited = client('lim', { rooms: ['lobby'] })
    await limited.join(privateRoom('lim'))
    await expect(limited.join(privateRoom('ann', 'lim'))).rejects.toMatchObject({ code: 'forbidden' })
    await expect(limited.send(privateRoom('lim'), 'x')).rejects.toMatchObject({ code: 'forbidden' })
  })

  it('P2: show their user a room that was not joined before', async () => {
    const { client, service, urls } = await start()
    const [ann, bob] = [client('ann'), client('bob', { rooms: ['case:*'] }, 1)]
    await bob.join(privateRoom('bob'))
    await ann.join('case:17')
    await ann.invite('case:17', 'bob', 'i1')
    await ann.invite('case:17', 'bob', 'i1')
    await until(() => bob.messages.length === 1)
    expect(bob.messages[0]).toMatchObject({
      room: '@bob',
      user: 'ann',
      body: '',
      data: { invitation: { room: 'case:17' } },
    })
    await bob.join('case:17')
    await service.publish('@bob', { body: 'from the backend' })
    await until(() => bob.messages.length === 2)

    await expect(ann.invite('never joined', 'bob')).rejects.toMatchObject({ code: 'disconnected' })
    await ann.join(privateRoom('ann', 'carl'))
    await expect(ann.invite(privateRoom('ann', 'carl'), 'bob')).rejects.toMatchObject({ code: 'forbidden' })
    const readOnly = client('rae', { rooms: [], readOnly: ['*'] })
    await readOnly.join('case:17')
    await expect(readOnly.invite('case:17', 'bob')).rejects.toMatchObject({ code: 'forbidden' })
    const raw = await RawUser.hello(urls[0]!, 'x', await signToken(SECRET, { user: 'x' }))
    raw.send({ type: 'invite', id: 'i', room: 'elsewhere', user: 'bob' })
    expect((await raw.until('rejected'))[0]).toMatchObject({ id: 'i', code: 'not-joined' })
  })
})

describe('read markers', () => {
  it('P3, P4: count for every device of the user, and say what is unread', async () => {
    const { client, service } = await start()
    const [phone, laptop, bob] = [client('ann'), client('ann', {}, 1), client('bob')]
    for (const each of [phone, bob]) await each.join('r')
    await bob.send('r', 'one')
    const two = await bob.send('r', 'two')
    await bob.send('r', 'three', undefined, { data: { mentions: ['ann', 'carl'] } })
    const four = await bob.send('r', 'four')
    await phone.send('r', 'my own')
    await bob.edit('r', four.seq, 'quatre')
    await bob.send('r', '', undefined, { data: { reaction: { to: two.seq, key: '👍' } } })
    await laptop.join('other')
    expect(await laptop.unread(['r', 'other'])).toMatchObject([
      { room: 'r', read: 0, unread: 4, mentions: 1 },
      { room: 'other', read: 0, head: 0, unread: 0, mentions: 0 },
    ])
    await phone.markRead('r', two.seq)
    await phone.markRead('r', 1)
    expect(await laptop.unread(['r'])).toMatchObject([{ read: two.seq, unread: 2, mentions: 1 }])
    await service.delete('r', four.seq)
    expect(await laptop.unread(['r'])).toMatchObject([{ unread: 1 }])
    const head = (await laptop.unread(['r']))[0]!.head
    await phone.markRead('r', head)
    expect(await laptop.unread(['r'])).toMatchObject([{ read: head, unread: 0, mentions: 0 }])
    for (let i = 0; i < 130; i++) await service.publish('r', { body: `${i}` })
    expect(await laptop.unread(['r'])).toMatchObject([{ unread: 100 }])
  })

  it('P3: keep a bounded log', async () => {
    const { log } = await start(1)
    const fast = { limits: { messagesPerSecond: 1e4, messageBurst: 1e4 } }
    const chat = await startChat({ auth: { anonymous: true }, ...fast }, 1, log)
    closers.push(() => chat.close())
    const ann = new ChatClient({ url: chat.url, user: 'ann' })
    closers.push(() => ann.close())
    for (const room of ['a', 'b']) await ann.join(room)
    await ann.markRead('b', 7)
    for (let i = 1; i <= 150; i++) await ann.markRead('a', i)
    expect(await ann.unread(['a', 'b'])).toMatchObject([{ read: 150 }, { read: 7 }])
    const { head } = await log.read('$read/ann', 1e9, 1)
    expect(head).toBe(152)
    // Once more, and only what came since is read one by one.
    let read = 0
    const readBefore = log.readBefore.bind(log)
    log.readBefore = async (...args) => {
      const page = await readBefore(...args)
      if (args[0] === '$read/ann') read += page.entries.length
      return page
    }
    await ann.markRead('a', 151)
    expect(await ann.unread(['a', 'b'])).toMatchObject([{ read: 151 }, { read: 7 }])
    expect(read).toBeLessThanOrEqual(200)
    expect((await log.read('$read/ann', 1e9, 1)).head).toBe(153)
  })

  it('P4: are for rooms that the user may join, and joined ones to mark', async () => {
    const { client } = await start(1)
    const ann = client('ann', { rooms: ['lobby'] })
    await ann.join('lobby')
    await expect(ann.unread(['lobby', 'vip'])).rejects.toMatchObject({ code: 'forbidden' })
    await expect(ann.unread([])).rejects.toMatchObject({ code: 'invalid' })
    await expect(ann.unread(Array(51).fill('lobby'))).rejects.toMatchObject({ code: 'invalid' })
    await expect(ann.markRead('vip', 1)).rejects.toMatchObject({ code: 'disconnected' })
    await expect(ann.markRead('lobby', 0)).rejects.toMatchObject({ code: 'invalid' })
  })
})

it.each([
  [{ replyTo: 0 }],
  [{ mentions: [] }],
  [{ mentions: Array(51).fill('ann') }],
  [{ mentions: ['a\u0000'] }],
  [{ reaction: { to: 1 } }],
  [{ reaction: { to: 1, key: 'x'.repeat(33) } }],
  [{ reaction: { to: 1, key: 'x', removed: false } }],
  [{ attachments: [{ url: 'javascript:alert(1)' }] }],
  [{ attachments: Array(11).fill({ url: 'https://x/' }) }],
  [{ attachments: [{ url: 'https://x/', bytes: -1 }] }],
])('S7: rejects %j', async (data) => {
  const { client } = await start(1)
  const ann = client('ann')
  await ann.join('r')
  await expect(ann.send('r', '', undefined, { data })).rejects.toMatchObject({
    code: 'invalid',
    message: expect.stringContaining(`data.${Object.keys(data)[0]} is `),
  })
})

it('S7: passes on replies, mentions, reactions and attachments', async () => {
  const { client } = await start(1)
  const ann = client('ann')
  await ann.join('r')
  const data = {
    replyTo: 1,
    mentions: ['bob'],
    reaction: { to: 1, key: '👍', removed: true },
    attachments: [{ url: 'https://files.example.org/1', name: 'a.png', type: 'image/png', bytes: 17 }],
    mine: { anything: [] },
  }
  await ann.send('r', 'x', undefined, { data })
  await until(() => ann.messages.length === 1)
  expect(ann.messages[0]!.data).toEqual(data)
})
