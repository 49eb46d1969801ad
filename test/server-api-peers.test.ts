import { createServer as createHttpServer, type ServerResponse } from 'node:http'
import { createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { listen } from '../src/http/listen.ts'
import { ServerApiClient, type ServerApiClientOptions, ServerApiError } from '../src/server-api/client.ts'

// What answers in place of the server API, or of a part of it.

const KEY = 'a key of the server API, of more than 32 characters'
const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

/** A peer that answers each request with these bytes, or as the function does. */
async function peer(answer: string | ((socket: Socket) => unknown)) {
  const open = new Set<Socket>()
  let requests = 0
  const server = createServer((socket) => {
    open.add(socket.on('error', () => {}).once('close', () => open.delete(socket)))
    socket.once('data', () => {
      requests++
      if (typeof answer === 'string') socket.end(answer)
      else answer(socket)
    })
  })
  const port = await listen(server, '127.0.0.1', 0)
  closers.push(() => {
    server.close()
    for (const socket of open) socket.destroy()
  })
  const client = (options: Partial<ServerApiClientOptions> = {}) =>
    new ServerApiClient({ url: `http://127.0.0.1:${port}`, key: KEY, retries: 0, timeoutMs: 300, ...options })
  return { client, requests: () => requests, open }
}

const answer = (body: string, status = '200 OK', headers = 'content-type: application/json') =>
  `HTTP/1.1 ${status}\r\n${headers}\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
const PUBLISHED = '{"room":"r","seq":1,"id":"x","duplicate":false,"durability":"disk"}'

async function failureOf(promise: Promise<unknown>): Promise<ServerApiError> {
  const error = await promise.then(
    (value) => value,
    (reason: unknown) => reason,
  )
  if (error instanceof ServerApiError) return error
  throw new Error(`no error of the server API, but ${String(JSON.stringify(error))}`)
}

/** Sends the same again and again, as fast as it is taken. */
function flood(socket: Socket, head: string, part: string): void {
  socket.write(head)
  const block = part.repeat(Math.ceil(65_536 / part.length))
  const send = () => {
    while (!socket.destroyed && socket.write(block));
    if (!socket.destroyed) socket.once('drain', send)
  }
  send()
}

const HEAD = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n'

describe('the client of the server API names what it got', () => {
  it.each<[string, string | ((socket: Socket) => unknown), number, RegExp]>([
    [
      'a page of HTML',
      answer('<h1>Sign in</h1>', '200 OK', 'content-type: text/html'),
      200,
      /no answer of the/,
    ],
    ['an error page', answer('<h1>Bad gateway</h1>', '502 Bad Gateway'), 502, /no answer .*status 502/],
    ['an empty body', answer(''), 200, /no answer of the server API \(status 200\)/],
    ['no body', 'HTTP/1.1 204 No Content\r\n\r\n', 204, /no answer of the server API \(status 204\)/],
    ['null', answer('null'), 200, /no answer/],
    ['text', answer('"ok"'), 200, /no answer/],
    ['a list', answer('[1]'), 200, /no answer/],
    ['another object', answer('{"ok":true}'), 200, /no answer/],
    ['a place that is no number', answer(PUBLISHED.replace('1', '"1"')), 200, /no answer/],
    ['a number without bounds', answer(PUBLISHED.replace('1', '1e999')), 200, /no answer/],
    ['a place beyond whole numbers', answer(PUBLISHED.replace('1', '1e300')), 200, /no answer/],
    ['half of it', answer(PUBLISHED.slice(0, 20)), 200, /no answer/],
    ['very deep', answer('['.repeat(1e6)), 200, /no answer/],
    ['a problem that is none', answer('{"code":{},"message":[]}', '400 Bad Request'), 400, /no answer/],
    [
      'a redirect',
      answer('', '302 Found', 'location: http://127.0.0.1:9/login'),
      302,
      /redirects to "http:.*login/,
    ],
    [
      'a redirect that keeps the method',
      answer('', '307 X', 'location: /else'),
      307,
      /redirects to "\/else"/,
    ],
    ['too many', answer('', '429 Too Many', 'retry-after: -1e99999 garbage'), 429, /status 429/],
    ['not modified', 'HTTP/1.1 304 Not Modified\r\n\r\n', 304, /status 304/],
    ['no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n', 0, /cannot be reached \(.+\)/],
    ['a reset', (socket) => socket.resetAndDestroy(), 0, /cannot be reached \(.+\)/],
    ['an end', (socket) => socket.end(), 0, /cannot be reached \(.+\)/],
    ['nothing', () => {}, 0, /no answer within 300 ms/],
    ['a body that breaks off', `${HEAD}content-length: 900\r\n\r\n{"room"`, 0, /cannot be reached \(.+\)/],
    [
      'a body that does not end',
      (socket) => socket.write(`${HEAD}content-length: 900\r\n\r\n{`),
      0,
      /within 300 ms/,
    ],
    [
      'chunks that are none',
      `${HEAD}transfer-encoding: chunked\r\n\r\nzz\r\n`,
      0,
      /cannot be reached \(.+\)/,
    ],
    ['no gzip', answer(PUBLISHED, '200 OK', 'content-encoding: gzip'), 0, /cannot be reached \(.+\)/],
    [
      'headers without an end',
      (socket) => flood(socket, 'HTTP/1.1 200 OK\r\n', 'x: y\r\n'),
      0,
      /cannot be reached \(.+\)/,
    ],
    [
      'hints without an end',
      (socket) => flood(socket, '', 'HTTP/1.1 103 Early Hints\r\nx: y\r\n\r\n'),
      0,
      /cannot be reached \(.+\)/,
    ],
  ])('%s', async (_, sent, status, message) => {
    const { client, requests } = await peer(sent)
    const error = await failureOf(client().publish('r', { body: 'x' }))
    expect(error).toMatchObject({ status, code: status === 0 ? 'UNREACHABLE' : 'UNEXPECTED' })
    expect(error.message).toMatch(message)
    expect(requests()).toBe(1)
  })

  it('and gives no part of another answer for its own', async () => {
    const { client } = await peer(answer('{}'))
    const api = client()
    const calls: (() => Promise<unknown>)[] = [
      () => api.publishToMany(['r'], { body: 'x' }),
      () => api.announce({ body: 'x' }),
      () => api.edit('r', 1, { body: 'x' }),
      () => api.delete('r', 1),
      () => api.deleteRoom('r'),
      () => api.history('r'),
      () => api.rooms(),
      () => api.users(),
      () => api.talkers(),
      () => api.room('r'),
      () => api.user('u'),
      () => api.sanctions(),
      () => api.kick('u'),
      () => api.ban('u'),
      () => api.unban('u'),
      () => api.mute('u'),
      () => api.unmute('u'),
      () => api.revokeUser('u'),
      () => api.revokeToken('t'),
      () => api.closeRoom('r'),
      () => api.openRoom('r'),
    ]
    for (const call of calls)
      expect((await failureOf(call())).message).toContain('no answer of the server API')
  })

  it('and takes an answer with a mark before it', async () => {
    const { client } = await peer(answer(`\ufeff${PUBLISHED}`))
    expect(await client().publish('r', { body: 'x' })).toMatchObject({ seq: 1 })
  })
})

describe('the client of the server API', () => {
  it('does not read without an end', async () => {
    let bytes = 0
    const part = Buffer.alloc(1 << 20, ' ')
    const server = createHttpServer((_, response: ServerResponse) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      const send = () => {
        while (!response.destroyed && response.write(part)) bytes += part.length
        if (!response.destroyed) response.once('drain', send)
      }
      send()
    })
    const port = await listen(server, '127.0.0.1', 0)
    closers.push(() => {
      server.close()
      server.closeAllConnections()
    })
    const client = new ServerApiClient({ url: `http://127.0.0.1:${port}`, key: KEY, timeoutMs: 30_000 })
    const error = await failureOf(client.history('r'))
    expect(error).toMatchObject({ status: 200, code: 'UNEXPECTED' })
    expect(error.message).toMatch(/the answer is longer than \d+ bytes/)
    expect(bytes).toBeLessThan(256 << 20)
  })

  it('sends again what a connection lost halfway, and what a server cannot take now', async () => {
    const bad = [`${HEAD}content-length: 900\r\n\r\n{`, answer('<p>', '503 X', 'retry-after: 1e999'), '']
    const { client, requests } = await peer((socket) => socket.end(bad.shift() ?? answer(PUBLISHED)))
    expect(await client({ retries: 3 }).publish('r', { body: 'x' })).toMatchObject({ seq: 1 })
    expect(requests()).toBe(4)
  })

  it('repeats its key in no error, whoever sends it back', async () => {
    const problem = JSON.stringify({ code: KEY, message: `you sent Bearer ${KEY}`, hint: KEY })
    for (const sent of [answer(problem, '401 X'), answer('', '302 X', `location: /?key=${KEY}`)]) {
      const { client } = await peer(sent)
      const error = await failureOf(client().rooms())
      expect(JSON.stringify([error, error.message, error.stack, error.cause])).not.toContain(KEY.slice(0, 20))
    }
    for (const wrong of ['\n', '\0', '…']) {
      const key = `secret${wrong}key`
      const made = () => new ServerApiClient({ url: 'http://127.0.0.1:9', key })
      expect(made).toThrow(/^key: it has characters/)
      expect(made).not.toThrow(/secret/)
    }
    const withUser = () => new ServerApiClient({ url: 'http://ann:secret@127.0.0.1:9', key: KEY })
    expect(withUser).toThrow(/^url: it has a user/)
    expect(withUser).not.toThrow(/secret/)
  })

  it('has no line in an error that a terminal acts on, and none without an end', async () => {
    const message = `\u001b[2J${'x'.repeat(1e6)}`
    const { client } = await peer(answer(JSON.stringify({ code: 'X', message }), '400 X'))
    const error = await failureOf(client({ timeoutMs: 5000 }).rooms())
    expect(error.message).not.toContain('\u001b')
    expect(error.message.length).toBeLessThan(5000)
  })

  it.each([0.5, 1e7, 1e12])('may wait %d ms', async (timeoutMs) => {
    const { client } = await peer((socket) => setTimeout(() => socket.end(answer(PUBLISHED)), 100))
    const published = client({ timeoutMs }).publish('r', { body: 'x' })
    if (timeoutMs < 1) expect((await failureOf(published)).message).toContain('no answer within 0.5 ms')
    else expect(await published).toMatchObject({ seq: 1 })
  })
})
