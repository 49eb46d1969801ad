import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { ChatClient as BrowserClient } from '../src/client/browser.ts'
import type { ChatClient as Client } from '../src/client/chat-client.ts'
import { ChatClient, type ChatClientEvents } from '../src/client/node.ts'
import type { WebSocketLike } from '../src/client/transport.ts'
import { startChat } from './support/chat.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function rejecting(status: string): Promise<string> {
  const server = createServer((_, response) => response.end('a page'))
  server.on('upgrade', (_, socket) => socket.end(`HTTP/1.1 ${status} x\r\ncontent-length: 0\r\n\r\n`))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => server.close())
  return `ws://127.0.0.1:${(server.address() as AddressInfo).port}/chat`
}

function watched<C extends Client>(client: C) {
  closers.push(() => client.close())
  const seen: ChatClientEvents['status'][] = []
  client.on('status', (status) => seen.push(status))
  return seen
}

describe('the status of a client says why there is no connection', () => {
  it.each([
    ['401', 'unauthorized', /credentials.*status 401/],
    ['403', 'origin', /origin may not connect.*status 403/],
    ['404', 'not-found', /no chat at this address.*status 404/],
    ['429', 'rate-limited', /too many connections.*status 429/],
    ['503', 'overloaded', /no more users.*status 503/],
    ['418', 'rejected', /rejected.*status 418/],
  ])('when it is rejected with status %s', async (status, cause, reason) => {
    const seen = watched(new ChatClient({ url: await rejecting(status), user: 'ann' }))
    await expect.poll(() => seen).not.toEqual([])
    expect(seen[0]).toMatchObject({ state: 'waiting', cause, reason: expect.stringMatching(reason) })
  })

  it('when nothing answers', async () => {
    const seen = watched(new ChatClient({ url: 'ws://127.0.0.1:9/chat', user: 'ann' }))
    await expect.poll(() => seen).not.toEqual([])
    expect(seen[0]).toMatchObject({ cause: 'unreachable', reason: expect.stringContaining('ECONNREFUSED') })
  })

  it('when the token is not accepted', async () => {
    const chat = await startChat({ auth: { secret: 'a secret of at least 32 characters' } })
    closers.push(() => chat.close())
    const seen = watched(new ChatClient({ url: chat.url, token: 'forged' }))
    await expect.poll(() => seen).not.toEqual([])
    const reason = expect.stringMatching(/not valid/)
    expect(seen).toMatchObject([{ state: 'closed', cause: 'unauthorized', reason }])
  })

  it('when the server shuts down, and when the connection breaks', async () => {
    const chat = await startChat()
    const seen = watched(new ChatClient({ url: chat.url, user: 'ann' }))
    await expect.poll(() => seen).toMatchObject([{ state: 'open' }])
    await chat.close()
    await expect.poll(() => seen.length).toBeGreaterThan(1)
    expect(seen[1]).toMatchObject({ state: 'waiting', cause: 'restart' })
  })

  it.each([
    [
      'something answers that rejects',
      async () => rejecting('403'),
      'rejected',
      /origins have to list this page/,
    ],
    ['nothing answers', async () => 'ws://127.0.0.1:9/chat', 'unreachable', /cannot be reached/],
  ])('in browsers, which show no status, as far as it can be known: %s', async (_, at, cause, reason) => {
    // As a browser's WebSocket: its error event says nothing.
    class Silent implements WebSocketLike {
      onopen: WebSocketLike['onopen'] = null
      onmessage: WebSocketLike['onmessage'] = null
      onclose: WebSocketLike['onclose'] = null
      onerror: WebSocketLike['onerror'] = null
      readonly #socket: WebSocket
      constructor(url: string) {
        this.#socket = new WebSocket(url)
        this.#socket.onerror = () => this.onerror?.({} as never)
        this.#socket.onclose = ({ code, reason }) => this.onclose?.({ code, reason } as never)
      }
      send(): void {}
      close(): void {
        this.#socket.close()
      }
    }
    const before = globalThis.WebSocket
    closers.push(() => Object.assign(globalThis, { WebSocket: before }))
    Object.assign(globalThis, { WebSocket: Silent })
    const seen = watched(new BrowserClient({ url: await at(), user: 'ann', transport: 'websocket' }))
    await expect.poll(() => seen.some((each) => each.cause === cause), { timeout: 10_000 }).toBe(true)
    expect(seen.find((each) => each.cause === cause)!.reason).toMatch(reason)
  })
})

it('ends with its signal, and rejects what waits', async () => {
  const ends = new AbortController()
  const client = new ChatClient({ url: 'ws://127.0.0.1:9/chat', user: 'ann', signal: ends.signal })
  const seen = watched(client)
  const joined = client.join('r')
  ends.abort()
  await expect(joined).rejects.toMatchObject({ code: 'closed' })
  expect(seen.at(-1)).toMatchObject({ state: 'closed', cause: 'closed' })
  expect(new ChatClient({ url: 'ws://127.0.0.1:9/chat', user: 'ann', signal: ends.signal }).state).toBe(
    'closed',
  )
})

it('bounds what waits for a connection', async () => {
  const chat = await startChat()
  const client = new ChatClient({ url: chat.url, user: 'ann', maxQueued: 3 })
  closers.push(() => client.close())
  await client.join('r')
  await chat.close()
  await expect.poll(() => client.state).not.toBe('open')
  const sent = Array.from({ length: 4 }, (_, i) => client.send('r', `${i}`))
  for (const each of sent) each.catch(() => {})
  await expect(sent[3]).rejects.toMatchObject({ code: 'queue-full', message: expect.stringContaining('3 ') })
})
