import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { serviceOfHub } from '../src/chat/api/open.ts'
import { signSubscribeToken, signToken } from '../src/chat/auth/sign.ts'
import { MemoryRoomLog } from '../src/chat/log/memory.ts'
import { type NamespaceOptions, namespaceOptions } from '../src/chat/rooms/namespaces.ts'
import { ChatClient, type RoomMessage } from '../src/client/node.ts'
import { createChat } from '../src/index.ts'
import { RawUser, startChat } from './support/chat.ts'

const SECRET = 'a secret of at least 32 characters'
const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function start(namespaces: NamespaceOptions, servers = 1) {
  const log = new MemoryRoomLog()
  const chat = await startChat({ auth: { secret: SECRET, anonymous: true }, namespaces }, servers, log)
  closers.push(() => chat.close())
  const { service, close } = await serviceOfHub(chat.hub)
  closers.push(close)
  const client = (user: string, claims = {}, url = chat.url) => {
    const token = () => signToken(SECRET, { user, ...claims })
    const made = new ChatClient({ url, token })
    closers.push(() => made.close())
    const messages: RoomMessage[] = []
    made.on('message', (message) => messages.push(message))
    return Object.assign(made, { messages, bodies: () => messages.map(({ body }) => body) })
  }
  const raw = async (user: string, claims = {}) =>
    RawUser.hello(chat.url, user, await signToken(SECRET, { user, ...claims }))
  return { ...chat, log, service, client, raw }
}

const until = (what: () => unknown) => expect.poll(what, { timeout: 10_000 }).toBeTruthy()

