import { PassThrough } from 'node:stream'
import { afterEach, expect, it } from 'vitest'
import type { ChatLink } from '../src/chat/link.ts'
import type { ClientMessage } from '../src/protocol/messages.ts'
import { userOnLink } from './support/chat.ts'

/** What a chat server does with messages while its link is overloaded. */

const open: { close(): unknown }[] = []
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close()
})

async function user(changes: Partial<ChatLink>) {
  const started = await userOnLink(changes)
  open.push(started)
  return started
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

it('Q2: rejects a message by its own id and room, however it is written, and counts it', async () => {
  let retryMs: number | undefined
  const { ann, server } = await user({ overload: () => retryMs })
  for (const room of ['r', 'ü "']) ann.send({ type: 'join', room })
  await ann.until('joined', 2)
  retryMs = 700
  const data = { id: 'other' }
  ann.send({ type: 'send', room: 'r', id: 'plain', body: '"id":"other"' })
  ann.send({ type: 'send', room: 'r', id: 'ü\\"\u2028', body: 'x' })
  ann.send({ type: 'send', room: 'ü "', id: 'quoted', body: 'x' })
  ann.send({ id: 'turned', body: 'x', data, room: 'r', type: 'send' } as ClientMessage)
  ann.send({ type: 'edit', room: 'r', id: 'edit', seq: 1, body: 'x' })
  ann.send({ type: 'ping', id: 'p' })
  await ann.until('pong')
  expect(
    ann.of('rejected').map(({ id, room, request, code, retryMs }) => ({ id, room, request, code, retryMs })),
  ).toEqual(
    [
      ['plain', 'r', 'send'],
      ['ü\\"\u2028', 'r', 'send'],
      ['quoted', 'ü "', 'send'],
      ['turned', 'r', 'send'],
      ['edit', 'r', 'edit'],
    ].map(([id, room, request]) => ({ id, room, request, code: 'overloaded', retryMs: 700 })),
  )
  expect(server.stats.rejected).toBe(5)
  retryMs = undefined
  ann.send({ type: 'send', room: 'r', id: 'plain', body: 'x' })
  expect(await ann.until('ack')).toMatchObject([{ id: 'plain', seq: 1 }])
})

it('reads what only looks like a plain message before it is rejected', async () => {
  let retryMs: number | undefined
  const { ann } = await user({ overload: () => retryMs })
  ann.send({ type: 'join', room: 'r' })
  await ann.until('joined')
  retryMs = 700
  const begin = '{"type":"send","room":"r","id":'
  const frames: [frame: string, answer: object][] = [
    [`${begin}"中","body":"文"}`, { id: '中', code: 'overloaded' }],
    [`${begin}"empty","body":""}`, { id: 'empty', code: 'overloaded' }],
    [`${begin}"${'i'.repeat(64)}","body":""}`, { id: 'i'.repeat(64), code: 'overloaded' }],
    [`${begin}"first","body":"x","id":"second"}`, { id: 'second', code: 'overloaded' }],
    [`${begin}"a","body":"x","type":"ping"}`, { type: 'pong', id: 'a' }],
    [`${begin}"escaped","body":"\\"}"}`, { id: 'escaped', code: 'overloaded' }],
    [`${begin}"lines","body":"a\\n\\\\\\/\\b"}`, { id: 'lines', code: 'overloaded' }],
    [`${begin}"data","body":"x","data":{"a":"}\\"","b":{"c":[{}]}}}`, { id: 'data', code: 'overloaded' }],
    [`${begin}"first","body":"x","data":{"a":1},"id":"last"}`, { id: 'last', code: 'overloaded' }],
    [`${begin}"h","body":"x","data":{"a":1}`, { type: 'error' }],
    [`${begin}"hex","body":"\\u00e4"}`, { id: 'hex', code: 'overloaded' }],
    [`${begin}"e","body":"\\x"}`, { type: 'error' }],
    [`${begin}"f","body":"\\"}`, { type: 'error' }],
    [`${begin}"g","body":"x\\`, { type: 'error' }],
    [`${begin}"${'i'.repeat(65)}","body":"x"}`, { request: 'send', code: 'bad-message' }],
    [`${begin}"","body":"x"}`, { request: 'send', code: 'bad-message' }],
    [`${begin}"b","body":"x"}}`, { type: 'error' }],
    [`${begin}"c","body":"x`, { type: 'error' }],
    [`${begin}"d","body":"\n"}`, { type: 'error' }],
    [begin, { type: 'error' }],
  ]
  const before = ann.received.length
  for (const [frame] of frames) ann.socket.send(frame)
  await expect.poll(() => ann.received.length, { timeout: 20_000 }).toBe(before + frames.length)
  expect(ann.received.slice(before)).toMatchObject(frames.map(([, answer]) => answer))
})

it.each([
  ['from their bytes', {}],
  ['when they were read', { body: '\u0001' }],
])(
  'S8: rejects messages %s: who sends again too early is read only later, and then accepted',
  async (_, more) => {
    let asked = () => {}
    let retryMs: number | undefined
    const { ann, server } = await user({
      overload() {
        asked()
        return retryMs
      },
    })
    const send = (id: string) => ann.send({ type: 'send', room: 'r', id, body: 'x', ...more })
    ann.send({ type: 'join', room: 'r' })
    await ann.until('joined')
    retryMs = 60_000
    send('rejected')
    await ann.until('rejected')
    await sleep(200) // longer than a client needs to be notified
    asked = () => {
      // Sent when it is no longer read.
      asked = () => {}
      for (const id of ['early', 'also early']) send(id)
      ann.send({ type: 'ping', id: 'p' })
    }
    send('again')
    await ann.until('pong')
    expect(ann.of('rejected').map(({ id, code, retryMs }) => ({ id, code, retryMs }))).toEqual(
      ['rejected', 'again', 'early', 'also early'].map((id) => ({ id, code: 'overloaded', retryMs: 60_000 })),
    )
    expect(server.stats.rejected).toBe(4)
    retryMs = undefined
    send('in time')
    expect(await ann.until('ack')).toMatchObject([{ id: 'in time' }])
  },
)

it('accepts what came while it did not read, when the load is gone by then', async () => {
  let retryMs: number | undefined = 60_000
  const { ann, server } = await user({ overload: () => retryMs })
  const send = (id: string) => ann.send({ type: 'send', room: 'r', id, body: 'x' })
  ann.send({ type: 'join', room: 'r' })
  await ann.until('joined')
  send('rejected')
  await ann.until('rejected')
  await sleep(200)
  send('again')
  await ann.until('rejected', 2)
  send('meanwhile')
  retryMs = undefined
  expect(await ann.until('ack')).toMatchObject([{ id: 'meanwhile' }])
  expect(server.stats.rejected).toBe(2)
})

it('lets go of a connection that ends while it is not read', async () => {
  const { ann, server } = await user({ overload: () => 60_000 })
  ann.send({ type: 'send', room: 'r', id: 'rejected', body: 'x' })
  await ann.until('rejected')
  await sleep(200)
  ann.send({ type: 'send', room: 'r', id: 'again', body: 'x' })
  await ann.until('rejected', 2)
  ann.socket.terminate()
  await expect.poll(() => server.stats.connections, { timeout: 20_000 }).toBe(0)
})

it('answers a request beside an event stream later, when its user sends again too early', async () => {
  let retryMs: number | undefined
  const { server } = await user({ overload: () => retryMs })
  const output = new PassThrough()
  let events = ''
  output.on('data', (data) => {
    events += data
  })
  server.acceptStream({ headers: {} }, { reject() {}, open: () => output })
  const id = /data: (.*)/.exec(events)![1]!
  let n = 0
  const post = async (request: ClientMessage) => {
    const began = performance.now()
    expect(await server.post(id, { kind: 'frames', n: ++n, lines: JSON.stringify(request) })).toBe(204)
    return performance.now() - began
  }
  const send = (id: string) => post({ type: 'send', room: 'r', id, body: 'x' })
  await post({ type: 'hello', id: 'h', version: 1, user: 'bob' })
  await post({ type: 'join', id: 'j', room: 'r' })
  retryMs = 60_000
  await send('rejected')
  await sleep(200)
  expect(await send('again')).toBeGreaterThan(150)
  await sleep(50)
  retryMs = undefined
  await send('in time')
  await expect.poll(() => events, { timeout: 20_000 }).toMatch(/"type":"ack","id":"in time"/)
  expect(events.match(/"type":"rejected"/g)).toHaveLength(2)
  output.destroy()
})
