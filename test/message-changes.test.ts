import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { serviceOfHub } from '../src/chat/api/open.ts'
import { EmbeddedRoomLog } from '../src/chat/log/embedded/embedded.ts'
import { MemoryRoomLog } from '../src/chat/log/memory.ts'
import type { RoomLog } from '../src/chat/log/room-log.ts'
import { ChatClient, type RoomMessage } from '../src/client/node.ts'
import { isRequestId } from '../src/protocol/rules.ts'
import { RawUser, startChat } from './support/chat.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

function embedded(): RoomLog {
  const folder = mkdtempSync(join(tmpdir(), 'changes-'))
  closers.push(() => rmSync(folder, { recursive: true }))
  return EmbeddedRoomLog.open(folder)
}

async function start(log: RoomLog, servers = 2) {
  const chat = await startChat({}, servers, log)
  closers.push(() => chat.close())
  const { service, close } = await serviceOfHub(chat.hub)
  closers.push(close)
  return { urls: chat.urls, service }
}

async function user(url: string, name: string, history = 0) {
  const client = new ChatClient({ url, user: name })
  closers.push(() => client.close())
  const messages: RoomMessage[] = []
  client.on('message', (message) => messages.push(message))
  await client.join('r', { history })
  return { client, messages }
}

const until = (what: () => boolean) => expect.poll(what, { timeout: 10_000 }).toBe(true)

/** What a reader that applies changes as they come has in the end. */
function shown(messages: readonly RoomMessage[]): Record<number, string> {
  const texts: Record<number, string> = {}
  for (const { seq, body, edits, deletes, deleted } of messages) {
    if (deletes !== undefined) delete texts[deletes]
    else if (edits === undefined) {
      if (!deleted) texts[seq] = body
    } else if (edits in texts && !deleted) texts[edits] = body
  }
  return texts
}

describe.each([
  ['memory', () => new MemoryRoomLog()],
  ['embedded', embedded],
] as const)('edits and deletes in a room log in %s', (_, openLog) => {
  it('D2, D3, D4: reach every member and every history alike', async () => {
    const { urls, service } = await start(openLog())
    const [ann, bob] = [await user(urls[0]!, 'ann'), await user(urls[1]!, 'bob')]
    const one = await ann.client.send('r', 'won', undefined, { data: { replyTo: 3, tags: ['a'] } })
    const two = await ann.client.send('r', 'a secret')
    const three = await bob.client.send('r', 'three')
    await ann.client.edit('r', one.seq, 'wonn')
    await ann.client.edit('r', one.seq, 'one', undefined, { data: { tags: ['b'] } })
    await ann.client.edit('r', two.seq, 'a secret, too')
    await ann.client.delete('r', two.seq)
    await until(() => bob.messages.length === 7)
    expect(bob.messages[0]).toMatchObject({ body: 'won', data: { replyTo: 3, tags: ['a'] } })
    const expected = { [one.seq]: 'one', [three.seq]: 'three' }
    expect(shown(bob.messages)).toEqual(expected)
    expect(shown(ann.messages)).toEqual(expected)

    const late = await user(urls[0]!, 'late', 100)
    await until(() => late.messages.length === 7)
    expect(shown(late.messages)).toEqual(expected)
    expect(JSON.stringify(late.messages)).not.toContain('secret')
    expect(late.messages[1]).toMatchObject({ user: 'ann', body: '', deleted: true })

    const older = await bob.client.history('r', three.seq, 10)
    expect(older.messages).toMatchObject([
      { seq: one.seq, body: 'one', data: { tags: ['b'] }, editedAt: bob.messages[4]!.seq },
      { seq: two.seq, body: '', deleted: true },
    ])
    expect((await service.history('r', three.seq, 10)).messages).toEqual(older.messages)
  })

  it('hold for servers that start later', async () => {
    const log = openLog()
    const { urls, service } = await start(log, 1)
    const ann = await user(urls[0]!, 'ann')
    const { seq } = await ann.client.send('r', 'a secret')
    await service.delete('r', seq)
    expect(await service.delete('r', seq)).toMatchObject({ duplicate: true })
    const later = await startChat({}, 1, log)
    closers.push(() => later.close())
    const { messages } = await user(later.url, 'late', 10)
    await until(() => messages.length === 2)
    expect(messages).toMatchObject([
      { body: '', deleted: true },
      { user: '$server', deletes: seq },
    ])
  })

  it('D4: of the server API have ids that no message has', async () => {
    const { urls, service } = await start(openLog(), 1)
    const { seq } = await service.publish('r', { body: 'a secret', id: 'first' })
    const { id } = await service.delete('r', seq)
    expect(isRequestId(id)).toBe(false)
    const next = await service.publish('r', { body: 'another', id: `delete-${seq + 2}` })
    expect(next.seq).toBe(seq + 2)
    expect(await service.delete('r', next.seq)).toMatchObject({ duplicate: false })
    const late = await user(urls[0]!, 'late', 10)
    await until(() => late.messages.length === 4)
    expect(shown(late.messages)).toEqual({})
  })

  it('D5: hide a deleted room for good', async () => {
    const { urls, service } = await start(openLog(), 1)
    const ann = await user(urls[0]!, 'ann')
    await ann.client.send('r', 'a secret')
    await service.deleteRoom('r', 'over')
    await expect(ann.client.join('r')).rejects.toMatchObject({ code: 'forbidden' })
    expect((await service.history('r', 1e9, 10)).messages).toEqual([])
    await service.decide({ type: 'open-room', room: 'r' })
    const bob = await user(urls[0]!, 'bob', 10)
    const { seq } = await bob.client.send('r', 'new')
    await until(() => bob.messages.length === 1)
    expect(await bob.client.history('r', seq + 1, 10)).toMatchObject({
      messages: [{ body: 'new' }],
      first: seq,
    })
  })
})

