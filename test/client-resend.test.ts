import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import { ChatClient } from '../src/client/node.ts'
import { startForgetfulServer } from './support/forgetful-server.ts'

/** What a client does with a message that got no answer, where the server does not remember its id any more. */

const open: { close(): unknown }[] = []
afterEach(() => {
  for (const each of open.splice(0).reverse()) each.close()
})

async function ann(missed: readonly object[], options = {}) {
  const server = await startForgetfulServer(missed, options)
  const client = new ChatClient({ url: server.url, user: 'ann', random: () => 0 })
  open.push(server, client)
  await client.join('r')
  return { client, seen: server.seen }
}

const ofBob = { user: 'bob', id: 'b', body: 'hi' }

it('S2: counts its own message, found among those that it missed, as acknowledged', async () => {
  const { client, seen } = await ann([ofBob, { user: 'ann', id: 'a', body: 'once' }, ofBob])
  const first = client.send('r', 'once', 'a')
  const second = client.send('r', 'next')
  expect(await first).toEqual({ seq: 2, id: 'a', durability: 'disk' })
  expect(await second).toMatchObject({ seq: 4 })
  expect(seen).toEqual(['once', 'received 1', 'received 2', 'received 3', 'next'])
})

it('S2: counts its own message, received before its connection broke, as acknowledged', async () => {
  const { client, seen } = await ann([], { delivers: true })
  expect(await client.send('r', 'once', 'a')).toEqual({ seq: 1, id: 'a', durability: 'disk' })
  expect(await client.send('r', 'next')).toMatchObject({ seq: 2 })
  expect(seen).toEqual(['once', 'next'])
})

it.each([30, 400])(
  'S2: knows its own message also when it is sent again %i ms after it was given up',
  async (afterMs) => {
    const { client, seen } = await ann([ofBob, { user: 'ann', id: 'a', body: 'once' }])
    await expect(client.send('r', 'once', 'a', { timeoutMs: 20 })).rejects.toThrow('no answer')
    await sleep(afterMs)
    expect(await client.send('r', 'once', 'a')).toMatchObject({ seq: 2 })
    expect(await client.send('r', 'next')).toMatchObject({ seq: 3 })
    expect(seen).toEqual(['once', 'received 1', 'received 2', 'next'])
  },
)

it("S2: sends again what is not there, after all that it missed; another user's id is not its own", async () => {
  const { client, seen } = await ann([{ ...ofBob, id: 'a' }, ofBob])
  expect(await client.send('r', 'again', 'a')).toMatchObject({ seq: 3 })
  expect(seen).toEqual(['again', 'received 1', 'received 2', 'again'])
})
