import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ChatClient } from '../src/client/node.ts'
import { startCli } from './run-cli.ts'

/** Ways in which a version of Node can lack what the gateway prefers; each holds in every process of the fleet. */
const LACKS = {
  'handles below streams': `process.binding = () => { throw new Error('there is none') }`,
  'the handle of the IPC channel': `
    const symbolsOf = Object.getOwnPropertySymbols
    Object.getOwnPropertySymbols = (of) =>
      symbolsOf(of).filter(({ description }) => description !== 'kChannelHandle')`,
}

let folder: string
const children: ChildProcess[] = []
const clients: ChatClient[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gateway-'))
})
afterEach(() => {
  for (const client of clients.splice(0)) client.close()
  for (const child of children.splice(0)) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

async function serve(lack: string): Promise<number> {
  const { child } = startCli(
    ['serve', '--anonymous', '--log-format', 'json', '--port', '0', '--control-port', '0', '--data', folder],
    { NODE_OPTIONS: `--import "data:text/javascript,${encodeURIComponent(lack)}"` },
  )
  children.push(child)
  let out = ''
  child.stdout!.on('data', (chunk) => {
    out += chunk
  })
  await expect.poll(() => out, { timeout: 60_000 }).toMatch(/Dashboard: http[^ ]+/)
  return (JSON.parse(out.split('\n')[0]!) as { port: number }).port
}

/** What a connection receives until the other side ends it. */
async function exchange(port: number, ...parts: string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {})
  const closed = once(socket, 'close')
  let got = ''
  socket.on('data', (chunk) => {
    got += chunk.toString('latin1')
  })
  for (const part of parts) {
    socket.write(part)
    await sleep(20)
  }
  await closed
  return got
}

describe.each(Object.entries(LACKS))('a fleet on a Node without %s', { timeout: 120_000 }, (what, lack) => {
  it('hands over connections, answers pages, and rejects what is neither', async () => {
    const port = await serve(lack)

    const users = Array.from({ length: 30 }, (_, i) => {
      const client = new ChatClient({ url: `ws://127.0.0.1:${port}/chat`, user: `user-${i}` })
      clients.push(client)
      return client
    })
    const received = users.map(() => [] as string[])
    for (const [i, client] of users.entries())
      client.on('message', ({ body }) => void received[i]!.push(body))
    await Promise.all(users.map((client) => client.join('den')))
    const bodies = Array.from({ length: 20 }, (_, i) => `message ${i}`)
    for (const body of bodies) await users[0]!.send('den', body)
    await expect.poll(() => received.every((each) => each.length === 20), { timeout: 20_000 }).toBe(true)
    for (const each of received) expect(each).toEqual(bodies)

    const page = await fetch(`http://127.0.0.1:${port}/`)
    expect([page.status, (await page.text()).length > 0]).toEqual([200, true])
    const bytewise = [...'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n']
    expect(await exchange(port, ...bytewise)).toMatch(/^HTTP\/1\.1 200 /)
    const upgrade = 'GET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n'
    expect(await exchange(port, upgrade)).toMatch(/^HTTP\/1\.1 4\d\d /)
    expect(await exchange(port, 'nonsense\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /)

    // Without handles, a connection that was read as HTTP cannot be handed over: it ends with its answer.
    if (what === 'handles below streams')
      expect(await exchange(port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')).toMatch(/\r\nconnection: close\r\n/i)
  })
})