describe('what the options of a room bound', () => {
  it('N1: how many messages its users can read, by joining, resuming and asking for history', async () => {
    const { client, service } = await start({ 'short:': { historyMessages: 3 } })
    for (const room of ['short:1', 'long'])
      for (let i = 1; i <= 8; i++) await service.publish(room, { body: `${i}` })
    const ann = client('ann')
    await ann.join('long', { history: 100 })
    await until(() => ann.messages.length === 8)
    const bob = client('bob')
    const gaps: object[] = []
    bob.on('gap', (gap) => gaps.push(gap))
    await bob.join('short:1', { history: 100 })
    await until(() => bob.messages.length === 3)
    expect(bob.bodies()).toEqual(['6', '7', '8'])
    const { epoch } = bob.cursor('short:1')!
    bob.leave('short:1')
    await bob.join('short:1', { cursor: { epoch, seq: 2 } })
    await until(() => bob.messages.length === 6)
    expect(gaps).toEqual([{ room: 'short:1', from: 3, to: 5 }])
    expect(await bob.history('short:1', 8, 100)).toMatchObject({
      first: 6,
      messages: [{ body: '6' }, { body: '7' }],
    })
    // Who administrates sees everything that the log has.
    expect((await service.history('short:1', 1e9, 100)).messages).toHaveLength(8)
  })

  it('N1: how old the messages are that its users can read', async () => {
    const { client, service } = await start({ 'brief:': { historySeconds: 1 } })
    for (let i = 1; i <= 20; i++) await service.publish('brief:1', { body: `old ${i}` })
    await new Promise((resolve) => setTimeout(resolve, 1200))
    const ann = client('ann')
    await ann.join('brief:1', { history: 100 })
    await ann.send('brief:1', 'new')
    await until(() => ann.messages.length > 0)
    expect(ann.bodies()).toEqual(['new'])
    expect(await ann.history('brief:1', 1e9, 100)).toMatchObject({ first: 21, messages: [{ body: 'new' }] })
  })

  it('N2: whether members learn of each other', async () => {
    const { client, service } = await start({ '': { presence: false }, 'open:': {} })
    const [ann, bob] = [client('ann'), client('bob')]
    const seen: string[] = []
    ann.on('presence', ({ room }) => seen.push(room))
    for (const room of ['hidden', 'open:1']) {
      await ann.join(room)
      const joined = await bob.join(room)
      expect([joined.members, joined.users?.includes('bob') ?? false]).toEqual([0, false])
    }
    await until(() => seen.includes('open:1'))
    expect(seen).not.toContain('hidden')
    expect(await service.room('hidden')).toMatchObject({ members: 2 })
  })

  it('N3: who may send', async () => {
    const { client, service } = await start({
      'news:': { publish: 'server' },
      'news:staff:': { publish: 'moderators' },
    })
    const ann = client('ann')
    const eve = client('eve', { moderate: ['news:*'] })
    for (const each of [ann, eve]) for (const room of ['news:1', 'news:staff:1']) await each.join(room)
    await expect(ann.send('news:1', 'x')).rejects.toMatchObject({ code: 'forbidden' })
    await expect(eve.send('news:1', 'x')).rejects.toMatchObject({ code: 'forbidden' })
    await expect(ann.send('news:staff:1', 'x')).rejects.toMatchObject({ code: 'forbidden' })
    await eve.send('news:staff:1', 'from a moderator')
    await service.publish('news:1', { body: 'from the server' })
    await until(() => ann.messages.length === 2)
  })

  it('N4: how many users are in it; who resumes keeps the place', async () => {
    const { client, urls } = await start({ 'duo:': { maxMembers: 2 } }, 2)
    const [ann, bob, carl] = [client('ann'), client('bob'), client('carl', {}, urls[1])]
    let members = 0
    ann.on('presence', (event) => {
      members = event.members
    })
    await ann.join('duo:1')
    await bob.join('duo:1')
    await bob.send('duo:1', 'x')
    await until(() => members === 2)
    await expect(carl.join('duo:1')).rejects.toMatchObject({ code: 'room-full' })
    const again = client('ann', {}, urls[1])
    expect(await again.join('duo:1')).toMatchObject({ members: 2 })
    const moved = client('dora', {}, urls[1])
    await moved.join('duo:1', { cursor: bob.cursor('duo:1')! })
    bob.leave('duo:1')
    moved.close()
    await expect.poll(() => carl.join('duo:1').catch(({ code }) => code)).toMatchObject({ room: 'duo:1' })
  })

  it('N4: not more users than that when many join on several servers at once', async () => {
    const { client, raw, urls } = await start({ 'few:': { maxMembers: 5 } }, 2)
    // Those who go while they join leave no place behind.
    await Promise.all(
      Array.from({ length: 20 }, async (_, i) => {
        const gone = await raw(`gone-${i}`)
        gone.send({ type: 'join', id: 'j', room: 'few:1' })
        gone.socket.terminate()
      }),
    )
    const users = Array.from({ length: 40 }, (_, i) => client(`u${i}`, {}, urls[i % 2]))
    const join = (user: (typeof users)[number]) =>
      user.join('few:1').then(
        () => 1,
        () => 0,
      )
    const first = await Promise.all(users.slice(0, 30).map(join))
    const inAtOnce = first.reduce((sum: number, joined) => sum + joined, 0)
    expect(inAtOnce).toBeLessThanOrEqual(5)
    // The rest of the places, if those who went had some, are taken by others; and no more.
    let joined = inAtOnce
    await until(async () => {
      const more = await Promise.all(users.slice(30).map(join))
      joined = Math.max(joined, inAtOnce + more.reduce((sum: number, each) => sum + each, 0))
      return joined === 5
    })
    expect(await join(client('late', {}, urls[1]))).toBe(0)
  })

  it('N5: how often a user sends, on all servers together', async () => {
    const { client, raw, urls } = await start({ 'slow:': { slowModeSeconds: 2 } }, 2)
    const ann = await raw('ann')
    ann.send({ type: 'join', id: 'j', room: 'slow:1' })
    await ann.until('joined')
    ann.send({ type: 'send', id: 'one', room: 'slow:1', body: 'one' })
    ann.send({ type: 'send', id: 'two', room: 'slow:1', body: 'two' })
    const [rejected] = await ann.until('rejected')
    expect(rejected).toMatchObject({ code: 'rate-limited' })
    expect([['one'], ['two']]).toContainEqual(
      ann
        .of('ack')
        .concat(await ann.until('ack'))
        .slice(-1)
        .map(({ id }) => id),
    )
    expect(rejected!.retryMs).toBeGreaterThan(500)
    expect(rejected!.retryMs).toBeLessThanOrEqual(2000)
    // The client waits and tries again, on another server, too; others are not held up.
    const elsewhere = client('ann', {}, urls[1])
    const bob = client('bob', {}, urls[1])
    const eve = client('eve', { moderate: ['*'] }, urls[1])
    for (const each of [elsewhere, bob, eve]) await each.join('slow:1')
    const began = performance.now()
    const three = elsewhere.send('slow:1', 'three')
    await bob.send('slow:1', 'from bob')
    await eve.send('slow:1', 'from a moderator')
    await eve.send('slow:1', 'again')
    await three
    expect(performance.now() - began).toBeGreaterThan(500)
    await expect.poll(bob.bodies).toEqual(['from bob', 'from a moderator', 'again', 'three'])
  })
})