describe('who may change what', () => {
  it.each([
    ['another user’s message', 'bob', 1, 'forbidden'],
    ['a message that is not there', 'ann', 99, 'not-found'],
    ['a change', 'ann', 2, 'not-found'],
    ['a deleted message', 'ann', 3, 'not-found'],
  ])('D1: rejects to edit %s', async (_, name, seq, code) => {
    const { urls } = await start(new MemoryRoomLog(), 1)
    const ann = await user(urls[0]!, 'ann')
    await ann.client.send('r', 'one')
    await ann.client.edit('r', 1, 'uno')
    await ann.client.send('r', 'two')
    await ann.client.delete('r', 3)
    const { client } = await user(urls[0]!, name)
    await expect(client.edit('r', seq, 'x')).rejects.toMatchObject({ code })
  })

  it('S6: rejects data that is too large, too deep or no object', async () => {
    const { urls } = await start(new MemoryRoomLog(), 1)
    const { client } = await user(urls[0]!, 'ann')
    const deep = JSON.parse(`${'{"a":'.repeat(9)}1${'}'.repeat(9)}`)
    for (const data of [{ a: 'x'.repeat(2048) }, deep, [] as never, 'text' as never])
      await expect(client.send('r', 'x', undefined, { data })).rejects.toMatchObject({ code: 'invalid' })
    const raw = await RawUser.hello(urls[0]!, 'raw')
    raw.send({ type: 'join', id: 'j', room: 'r' })
    await raw.until('joined')
    raw.send({ type: 'send', id: 's', room: 'r', body: 'x', data: deep } as never)
    expect((await raw.until('rejected'))[0]).toMatchObject({ id: 's', code: 'bad-message' })
  })

  it('D1: makes a repeated change once', async () => {
    const { urls } = await start(new MemoryRoomLog(), 1)
    const { client } = await user(urls[0]!, 'ann')
    await client.send('r', 'one')
    const first = await client.edit('r', 1, 'uno', 'edit-1')
    expect(await client.edit('r', 1, 'uno', 'edit-1')).toEqual(first)
    const gone = await client.delete('r', 1, 'delete-1')
    expect(await client.delete('r', 1, 'delete-1')).toEqual(gone)
  })
})
