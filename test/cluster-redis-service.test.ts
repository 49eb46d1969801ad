import { afterEach, describe, expect, it } from 'vitest'
import { ChatClient } from '../src/client/node.ts'
import { openBroker } from '../src/cluster/open-broker.ts'
import type { FleetSnapshot } from '../src/control/control-target.ts'
import { startLogging, startServer } from './support/cluster.ts'
import { requireRedis } from './support/redis.ts'
import { startRedisCluster } from './support/redis-cluster.ts'

const open: (() => unknown)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

describe.skipIf(!requireRedis())('servers and a controller around a Redis Cluster', () => {
  it('chat and are led on while any of its masters dies', async () => {
    const cluster = await startRedisCluster(1)
    open.push(() => cluster.close())
    const flags = ['--broker', cluster.url, '--cluster-name', 'service']
    const control = startLogging([
      ...['controller', ...flags, '--control-port', '0', '--anonymous', '--provider', 'none'],
    ])
    open.push(() => control.child.kill('SIGKILL'))
    const [one, two] = await Promise.all([startServer(flags), startServer(flags)])
    for (const { child } of [one, two]) open.push(() => child.kill('SIGKILL'))
    const { url } = await control.line((line) => line.url !== undefined)
    const state = async () => {
      const response = await fetch(`${url}api/state`)
      return response.status === 200 ? ((await response.json()) as FleetSnapshot) : undefined
    }
    await expect.poll(() => state().then((now) => now?.ready), { timeout: 60_000 }).toBe(2)

    const [ann, bob] = [
      new ChatClient({ url: one.url, user: 'ann' }),
      new ChatClient({ url: two.url, user: 'bob' }),
    ]
    for (const user of [ann, bob]) open.push(() => user.close())
    const received = new Map<string, Set<string>>()
    bob.on('message', ({ room, body }) => received.get(room)!.add(body))
    const rooms = Array.from({ length: 12 }, (_, i) => `room-${i}`)
    for (const room of rooms) {
      received.set(room, new Set())
      for (const user of [ann, bob]) await user.join(room)
    }
    const states: string[] = []
    for (const user of [ann, bob]) user.on('status', ({ state }) => states.push(state))
    const everywhere = (body: string) =>
      Promise.all(rooms.map((room) => ann.send(room, body, undefined, { timeoutMs: 60_000 })))
    const arrived = (body: string) => rooms.filter((room) => received.get(room)!.has(body)).length
    await everywhere('before')
    await expect.poll(() => arrived('before'), { timeout: 20_000 }).toBe(rooms.length)

    const broker = await openBroker({ url: cluster.url, name: 'service' }, 'test')
    open.push(() => broker.close())
    const led = () =>
      broker.store.get('leader').then(
        (leader) => leader?.version,
        () => undefined,
      )
    for (const [i, dead] of (await cluster.masters()).entries()) {
      dead.process.kill('SIGKILL')
      const living = () => cluster.masters().then((now) => now.filter((each) => each !== dead).length)
      await expect.poll(living, { timeout: 60_000 }).toBe(3)
      await everywhere(`after ${i}`)
      await expect.poll(() => arrived(`after ${i}`), { timeout: 40_000 }).toBe(rooms.length)
      await dead.restart()
      const before = await led()
      await expect.poll(led, { timeout: 40_000 }).toSatisfy((now) => now !== undefined && now !== before)
      await expect.poll(() => state().then((now) => now?.ready), { timeout: 40_000 }).toBe(2)
    }
    expect(states).toEqual([])
  }, 400_000)
})
