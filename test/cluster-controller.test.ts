import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { ChatClient } from '../src/client/node.ts'
import { openBroker } from '../src/cluster/open-broker.ts'
import type { FleetSnapshot } from '../src/control/control-target.ts'
import { ServerApiClient, verifySignature } from '../src/server-api/client.ts'
import { type ClusterProcess, startLogging, startServer, watchServers } from './support/cluster.ts'
import { type NatsCluster, requireNats, startNats } from './support/nats.ts'
import { freePort } from './support/ports.ts'

const open: (() => unknown)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

interface Controller extends ClusterProcess {
  readonly url: string
}

async function controller(...args: string[]): Promise<Controller> {
  const started = startLogging(['controller', '--control-port', '0', '--anonymous', ...args])
  open.push(() => started.child.kill('SIGKILL'))
  const { url } = await started.line((line) => line.url !== undefined)
  return { ...started, url: String(url) }
}

async function stateOf({ url }: Controller): Promise<FleetSnapshot | undefined> {
  const response = await fetch(`${url}api/state`)
  return response.status === 200 ? ((await response.json()) as FleetSnapshot) : undefined
}

describe.skipIf(!requireNats())('concertina controller', () => {
  let nats: NatsCluster
  beforeAll(async () => {
    nats = await startNats()
  }, 60_000)
  afterAll(() => nats?.close())

  it('serves the server API on every controller, whichever leads', async () => {
    const key = 'a key of the server API of 32 characters'
    process.env.CONCERTINA_API_KEY = key
    open.push(() => delete process.env.CONCERTINA_API_KEY)
    const flags = ['--broker', nats.url, '--cluster-name', 'api']
    const [one, two] = await Promise.all([startServer(flags), startServer(flags)])
    for (const { child } of [one, two]) open.push(() => child.kill('SIGKILL'))
    const ann = new ChatClient({ url: one.url, user: 'ann' })
    const bob = new ChatClient({ url: two.url, user: 'bob' })
    for (const user of [ann, bob]) open.push(() => user.close())
    const bodies: string[] = []
    bob.on('message', ({ body, deletes }) => bodies.push(deletes === undefined ? body : `deletes ${deletes}`))
    for (const user of [ann, bob]) await user.join('r')
    // Who starts later learns who is where, too.
    const first = await controller(...flags, '--provider', 'none')
    const second = await controller(...flags, '--provider', 'none')
    const [api, other] = [first, second].map(({ url }) => new ServerApiClient({ url, key }))
    await expect
      .poll(async () => (await other!.room('r')).users?.toSorted(), { timeout: 15_000 })
      .toEqual(['ann', 'bob'])
    expect(await other!.rooms()).toMatchObject({ rooms: [{ room: 'r', members: 2 }], total: 1 })
    expect((await api!.user('bob')).rooms).toMatchObject([{ room: 'r', servers: [bob.server] }])
    await api!.publish('r', { body: 'from the backend', id: 'p1' })
    await other!.publish('r', { body: 'from the backend', id: 'p1' })
    const { seq } = await ann.send('r', 'spam')
    await other!.delete('r', seq)
    await expect
      .poll(() => bodies, { timeout: 10_000 })
      .toEqual(['from the backend', 'spam', `deletes ${seq}`])
    await api!.ban('ann', { reason: 'spam' })
    await expect.poll(() => ann.state, { timeout: 10_000 }).toBe('closed')
    await expect.poll(async () => (await other!.user('ann')).ban).toMatchObject({ reason: 'spam' })
    two.child.kill('SIGKILL')
    await expect.poll(async () => (await api!.rooms()).total, { timeout: 20_000 }).toBe(0)
    const denied = await fetch(`${second.url}v1/rooms`)
    expect(denied.status).toBe(401)
  }, 150_000)

  it('lets users follow their rooms to servers that can be reached directly', async () => {
    const flags = ['--broker', nats.url, '--cluster-name', 'rooms']
    const servers = await Promise.all(
      [1, 2].map(async () => {
        const port = String(await freePort())
        return startServer([...flags, '--port', port, '--advertise', `ws://127.0.0.1:${port}/chat`])
      }),
    )
    for (const { child } of servers) open.push(() => child.kill('SIGKILL'))
    const states = new Set<string>()
    const rooms = await Promise.all(
      Array.from({ length: 8 }, (_, room) =>
        Promise.all(
          servers.map(async ({ url }, i) => {
            const client = new ChatClient({ url, user: `user ${i}` })
            open.push(() => client.close())
            await client.join(`room ${room}`)
            client.on('status', ({ state }) => states.add(state))
            return client
          }),
        ),
      ),
    )
    const together = () => rooms.filter(([one, two]) => one!.server === two!.server).length
    expect(together()).toBe(0)
    await controller(...flags, '--provider', 'none', '--strategy', 'consistent-hash')
    await expect.poll(together, { timeout: 30_000 }).toBe(rooms.length)
    expect([...states]).toEqual(['moved'])
  }, 90_000)

  it('leaves users where they are who reach no server directly', async () => {
    const flags = ['--broker', nats.url, '--cluster-name', 'unreachable', '--anonymous']
    const [port] = await Promise.all(
      [1, 2].map(async () => {
        const port = String(await freePort())
        const nowhere = ['--port', port, '--advertise', `ws://127.0.0.1:${await freePort()}/chat`]
        const server = await startServer([...flags, ...nowhere])
        open.push(() => server.child.kill('SIGKILL'))
        return port
      }),
    )
    const states: string[] = []
    for (let room = 0; room < 8; room++) {
      const client = new ChatClient({ url: `ws://127.0.0.1:${port}/chat`, user: `user ${room}` })
      open.push(() => client.close())
      await client.join(`room ${room}`)
      client.on('status', ({ state }) => states.push(state))
    }
    await controller(...flags, '--provider', 'none', '--strategy', 'consistent-hash')
    const handedOn = async () => {
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
      return Number(/^concertina_node_newcomers_handed_on_total (\d+)/m.exec(text)?.[1])
    }
    await expect.poll(handedOn, { timeout: 30_000 }).toBeGreaterThan(6)
    expect(states).toEqual([])
  }, 90_000)

  it('administrates rooms and users by its control API, without a key', async () => {
    const flags = ['--broker', nats.url, '--cluster-name', 'admin']
    const [one, two] = await Promise.all([startServer(flags), startServer(flags)])
    for (const { child } of [one, two]) open.push(() => child.kill('SIGKILL'))
    const ann = new ChatClient({ url: one.url, user: 'ann' })
    const bob = new ChatClient({ url: two.url, user: 'bob' })
    for (const user of [ann, bob]) {
      open.push(() => user.close())
      await user.join('r')
    }
    const { url } = await controller(...flags, '--provider', 'none')
    const ask = async (path: string, method = 'GET') => {
      const response = await fetch(`${url}api/chat/${path}`, { method })
      return response.status === 200 ? ((await response.json()) as object) : response.status
    }
    // It may not lead yet.
    await expect
      .poll(() => ask('users'), { timeout: 30_000 })
      .toEqual({
        users: [
          { user: 'ann', rooms: 1 },
          { user: 'bob', rooms: 1 },
        ],
        total: 2,
      })
    await ann.send('r', 'one')
    await ann.send('r', 'two')
    const { seq } = await bob.send('r', 'three')
    const talkers = [
      { user: 'ann', messages: 2, room: 'r' },
      { user: 'bob', messages: 1, room: 'r' },
    ]
    await expect.poll(() => ask('talkers'), { timeout: 20_000 }).toEqual({ talkers, seconds: 60 })
    expect(await ask(`rooms/r/messages/${seq}`, 'DELETE')).toMatchObject({ room: 'r' })
    expect(await ask('users/bob/ban', 'POST')).toBe(204)
    await expect.poll(() => bob.state, { timeout: 10_000 }).toBe('closed')
    expect((await fetch(`${url}v1/rooms`)).status).toBe(404)
  }, 120_000)

  it('delivers webhooks while it leads, and the next leader continues', async () => {
    const secret = 'a secret for hooks of more than thirty-two characters'
    const events: { eventId: string; type: string; room: string; user?: string; body?: string }[] = []
    const backend = createServer(async (request, response) => {
      let body = ''
      for await (const chunk of request) body += chunk
      if (verifySignature(secret, request.headers, body)) events.push(...JSON.parse(body).events)
      response.end()
    }).listen(0, '127.0.0.1')
    await once(backend, 'listening')
    const folder = mkdtempSync(join(tmpdir(), 'cluster-hooks-'))
    open.push(
      () => backend.close(),
      () => rmSync(folder, { recursive: true }),
    )
    const config = join(folder, 'config.yaml')
    const { port } = backend.address() as AddressInfo
    writeFileSync(config, `live: { webhooks: [{ url: 'http://127.0.0.1:${port}/', secret: '${secret}' }] }`)
    const flags = ['--broker', nats.url, '--cluster-name', 'hooks', '--config', config]
    const server = await startServer(flags)
    open.push(() => server.child.kill('SIGKILL'))
    const first = await controller(...flags, '--provider', 'none')
    await expect
      .poll(() => stateOf(first).then((state) => state !== undefined), { timeout: 30_000 })
      .toBe(true)
    const ann = new ChatClient({ url: server.url, user: 'ann' })
    open.push(() => ann.close())
    await ann.join('r')
    const shown = () => events.map(({ type, user, body }) => [type, user, body].filter(Boolean).join(' '))
    await expect.poll(shown, { timeout: 20_000 }).toContain('join ann')
    await ann.send('r', 'one')
    await expect.poll(shown, { timeout: 20_000 }).toContain('message ann one')
    const bob = new ChatClient({ url: server.url, user: 'bob' })
    const cid = new ChatClient({ url: server.url, user: 'cid' })
    open.push(
      () => bob.close(),
      () => cid.close(),
    )
    await bob.join('hall')
    await cid.join('r')
    await expect.poll(shown, { timeout: 20_000 }).toEqual(expect.arrayContaining(['join bob', 'join cid']))
    first.child.kill('SIGKILL')
    await once(first.child, 'exit')
    await ann.send('r', 'two')
    bob.leave('hall')
    cid.leave('r')
    const dan = new ChatClient({ url: server.url, user: 'dan' })
    open.push(() => dan.close())
    await dan.join('r')
    await controller(...flags, '--provider', 'none')
    await ann.send('r', 'three')
    await expect.poll(shown, { timeout: 60_000 }).toContain('message ann three')
    const messages = [...new Map(events.map((event) => [event.eventId, event])).values()]
    expect(messages.flatMap(({ type, body }) => (type === 'message' ? [body] : []))).toEqual([
      'one',
      'two',
      'three',
    ])
    // What happened while nobody led is found by comparison with what the last leader noted.
    const presence = () =>
      [...new Map(events.map((event) => [event.eventId, event])).values()].flatMap(({ type, user, room }) =>
        type === 'message' ? [] : [`${type} ${user ?? room}`],
      )
    await expect
      .poll(presence, { timeout: 60_000 })
      .toEqual(expect.arrayContaining(['join dan', 'leave bob', 'leave cid', 'room-empty hall']))
    ann.leave('r')
    dan.leave('r')
    await expect.poll(presence, { timeout: 20_000 }).toContain('room-empty r')
    expect(presence().toSorted()).toEqual([
      ...['join ann', 'join bob', 'join cid', 'join dan'],
      ...['leave ann', 'leave bob', 'leave cid', 'leave dan'],
      ...['room-empty hall', 'room-empty r'],
    ])
  }, 180_000)

  it('scales the servers with their users; when the leader is killed another takes over and changes nothing by that', async () => {
    const flags = ['--broker', nats.url, '--cluster-name', 'take', '--min-servers', '1', '--max-servers', '3']
    flags.push('--scale-up-threshold', '6', '--scale-down-threshold', '2', '--cooldown', '3')
    const watched = await watchServers(nats.url, 'take')
    open.push(() => watched.close())
    const { servers, url } = watched
    const first = await controller(...flags)
    await expect.poll(() => stateOf(first).then((state) => state?.ready), { timeout: 30_000 }).toBe(1)
    const second = await controller(...flags)
    expect((await fetch(second.url)).status).toBe(503)
    expect(await (await fetch(second.url)).text()).toContain(first.url)

    const users = Array.from({ length: 12 }, (_, i) => new ChatClient({ url, user: `user${i}` }))
    for (const user of users) open.push(() => user.close())
    const received = users.map(() => [] as string[])
    const sent: string[] = []
    const send = async (from: number) => {
      const body = `message ${sent.length}`
      sent.push(body)
      await users[from % users.length]!.send('r', body)
    }
    for (const [i, user] of users.entries()) {
      user.on('message', ({ body }) => received[i]!.push(body))
      await user.join('r')
      await send(i)
    }
    received.splice(0, received.length, ...users.map(() => []))
    sent.length = 0
    await expect
      .poll(() => stateOf(first).then((state) => state?.ready), { timeout: 30_000 })
      .toBeGreaterThan(1)
    await expect
      .poll(() => stateOf(first).then((state) => state?.servers.map((server) => server.users).sort()), {
        timeout: 30_000,
      })
      .toSatisfy(
        (counts: number[] | undefined) =>
          counts !== undefined && counts.length > 1 && Math.min(...counts) >= 2,
      )

    // Thresholds that no count of 12 users crosses, also not one that has a moving user twice.
    const byHand = { kind: 'threshold', scaleUpThreshold: 20, scaleDownThreshold: 1.9 }
    const post = { method: 'POST', headers: { 'content-type': 'application/json' } }
    const changed = await fetch(`${first.url}api/policy`, { ...post, body: JSON.stringify(byHand) })
    expect(changed.status).toBe(204)
    const broker = await openBroker({ url: nats.url, name: 'take' }, 'test')
    open.push(() => broker.close())
    const kept = () => broker.store.get('controller').then((state) => state?.text)
    await expect.poll(kept, { timeout: 10_000 }).toContain('"scaleDownThreshold":1.9')
    // What was begun under the former thresholds is done.
    await expect
      .poll(
        async () => {
          const state = await stateOf(first)
          return state !== undefined && state.size === state.ready && state.ready === servers.size
        },
        { timeout: 30_000 },
      )
      .toBe(true)
    const before = [...servers.keys()].sort()
    first.child.kill('SIGKILL')
    for (let i = 0; i < 20; i++) await send(i)
    await expect
      .poll(() => stateOf(second).then((state) => state?.ready), { timeout: 15_000 })
      .toBe(before.length)
    expect([...servers.keys()].sort()).toEqual(before)
    expect((await stateOf(second))?.policySpec).toEqual(byHand)
    await expect.poll(() => stateOf(second).then((state) => state?.load), { timeout: 15_000 }).toBe(12)
    for (let i = 0; i < 20; i++) await send(i)
    await expect
      .poll(() => received.every((bodies) => bodies.at(-1) === sent.at(-1)), { timeout: 20_000 })
      .toBe(true)
    for (const bodies of received) expect(bodies.slice(-40)).toEqual(sent)
    expect([...servers.keys()].sort()).toEqual(before)

    for (const user of users.splice(2)) user.close()
    await expect.poll(() => servers.size, { timeout: 40_000 }).toBe(1)
    await users[0]!.send('r', 'still here')
    second.child.kill('SIGTERM')
    const { status, stderr } = await second.finished
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(servers.size).toBe(1)
    await users[0]!.send('r', 'without a controller')
  }, 180_000)
})
