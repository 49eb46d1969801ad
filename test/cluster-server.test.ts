import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ChatClient } from '../src/client/node.ts'
import { busHooks } from '../src/cluster/bus-hooks.ts'
import { ClusterServers } from '../src/cluster/cluster-servers.ts'
import { openBroker } from '../src/cluster/open-broker.ts'
import { runCli } from './run-cli.ts'
import { startBalancer } from './support/balancer.ts'
import { type ServerProcess, startServer } from './support/cluster.ts'
import { startHttpOnlyProxy } from './support/http-only-proxy.ts'
import { requireNats, startNats } from './support/nats.ts'
import { requireRedis, startRedis } from './support/redis.ts'
import { startRedisCluster } from './support/redis-cluster.ts'

const open: (() => unknown)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

async function server(broker: string, name: string, ...more: string[]): Promise<ServerProcess> {
  const started = await startServer(['--broker', broker, '--cluster-name', name, ...more])
  open.push(() => started.child.kill('SIGKILL'))
  return started
}

function user(url: string, name: string): ChatClient {
  const client = new ChatClient({ url, user: name })
  open.push(() => client.close())
  return client
}

const get = async (port: number, path: string) => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`)
  return { status: response.status, text: await response.text() }
}

const BROKERS = [
  { broker: 'nats', found: requireNats(), start: () => startNats(), durability: 'replicated' },
  { broker: 'redis', found: requireRedis(), start: () => startRedis(), durability: 'memory' },
  {
    broker: 'redis cluster',
    found: requireRedis(),
    start: () => startRedisCluster(),
    durability: 'memory',
  },
]

describe.each(BROKERS)('concertina server, $broker', ({ found, start, durability }) => {
  if (!found) {
    it.skip('needs its broker', () => {})
    return
  }
  let shared: { url: string; close(): Promise<void> }
  beforeAll(async () => {
    shared = await start()
  }, 60_000)
  afterAll(() => shared?.close())

  it('F4: serves event streams whose requests come to other servers, and those of a server that died resume', async () => {
    const all = await Promise.all([1, 2, 3].map(() => server(shared.url, 'streams')))
    const ports = all.map(({ port }) => port)
    const proxy = await startHttpOnlyProxy(() => ports)
    open.push(() => proxy.close())
    const users = ['ann', 'bob', 'eve'].map((name) => user(proxy.url, name))
    const seen = users.map(() => [] as string[])
    for (const [i, each] of users.entries()) each.on('message', ({ body }) => seen[i]!.push(body))
    for (const each of users) await each.join('lobby')
    const send = async (from: number, count: number) => {
      for (let i = from; i < from + count; i++) await users[i % 3]!.send('lobby', `${i}`)
    }
    await send(0, 12)
    const bodies = (count: number) => Array.from({ length: count }, (_, i) => `${i}`)
    for (const each of seen) await expect.poll(() => each).toEqual(bodies(12))
    const served = await Promise.all(
      ports.map(
        async (port) => /concertina_node_connections (\d+)/.exec((await get(port, '/metrics')).text)![1],
      ),
    )
    const dead = served.findIndex((connections) => Number(connections) > 0)
    ports.splice(dead, 1)
    all[dead]!.child.kill('SIGKILL')
    await send(12, 12)
    for (const each of seen) await expect.poll(() => each, { timeout: 20_000 }).toEqual(bodies(24))
    expect(proxy.counts.posts).toBeGreaterThan(24)
  }, 120_000)

  it('shares rooms, presence and typing with the other servers, and forgets the users of one that died', async () => {
    const [one, two] = await Promise.all([server(shared.url, 'share'), server(shared.url, 'share')])
    const ann = user(one.url, 'ann')
    const bob = user(two.url, 'bob')
    const messages: string[] = []
    const typing: string[] = []
    bob.on('message', ({ body }) => messages.push(body))
    bob.on('typing', (event) => typing.push(event.user))
    const here = new Set<string>()
    let members = 0
    ann.on('presence', (event) => {
      members = event.members
      for (const each of event.users ?? event.joined ?? []) here.add(each)
      for (const each of event.left ?? []) here.delete(each)
    })
    await ann.join('lobby')
    await bob.join('lobby')
    await expect.poll(() => members).toBe(2)
    expect([...here]).toContain('bob')
    const ack = await ann.send('lobby', 'hello')
    expect(ack.durability).toBe(durability)
    ann.typing('lobby')
    await expect.poll(() => [...messages, ...typing]).toEqual(['hello', 'ann'])
    expect(await get(one.port, '/readyz')).toEqual({ status: 200, text: 'ready\n' })
    expect((await get(one.port, '/metrics')).text).toContain('concertina_node_messages_total 1\n')
    two.child.kill('SIGKILL')
    await expect.poll(() => members, { timeout: 15_000 }).toBe(1)
    expect([...here]).toEqual(['ann'])
  }, 60_000)

  it('gives rooms the options of its config', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'cluster-'))
    open.push(() => rmSync(folder, { recursive: true }))
    const config = join(folder, 'config.yaml')
    writeFileSync(config, "live: { namespaces: { 'slow:': { slowModeSeconds: 60, historyMessages: 1 } } }")
    const [one, two] = await Promise.all([
      server(shared.url, 'options', '--config', config),
      server(shared.url, 'options', '--config', config),
    ])
    const [ann, again] = [user(one.url, 'ann'), user(two.url, 'ann')]
    await ann.join('slow:1')
    await ann.send('slow:1', 'one')
    const received: string[] = []
    again.on('message', ({ body }) => received.push(body))
    await again.join('slow:1', { history: 10 })
    await expect(again.send('slow:1', 'two', undefined, { timeoutMs: 1000 })).rejects.toThrow()
    const bob = user(two.url, 'bob')
    await bob.join('slow:1')
    await bob.send('slow:1', 'from bob')
    await expect.poll(() => received).toEqual(['one', 'from bob'])
    expect(await bob.history('slow:1', Number.MAX_SAFE_INTEGER, 10)).toMatchObject({
      messages: [{ body: 'from bob' }],
    })
    writeFileSync(config, "live: { port: 4711, namespaces: { 'slow:': { publish: server } } }")
    two.child.kill('SIGUSR2')
    expect(await two.line(({ message }) => /^Config/.test(String(message)))).toMatchObject({
      message: expect.stringMatching(/^Config reloaded: changed .*; a restart is needed for live.port$/),
    })
    await expect(bob.send('slow:1', 'again')).rejects.toMatchObject({ code: 'forbidden' })
  }, 60_000)

  it('moves its users without a break on SIGTERM, is not ready meanwhile, and exits with 0', async () => {
    const balancer = await startBalancer()
    open.push(() => balancer.close())
    const [one, two] = await Promise.all([
      server(shared.url, 'drain', '--drain-seconds', '2'),
      server(shared.url, 'drain'),
    ])
    balancer.add(one.port)
    const users = Array.from({ length: 8 }, (_, i) => user(balancer.url, `user${i}`))
    const states: string[] = []
    for (const each of users) each.on('status', ({ state }) => states.push(state))
    const received = users.map(() => [] as string[])
    for (const [i, each] of users.entries()) each.on('message', ({ body }) => received[i]!.push(body))
    for (const each of users) await each.join('r')
    balancer.add(two.port)
    states.length = 0
    one.child.kill('SIGTERM')
    await expect.poll(async () => (await get(one.port, '/readyz')).text).toBe('draining\n')
    const sent: string[] = []
    for (let i = 0; i < 40; i++) {
      sent.push(`${i}`)
      await users[i % 8]!.send('r', `${i}`)
    }
    const { status, stderr } = await one.finished
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(states).toEqual(Array(8).fill('moved'))
    await expect.poll(() => received.every((bodies) => bodies.length === 40)).toBe(true)
    for (const bodies of received) expect(bodies).toEqual(sent)
    expect((await get(two.port, '/metrics')).text).toContain('concertina_node_connections 8\n')
  }, 60_000)

  it('is emptied before its platform ends it, and serves again when the platform does not', async () => {
    const balancer = await startBalancer()
    open.push(() => balancer.close())
    const [one, two] = await Promise.all([server(shared.url, 'empty'), server(shared.url, 'empty')])
    balancer.add(one.port)
    const users = Array.from({ length: 4 }, (_, i) => user(balancer.url, `user${i}`))
    const states: string[] = []
    for (const each of users) await each.join('r')
    for (const each of users) each.on('status', ({ state }) => states.push(state))
    balancer.add(two.port)
    const broker = await openBroker({ url: shared.url, name: 'empty' }, 'test')
    const servers = new ClusterServers(broker.bus)
    open.push(
      () => broker.close(),
      () => servers.close(),
    )
    await expect.poll(() => servers.current.length, { timeout: 10_000 }).toBe(2)
    const hooks = busHooks({ servers, coming: () => [], drainSeconds: () => 1 }, broker.bus)
    await hooks.empty!(one.ref, new AbortController().signal)
    expect(servers.status(one.ref)?.report.connections).toBe(0)
    expect(states).toEqual(Array(4).fill('moved'))
    expect([await get(one.port, '/readyz'), await get(one.port, '/healthz')]).toEqual([
      { status: 503, text: 'draining\n' },
      { status: 200, text: 'ok\n' },
    ])
    await expect(user(one.url, 'late').join('r', { signal: AbortSignal.timeout(500) })).rejects.toThrow()
    hooks.restore!(one.ref)
    await expect
      .poll(() => get(one.port, '/readyz'), { timeout: 10_000 })
      .toEqual({ status: 200, text: 'ready\n' })
    await user(one.url, 'early').join('r')

    // The controller that emptied it is gone; the next one asks whether it serves.
    const { signal } = new AbortController()
    await hooks.empty!(one.ref, signal)
    expect(servers.status(one.ref)?.state).toBe('draining')
    expect(await hooks.serves(one.ref, signal)).toBe(true)
    expect(await get(one.port, '/readyz')).toEqual({ status: 200, text: 'ready\n' })
    expect(await hooks.serves('another', AbortSignal.timeout(600))).toBe(false)
  }, 60_000)
})

it('names the flag when the broker cannot be used', async () => {
  const run = (broker: string) => runCli(['server', '--broker', broker, '--anonymous', '--port', '0'])
  const wrong = await run('amqp://x')
  expect(wrong.status).toBe(2)
  expect(wrong.stderr).toMatch(/--broker/)
  const away = await run('nats://127.0.0.1:1')
  expect(away.status).toBe(1)
  expect(away.stderr).toMatch(/broker/)
  expect(away.stderr).not.toMatch(/ at /)
}, 60_000)

describe.skipIf(!requireNats())('concertina server', () => {
  it('ends in order also when its broker is frozen', async () => {
    const nats = await startNats({ nodes: 1 })
    open.push(() => nats.close())
    const { child, finished } = await server(nats.url, 'frozen', '--replicas', '1', '--drain-seconds', '1')
    nats.nodes[0]!.process.kill('SIGSTOP')
    // So long that the connection counts as lost, and another one is on its way.
    await new Promise((resolve) => setTimeout(resolve, 6000))
    child.kill('SIGTERM')
    expect((await finished).status).toBe(0)
  })
})
