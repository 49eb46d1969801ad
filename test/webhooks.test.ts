import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { silentLogger } from '../src/base/logger.ts'
import type { WebhookOptions } from '../src/chat/hooks/webhook-options.ts'
import { Webhooks } from '../src/chat/hooks/webhooks.ts'
import { MemoryRoomLog } from '../src/chat/log/memory.ts'
import { ChatClient } from '../src/client/node.ts'
import { verifySignature } from '../src/server-api/client.ts'
import { startCli } from './run-cli.ts'
import { startChat } from './support/chat.ts'

const SECRET = 'a secret for hooks of more than thirty-two characters'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

interface Event {
  eventId: string
  type: string
  room: string
  user?: string
  seq?: number
  body?: string
}

type Answer = { status?: number; body?: unknown } | undefined

async function receiver(
  answer: (body: string, request: IncomingMessage) => Answer | Promise<Answer>,
  port = 0,
) {
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    const genuine = verifySignature(SECRET, request.headers, body)
    const { status = 200, body: text = {} } = genuine
      ? ((await answer(body, request)) ?? {})
      : { status: 401 }
    response.writeHead(status).end(JSON.stringify(text))
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const close = () => {
    server.close()
    server.closeAllConnections()
  }
  closers.push(close)
  return { port: (server.address() as AddressInfo).port, close }
}

async function user(url: string, name: string, room = 'r') {
  const client = new ChatClient({ url, user: name })
  closers.push(() => client.close())
  await client.join(room)
  return client
}

const until = (what: () => unknown, seconds = 15) =>
  expect.poll(what, { timeout: seconds * 1000 }).toBeTruthy()

describe('webhooks', () => {
  async function start(options: Partial<WebhookOptions>, port: number, log = new MemoryRoomLog()) {
    const url = `http://127.0.0.1:${port}/hook`
    const webhooks = new Webhooks(log, [{ url, secret: SECRET, ...options }], silentLogger)
    await webhooks.start()
    const chat = await startChat({}, 2, webhooks.log)
    chat.hub.onPresence(
      ({ room, joined, left, members }) => void webhooks.log.presence(room, joined, left, members === 0),
    )
    closers.push(() => chat.close())
    closers.push(() => webhooks.close())
    return chat
  }

  it('deliver messages, joins, leaves and empty rooms, signed', async () => {
    const events: Event[] = []
    const { port } = await receiver((body) => void events.push(...JSON.parse(body).events))
    const { urls } = await start({}, port)
    const ann = await user(urls[0]!, 'ann')
    const { seq } = await ann.send('r', 'hello', undefined, { data: { a: 1 } })
    await ann.edit('r', seq, 'hello!')
    await until(() => events.length === 3)
    ann.leave('r')
    await until(() => events.length === 5)
    expect(events).toMatchObject([
      { type: expect.stringMatching(/join|message/), room: 'r', user: 'ann' },
      { room: 'r', user: 'ann' },
      { room: 'r', user: 'ann' },
      { type: 'leave', room: 'r', user: 'ann' },
      { type: 'room-empty', room: 'r' },
    ])
    expect(events.filter(({ type }) => type === 'message')).toMatchObject([
      { seq, body: 'hello', data: { a: 1 } },
      { body: 'hello!', edits: seq },
    ])
    expect(new Set(events.map(({ eventId }) => eventId)).size).toBe(5)
  })

  it('deliver only the events and rooms that are wanted', async () => {
    const events: Event[] = []
    const { port } = await receiver((body) => void events.push(...JSON.parse(body).events))
    const { urls } = await start({ events: ['message'], rooms: ['team-*'] }, port)
    const [ann, bob] = [await user(urls[0]!, 'ann', 'team-1'), await user(urls[1]!, 'bob', 'other')]
    await bob.send('other', 'no')
    await ann.send('team-1', 'yes')
    await until(() => events.length > 0)
    expect(events.map(({ body }) => body)).toEqual(['yes'])
  })

  it('are delivered in order, again after an error, with the same ids', async () => {
    const attempts: Event[][] = []
    let failures = 2
    const { port } = await receiver((body) => {
      attempts.push(JSON.parse(body).events)
      return { status: failures-- > 0 ? 500 : 204 }
    })
    const { urls } = await start({ events: ['message'] }, port)
    const ann = await user(urls[0]!, 'ann')
    for (let i = 0; i < 5; i++) await ann.send('r', `m${i}`)
    const bodies = () => attempts.slice(2).flatMap((events) => events.map(({ body }) => body))
    await until(() => bodies().length === 5)
    expect(bodies()).toEqual(['m0', 'm1', 'm2', 'm3', 'm4'])
    expect(attempts[1]![0]!.eventId).toBe(attempts[0]![0]!.eventId)
  })

  it('lose nothing when the receiver is away and the whole fleet is killed meanwhile', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'hooks-'))
    closers.push(() => rmSync(folder, { recursive: true, force: true }))
    const { port, close } = await receiver(() => undefined)
    close()
    const config = join(folder, 'config.json')
    const webhooks = [{ url: `http://127.0.0.1:${port}/`, secret: SECRET, events: ['message'] }]
    writeFileSync(
      config,
      JSON.stringify({
        live: { port: 0, controlPort: 0, data: join(folder, 'data'), auth: { anonymous: true }, webhooks },
      }),
    )
    const serve = async () => {
      const { child } = startCli(['serve', '--config', config])
      closers.push(() => child.kill('SIGKILL'))
      let out = ''
      for (const stream of [child.stdout!, child.stderr!])
        stream.on('data', (chunk) => {
          out += chunk
        })
      await until(() => /ws:\/\/[^")]+/.test(out) || child.exitCode !== null, 120)
      expect(child.exitCode, out).toBeNull()
      return { child, url: /ws:\/\/[^")]+/.exec(out)![0] }
    }
    const first = await serve()
    const ann = await user(first.url, 'ann')
    const acks = await Promise.all(Array.from({ length: 150 }, (_, i) => ann.send('r', `m${i}`)))
    ann.close()
    first.child.kill('SIGKILL')
    await once(first.child, 'exit')
    const events: Event[] = []
    await receiver((body) => void events.push(...JSON.parse(body).events), port)
    const second = await serve()
    await until(() => events.length >= acks.length, 120)
    expect(new Set(events.map(({ seq }) => seq))).toEqual(new Set(acks.map(({ seq }) => seq)))
    second.child.kill('SIGTERM')
    await once(second.child, 'exit')
  }, 400_000)
})
