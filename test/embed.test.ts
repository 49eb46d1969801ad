import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Server as SocketServer } from 'socket.io'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { signToken } from '../src/chat/auth/sign.ts'
import { ChatClient } from '../src/client/node.ts'
import { createChat, type EmbeddedChatOptions, lineLogger, MemoryRoomLog, Rejected } from '../src/index.ts'
import { verifySignature } from '../src/server-api/client.ts'

const SECRET = 'a secret of at least 32 characters'
const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function listening(server = createServer((_, response) => response.end('the app'))) {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return { server, port: (server.address() as AddressInfo).port }
}

async function app(options: EmbeddedChatOptions) {
  const { server, port } = await listening()
  const chat = await createChat(options)
  closers.push(() => chat.close())
  chat.attach(server)
  const client = (user: string, more = {}) => {
    const made = new ChatClient({ url: `ws://127.0.0.1:${port}/chat`, user, ...more })
    closers.push(() => made.close())
    return made
  }
  return { server, port, chat, client }
}

describe('a chat on an app’s own server', () => {
  it('serves its path, leaves everything else to the app, and publishes from the app', async () => {
    const { port, chat, client } = await app({ auth: { secret: SECRET } })
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('the app')
    const ann = client('', { user: undefined, token: () => signToken(SECRET, { user: 'ann' }) })
    const seen: string[] = []
    ann.on('message', ({ user, body }) => seen.push(`${user}: ${body}`))
    await ann.join('lobby')
    await ann.send('lobby', 'hello')
    await chat.service.publish('lobby', { body: 'order 17 was paid' })
    await expect.poll(() => seen).toEqual(['ann: hello', '$server: order 17 was paid'])

    const { service } = chat
    const wrong = { code: 'INVALID_INPUT' }
    await expect(
      service.publish('$moderation', { body: '{"type":"ban","user":"ann"}' }),
    ).rejects.toMatchObject(wrong)
    await expect(service.publish('lobby', { body: 7 as never })).rejects.toMatchObject(wrong)
    await expect(service.delete('lobby', Number.NaN)).rejects.toMatchObject(wrong)
    await expect(service.decide({ type: 'mute', user: undefined as never })).rejects.toMatchObject(wrong)
    await expect(service.delete('lobby', 99)).rejects.toMatchObject({ code: 'not-found', statusCode: 404 })
    expect(service.sanctions()).toEqual([])

    const other = connect(port, '127.0.0.1')
    other.end('GET /other HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n')
    const [answer] = await once(other, 'data')
    expect(String(answer)).toMatch(/^HTTP\/1.1 404 /)

    const plain = connect(port, '127.0.0.1')
    plain.end('GET /other HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n')
    expect(String((await once(plain, 'data'))[0])).toMatch(/^HTTP\/1.1 200 .*the app/s)
  })

  it('leaves other upgrades to the app’s own listeners, and nothing behind when it is closed', async () => {
    const { server, port, chat } = await app({ auth: { anonymous: true } })
    server.on('upgrade', (request, socket) => {
      if (request.url === '/mine') socket.end('HTTP/1.1 426 Mine\r\n\r\n')
    })
    const mine = connect(port, '127.0.0.1')
    mine.write('GET /mine HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n')
    expect(String((await once(mine, 'data'))[0])).toMatch(/^HTTP\/1.1 426 Mine/)
    await chat.close()
    expect(server.listenerCount('upgrade')).toBe(1)
  })

  it('runs beside Socket.IO on one server', async () => {
    const { server, port, client } = await app({ auth: { anonymous: true } })
    const io = new SocketServer(server)
    const other = new WebSocket(`ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket`)
    const [opened] = await once(other, 'message')
    expect(String(opened)).toMatch(/^0\{"sid"/)
    const ann = client('ann')
    await ann.join('r')
    await sleep(1500) // after a second Socket.IO destroys what it holds to be unanswered
    expect((await ann.send('r', 'hello')).seq).toBe(1)
    expect([other.readyState, ann.state]).toEqual([WebSocket.OPEN, 'open'])
    other.close()
    io.engine.close()
  })

  it('says what is wrong with its options', async () => {
    await expect(createChat({ auth: {} })).rejects.toThrow(/no way to authenticate/)
    await expect(createChat({ auth: { anonymous: true }, path: 'chat' })).rejects.toThrow(
      /"chat" is not a path/,
    )
  })
})

describe('the room log of a chat on an app’s own server', () => {
  const folderOf = () => {
    const folder = mkdtempSync(join(tmpdir(), 'embed-'))
    closers.push(() => rmSync(folder, { recursive: true }))
    return folder
  }

  const damaged = async () => {
    const data = folderOf()
    const first = await createChat({ auth: { anonymous: true }, data })
    for (const body of ['one', 'two', 'three']) await first.service.publish('r', { body })
    await first.close()
    const [segment] = readdirSync(data).filter((name) => name.endsWith('.log'))
    const file = join(data, segment!)
    const bytes = readFileSync(file)
    bytes.fill(0x7f, bytes.indexOf('two'), bytes.indexOf('two') + 3)
    writeFileSync(file, bytes)
    return data
  }

  it('reports what is damaged to the logger of the app', async () => {
    const lines: string[] = []
    const logger = lineLogger((line) => lines.push(line), { level: 'warn' })
    const { chat } = await app({ auth: { anonymous: true }, data: await damaged(), logger })
    await chat.service.history('r', 1e9, 10)
    expect(lines.join()).toMatch(/^Room log: .*(DAMAGED|LOST|left out)/)
  })

  it('reports it to the standard error output without one', async () => {
    const logged = vi.spyOn(console, 'error').mockImplementation(() => {})
    closers.push(() => logged.mockRestore())
    const { chat } = await app({ auth: { anonymous: true }, data: await damaged() })
    await chat.service.history('r', 1e9, 10)
    expect(logged.mock.calls.join()).toMatch(/^concertina: Room log: /)
  })

  it.runIf(process.platform === 'linux')('warns when the folder cannot be locked by the system', async () => {
    const PATH = process.env.PATH
    closers.push(() => {
      process.env.PATH = PATH
    })
    process.env.PATH = folderOf()
    const lines: string[] = []
    const logger = lineLogger((line) => lines.push(line), { level: 'warn' })
    await app({ auth: { anonymous: true }, data: folderOf(), logger })
    expect(lines.join()).toMatch(/^Room log: .*lock/)
  })
})

describe('hooks', () => {
  it('reject and change messages, and keep the order of those that take longer', async () => {
    const { client } = await app({
      auth: { anonymous: true },
      hooks: {
        beforeJoin: ({ room, user }) => {
          if (room === 'staff' && user !== 'root') throw new Rejected('staff only')
        },
        beforeMessage: async ({ body }) => {
          if (body === 'slow') await sleep(100)
          if (body === 'spam') throw new Rejected('no spam')
          return body.replace('darn', '****')
        },
      },
    })
    const ann = client('ann')
    const seen: string[] = []
    ann.on('message', ({ body }) => seen.push(body))
    await ann.join('r')
    await expect(ann.join('staff')).rejects.toThrow('staff only')
    const sent = ['slow', 'spam', 'darn it', 'last'].map((body) => ann.send('r', body))
    expect((await Promise.allSettled(sent)).map(({ status }) => status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
    ])
    await expect(sent[1]).rejects.toThrow('no spam')
    await expect.poll(() => seen).toEqual(['slow', '**** it', 'last'])
  })

  it('that fail are logged, and their message sent again, also when the logger and the room log fail', async () => {
    const logged: string[] = []
    const boom = (..._: unknown[]) => {
      throw new Error('boom')
    }
    const log = new MemoryRoomLog()
    const append = log.append.bind(log)
    const left = { joins: ['throws'], messages: ['throws', 'answers 42'], appends: ['throws'] }
    log.append = (message) => (left.appends.pop() ? boom() : append(message))
    const { client } = await app({
      auth: { anonymous: true },
      roomLog: log,
      logger: { debug: boom, info: boom, warn: (line) => boom(logged.push(line)), error: boom },
      hooks: {
        beforeJoin: () => (left.joins.pop() ? boom() : undefined),
        beforeMessage: () => {
          const failure = left.messages.pop()
          return failure === 'throws' ? boom() : failure && (42 as never)
        },
      },
    })
    const ann = client('ann')
    await ann.join('r')
    await ann.send('r', 'hello')
    expect(left).toEqual({ joins: [], messages: [], appends: [] })
    expect(logged).toEqual(['a hook could not decide: boom', 'a hook could not decide: 42 is no body'])
  })

  it('ask a backend by signed HTTP', async () => {
    const asked: object[] = []
    const read = async (request: IncomingMessage) => {
      let text = ''
      for await (const chunk of request) text += chunk
      return text
    }
    const backend = await listening(
      createServer(async (request, response) => {
        const text = await read(request)
        const event = JSON.parse(text) as { type: string; body?: string }
        asked.push({ ...event, signed: verifySignature(SECRET, request.headers, text) })
        response.setHeader('content-type', 'application/json')
        response.end(
          JSON.stringify(event.body === 'no' ? { allow: false, reason: 'never' } : { allow: true }),
        )
      }),
    )
    const { client } = await app({
      auth: { anonymous: true },
      hooks: { url: `http://127.0.0.1:${backend.port}/`, secret: SECRET },
    })
    const ann = client('ann')
    await ann.join('r')
    await ann.send('r', 'yes', '1')
    await expect(ann.send('r', 'no', '2')).rejects.toThrow('never')
    expect(asked).toEqual([
      { type: 'join', room: 'r', user: 'ann', signed: true },
      { type: 'message', room: 'r', user: 'ann', id: '1', body: 'yes', signed: true },
      { type: 'message', room: 'r', user: 'ann', id: '2', body: 'no', signed: true },
    ])
  })

  it('do what was chosen while the backend is away', async () => {
    const hooks = { url: 'http://127.0.0.1:9/', secret: SECRET, events: ['message' as const] }
    const open = await app({ auth: { anonymous: true }, hooks: { ...hooks, onFailure: 'allow' } })
    const ann = open.client('ann')
    await ann.join('r')
    expect((await ann.send('r', 'hello')).durability).toBe('memory')
    const shut = await app({ auth: { anonymous: true }, hooks })
    const eve = shut.client('eve')
    await eve.join('r')
    const sent = eve.send('r', 'hello', undefined, { timeoutMs: 500 })
    await expect(sent).rejects.toThrow()
    expect((await shut.chat.service.history('r', 1e9, 10)).messages).toEqual([])
  })
})

const anonymous = { anonymous: true }
const work = { concurrency: 1, queueLimit: 1, serviceTime: { kind: 'constant', value: 0.1 } }
it.each<[object, RegExp]>([
  [{ auth: anonymous, pth: '/x' }, /^pth: there is no such key$/],
  [{ auth: { secret: SECRET, isuer: 'https://id.example.org' } }, /^auth.isuer: there is no such key$/],
  [{ auth: { secret: SECRET, claims: { usr: 'name' } } }, /^auth.claims.usr: there is no such key$/],
  [{ auth: anonymous, hooks: { beforeMesage() {} } }, /^hooks.beforeMesage: there is no such key$/],
  [{ auth: anonymous, hooks: { beforeJoin: true } }, /^hooks.beforeJoin: true is not allowed$/],
  [{ auth: anonymous, hooks: new (class Empty {})() }, /^hooks: there is no hook$/],
  [{ auth: anonymous, origins: 'https://app.example.org' }, /^origins: "https:.*" is not allowed$/],
  [{ auth: anonymous, path: 5 }, /^path: 5 is not a path$/],
  [{ auth: anonymous, hooks: 'https://app.example.org' }, /^hooks: "https:.*" is not allowed$/],
  [{ auth: anonymous, data: 5 }, /^data: 5 is not allowed$/],
  [{ auth: anonymous, logger: {} }, /^logger: it has no error$/],
  [{ auth: anonymous, limits: 5 }, /^limits: 5 is not allowed$/],
  [{ auth: anonymous, namespaces: 5 }, /^namespaces: 5 is not allowed$/],
  [{ auth: 5 }, /^auth: 5 is not allowed$/],
  [{ auth: { secret: 5 } }, /^auth.secret: it is not allowed$/],
  [{ auth: { publicKeys: 5 } }, /^auth.publicKeys: 5 is not allowed$/],
  [{ auth: { anonymous: 'yes' } }, /^auth.anonymous: "yes" is not allowed$/],
  [
    { auth: anonymous, hooks: { url: 'http://x', secret: 'a short one' } },
    /^hooks.secret: it is not allowed$/,
  ],
  [{ auth: { publicKeys: ['x'] } }, /^publicKeys.0.: it is not a public key$/],
  [{ auth: anonymous, roomLog: null }, /^roomLog: null is not allowed$/],
  [{ auth: anonymous, roomLog: { append() {} } }, /^roomLog: it has no read$/],
  [{ auth: anonymous, work: 5 }, /^work: 5 is not allowed$/],
  [{ auth: anonymous, work: {} }, /^work.concurrency: undefined is not allowed$/],
  [{ auth: anonymous, work: { ...work, slots: 5 } }, /^work.slots: there is no such key$/],
  [{ auth: anonymous, work: { ...work, queueLimit: -1 } }, /^work.queueLimit: -1 is not allowed$/],
  [
    { auth: anonymous, work: { ...work, serviceTime: 5 } },
    /^work.serviceTime.kind: undefined is not a distr/,
  ],
])('rejects an option that there is not: %j', async (options, message) => {
  await expect(createChat(options as EmbeddedChatOptions)).rejects.toThrow(message)
})
