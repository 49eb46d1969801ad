import { EventEmitter } from 'node:events'
import { afterEach, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { ChatClient } from '../src/client/chat-client.ts'
import type { ChatClientEvents } from '../src/client/node.ts'
import type { WebSocketClass } from '../src/client/transport.ts'
import { RawUser, startChat } from './support/chat.ts'

const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close()
})

async function chat() {
  const started = await startChat()
  open.push(started)
  return started
}

function client(url: string, user: string): ChatClient {
  const made = new ChatClient(Cuttable as unknown as WebSocketClass, { url, user, random: () => 0 })
  open.push(made)
  return made
}

/** A WebSocket whose network can break. */
class Cuttable extends WebSocket {
  static readonly all = new Set<Cuttable>()
  /** Emits `made` for each as soon as its client has it, before it is connected. */
  static readonly made = new EventEmitter()

  constructor(url: string) {
    super(url)
    Cuttable.all.add(this)
    queueMicrotask(() => Cuttable.made.emit('made'))
    this.on('close', () => Cuttable.all.delete(this))
  }

  static cutAll(): void {
    for (const socket of Cuttable.all) socket.terminate()
  }
}

it('accepts typing and leaving at any time, connected or not', async () => {
  const { url } = await chat()
  const ann = client(url, 'ann')
  const joined = ann.join('a')
  await new Promise((resolve) => Cuttable.made.once('made', resolve))
  ann.typing('a')
  ann.leave('a')
  await expect(joined).rejects.toMatchObject({ code: 'left' })
  await ann.join('b')
  Cuttable.cutAll()
  await new Promise((resolve) => Cuttable.made.once('made', resolve))
  ann.typing('b')
  expect((await ann.send('b', 'here')).seq).toBe(1)
})

it('returns older messages page by page, up to the first', async () => {
  const { url } = await chat()
  const ann = client(url, 'ann')
  await ann.join('a')
  for (let i = 1; i <= 7; i++) await ann.send('a', `message ${i}`)
  const late = client(url, 'late')
  await expect(late.history('a', 5, 3)).rejects.toThrow('no connection')
  await late.join('a')
  const page = late.history('a', 5, 3)
  const another = late.history('a', 3, 1)
  const { messages, first } = await page
  expect((await another).messages.map(({ seq }) => seq)).toEqual([2])
  expect([messages.map(({ body }) => body), first]).toEqual([['message 2', 'message 3', 'message 4'], 1])
  expect((await late.history('a', 2, 3)).messages.map(({ seq }) => seq)).toEqual([1])
  const cutOff = late.history('a', 5, 3)
  late.close()
  await expect(cutOff).rejects.toThrow()
})

it('reports who is there after every reconnect, also who left meanwhile', async () => {
  const { url } = await chat()
  const bob = await RawUser.hello(url, 'bob')
  bob.send({ type: 'join', room: 'a' })
  await bob.until('presence')
  const ann = client(url, 'ann')
  const seen: ChatClientEvents['resumed'][] = []
  ann.on('resumed', (event) => seen.push(event))
  await ann.join('a')
  expect(seen[0]).toMatchObject({ members: 1, users: ['bob'] })
  bob.socket.terminate()
  Cuttable.cutAll()
  await expect.poll(() => seen.length).toBe(2)
  expect(seen[1]!.users).not.toContain('bob')
})
