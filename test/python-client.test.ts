import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import type { WebSocket } from 'ws'
import type { ChatOptions } from '../src/chat/options.ts'
import { HistoryChecker, type LoggedMessage } from '../src/verify/checker.ts'
import type { HistoryEvent } from '../src/verify/events.ts'
import { CuttingProxy } from './chaos/cutting-proxy.ts'
import { startChat } from './support/chat.ts'
import { startForgetfulServer } from './support/forgetful-server.ts'
import { startHttpOnlyProxy } from './support/http-only-proxy.ts'
import { scriptedPeer, WRONG_ANSWERS } from './support/scripted-peer.ts'

const SECRET = 'a secret of at least 32 characters'
const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const found = spawnSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 9))']).status === 0
if (!found && process.env.CI) throw new Error('python3 (3.9 or later) is missing')

const script = (name: string) => fileURLToPath(new URL(`../clients/python/tests/${name}`, import.meta.url))

async function chat(options: ChatOptions = {}) {
  const started = await startChat(options, 2)
  closers.push(() => started.close())
  return started
}

function python(...args: string[]) {
  const child: ChildProcess = spawn('python3', ['-W', 'error', ...args])
  closers.push(() => child.kill('SIGKILL'))
  let stderr = ''
  child.stderr!.on('data', (chunk) => {
    stderr += chunk
  })
  const finished = new Promise<{ status: number | null; stderr: string }>((resolve) =>
    child.once('close', (status) => resolve({ status, stderr })),
  )
  return { child, finished }
}

describe.skipIf(!found)('the Python client (needs python3)', { timeout: 90_000 }, () => {
  describe.each(['websocket', 'sse'])('by %s', (transport) => {
    it('keeps the promise of a room, by the same checker, while its connections break and move', async () => {
      const started = await chat({ limits: { messagesPerSecond: 1e6, messageBurst: 1e6 } })
      // One address, behind which connections go to one server after the other.
      let next = 0
      const ports = started.urls.map((url) => Number(new URL(url).port))
      const proxy = new CuttingProxy(() => ports[next++ % ports.length]!)
      const url = `ws://127.0.0.1:${await proxy.listen()}/chat`
      closers.push(() => proxy.close())
      const checker = new HistoryChecker()
      const states: string[] = []
      const transports = new Set<string>()
      let sent = false
      const { child, finished } = python(script('talk.py'), url, '8', '150', transport)
      createInterface({ input: child.stdout! }).on('line', (line) => {
        const event = JSON.parse(line) as
          | HistoryEvent
          | { type: 'status'; state: string; transport?: string }
          | { type: 'sent' }
          | { type: 'error' }
        if (event.type === 'status') {
          states.push(event.state)
          if (event.transport) transports.add(event.transport)
        } else if (event.type === 'error') states.push(line)
        else if (event.type === 'sent') sent = true
        else checker.record(event)
      })
      await expect.poll(() => states.filter((state) => state === 'open').length, { timeout: 30_000 }).toBe(8)
      for (let round = 0; !sent; round++) {
        if (round % 4 === 1) started.servers[round % 2]!.rebalance(3, { to: 1 + ((round + 1) % 2) }, 0.1)
        else if (round < 12) proxy.reset()
        await sleep(250)
      }
      child.stdin!.end()
      expect(await finished).toEqual({ status: 0, stderr: '' })
      const { entries } = await started.log.read('r', 0, 10_000)
      const logged = entries.map(({ payload }) => JSON.parse(payload.toString()) as LoggedMessage)
      const { findings, ...report } = checker.check(logged)
      expect(findings).toEqual([])
      expect(report).toMatchObject({
        lost: 0,
        doubled: 0,
        reordered: 0,
        phantom: 0,
        falseGaps: 0,
        acked: 1200,
      })
      expect(states.filter((state) => state === 'waiting').length).toBeGreaterThan(4)
      expect(states).toContain('moved')
      expect([...transports]).toEqual([transport])
      expect(new Set(states)).toEqual(new Set(['open', 'moved', 'waiting', 'closed']))
    })
  })

  it('asks for everything that the protocol has', async () => {
    const { url } = await chat({ auth: { secret: SECRET } })
    expect(await python(script('ask.py'), url, SECRET).finished).toEqual({ status: 0, stderr: '' })
  })

  it('rejects wrong input at once, and continues', async () => {
    const { urls } = await chat()
    expect(await python(script('wrong.py'), urls[0]!).finished).toEqual({ status: 0, stderr: '' })
  })

  it('leaves a server whose answer has a field of the wrong type, and recovers with the next one', async () => {
    const peers = await Promise.all(
      WRONG_ANSWERS.map(([type, answer]) =>
        scriptedPeer((request, connection) =>
          connection === 1 && request.type === type ? answer : undefined,
        ),
      ),
    )
    closers.push(...peers.map((peer) => () => peer.close()))
    expect(await python(script('peers.py'), ...peers.map(({ url }) => url)).finished).toEqual({
      status: 0,
      stderr: '',
    })
    expect(peers.map((peer) => peer.connections())).toEqual(peers.map(() => 2))
  })

  it('M1: leaves no connection behind when it is asked to move again meanwhile', async () => {
    const sockets: WebSocket[] = []
    const move = { type: 'move', afterMs: 0, reason: 'drain' }
    const peer = await scriptedPeer(({ type }, connection, socket) => {
      sockets[connection] = socket
      if (connection === 1 && type === 'join') setTimeout(() => socket.send(JSON.stringify(move)), 100)
      if (connection !== 2) return undefined
      sockets[1]!.send(JSON.stringify(move))
      return { type: 'pong', id: 'of no request' }
    })
    closers.push(() => peer.close())
    const { child, finished } = python(script('moves.py'), peer.url)
    await expect.poll(() => peer.connections(), { timeout: 10_000 }).toBe(3)
    await expect.poll(() => [1, 2, 3].map((each) => sockets[each]?.readyState)).toEqual([3, 3, 1])
    child.stdin!.end()
    expect(await finished).toEqual({ status: 0, stderr: '' })
  })

  it.each([
    ['counts its own message', { user: 'ann', id: 'a', body: 'once' }, [1, 2]],
    ['sends again what is not', { user: 'bob', id: 'a', body: 'hi' }, [2, 3]],
  ])('S2: %s among those that it missed', async (_, missed, places) => {
    const server = await startForgetfulServer([missed])
    closers.push(() => server.close())
    const { child, finished } = python(script('resend.py'), server.url)
    let printed = ''
    child.stdout!.on('data', (data) => {
      printed += data
    })
    expect(await finished).toEqual({ status: 0, stderr: '' })
    expect(JSON.parse(printed)).toMatchObject(places.map((seq) => ({ seq, durability: 'disk' })))
    expect(server.seen).toEqual(['once', 'received 1', ...(places[0] === 1 ? [] : ['once']), 'next'])
  })

  it('F1–F4: does the same by event streams where no WebSocket comes through', async () => {
    const { urls } = await chat({ auth: { secret: SECRET } })
    const ports = urls.map((each) => Number(new URL(each).port))
    const proxy = await startHttpOnlyProxy(() => ports)
    closers.push(() => proxy.close())
    expect(await python(script('ask.py'), proxy.url, SECRET).finished).toEqual({ status: 0, stderr: '' })
    expect(proxy.counts.streams).toBeGreaterThanOrEqual(2)
    expect(proxy.counts.upgrades).toBeGreaterThanOrEqual(2)
  })
})