describe('moderators', () => {
  it('D1: delete the messages of others in their rooms, and edit none', async () => {
    const { client } = await start({})
    const ann = client('ann')
    const eve = client('eve', { moderate: ['r'] })
    for (const each of [ann, eve]) for (const room of ['r', 'other']) await each.join(room)
    const { seq } = await ann.send('r', 'spam')
    await expect(eve.edit('r', seq, 'x')).rejects.toMatchObject({ code: 'forbidden' })
    await eve.delete('r', seq)
    await until(() => ann.messages.some(({ deletes }) => deletes === seq))
    const other = await ann.send('other', 'x')
    await expect(eve.delete('other', other.seq)).rejects.toMatchObject({ code: 'forbidden' })
  })
})

describe('a token for one room', () => {
  const limited = { rooms: ['lobby'] }

  it('R8: admits its user to a room that the token of the connection does not name', async () => {
    const { client } = await start({})
    const ann = client('ann', limited)
    await expect(ann.join('vip')).rejects.toMatchObject({ code: 'forbidden' })
    await ann.join('vip', { token: await signSubscribeToken(SECRET, { user: 'ann', room: 'vip' }) })
    await ann.send('vip', 'hello')
    const read = await signSubscribeToken(SECRET, { user: 'ann', room: 'read', send: false })
    await ann.join('read', { token: read })
    await expect(ann.send('read', 'x')).rejects.toMatchObject({ code: 'forbidden' })
    for (const claims of [
      { user: 'bob', room: 'other' },
      { user: 'ann', room: 'vip' },
    ]) {
      const token = await signSubscribeToken(SECRET, claims)
      await expect(ann.join('other', { token })).rejects.toMatchObject({ code: 'unauthorized' })
    }
    const forged = await signSubscribeToken(`${SECRET}!`, { user: 'ann', room: 'other' })
    await expect(ann.join('other', { token: forged })).rejects.toMatchObject({ code: 'unauthorized' })
  })

  it('R8: ends the stay when it expires, unless a newer one came', async () => {
    const { client, raw } = await start({})
    const one = () => signSubscribeToken(SECRET, { user: 'ann', room: 'vip', expiresIn: 2 })
    const ann = await raw('ann', limited)
    ann.send({ type: 'join', id: 'j', room: 'vip', token: await one() })
    const [joined] = await ann.until('joined')
    expect(joined!.expiresInMs).toBeLessThanOrEqual(2000)
    const renewing = client('ann', limited)
    let tokens = 0
    await renewing.join('vip', {
      token: () => {
        tokens++
        return one()
      },
    })
    expect(await ann.until('left')).toMatchObject([{ room: 'vip', code: 'unauthorized' }])
    await until(() => tokens >= 3)
    await renewing.send('vip', 'still here')
    await until(() => renewing.messages.length === 1)
  })

  it('R8: counts no more when it is revoked, or its user is banned from the room', async () => {
    const { client, service } = await start({})
    const ann = client('ann', limited)
    const errors: string[] = []
    ann.on('error', ({ room, code }) => errors.push(`${room} ${code}`))
    for (const room of ['a', 'b'])
      await ann.join(room, {
        token: await signSubscribeToken(SECRET, { user: 'ann', room, id: `t-${room}` }),
      })
    await service.decide({ type: 'revoke-token', id: 't-a', until: Date.now() + 60_000 })
    await service.decide({ type: 'ban', user: 'ann', room: 'b' })
    await expect.poll(() => errors).toEqual(['a forbidden', 'b forbidden'])
  })
})

it('documents every option of rooms', () => {
  const docs = readFileSync(new URL('../docs/fleet.md', import.meta.url), 'utf8')
  const options = Object.keys(namespaceOptions.valueType.shape)
  expect(options.length).toBeGreaterThan(5)
  expect(options.filter((name) => !docs.includes(`| \`${name}\` |`))).toEqual([])
})

it('says what is wrong with the options of rooms', async () => {
  const open = (namespaces: Record<string, never>) => createChat({ auth: { anonymous: true }, namespaces })
  await expect(open({ 'x:': { slowMode: 3 } as never })).rejects.toThrow(
    /namespaces\..*slowMode: there is no such key/,
  )
  await expect(open({ 'x:': { publish: 'me' } as never })).rejects.toThrow(/namespaces\..*publish: "?me/)
  await expect(open({ 'x:': { historyMessages: 0 } as never })).rejects.toThrow(
    /historyMessages: 0 is not allowed/,
  )
})
