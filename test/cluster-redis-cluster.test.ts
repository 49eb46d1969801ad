import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { roomLogChecks } from '../src/chat/log/conformance.ts'
import { connectRedis } from '../src/chat/log/redis/connection.ts'
import { RedisRoomLog, type RedisRoomLogOptions } from '../src/chat/log/redis/redis-room-log.ts'
import { keepsMessagesThrough } from './support/log-disturbance.ts'
import { requireRedis, startRedis } from './support/redis.ts'
import { type RedisCluster, startRedisCluster } from './support/redis-cluster.ts'

const run = promisify(execFile)

describe.skipIf(!requireRedis())('room log redis, over a Redis Cluster', () => {
  let cluster: RedisCluster
  let opened = 0
  beforeAll(async () => {
    cluster = await startRedisCluster(1)
  }, 60_000)
  afterAll(() => cluster?.close())

  const open = async (name: string, options: RedisRoomLogOptions = {}, url = cluster.url) => {
    const redis = await connectRedis(url, 'test')
    const log = await RedisRoomLog.open(redis, { giveUpSeconds: 20, ...options, name })
    const close = async () => {
      await log.close()
      await redis.close()
    }
    return { log, close }
  }
  const ask = async (port: number, ...what: string[]) =>
    (await run('redis-cli', ['-p', `${port}`, ...what])).stdout.trim()

  for (const { name, run } of roomLogChecks(() => open(`contract${++opened}`))) it(name, run, 30_000)

  it('spreads rooms over all masters, each with all that it needs on one; one address finds them', async () => {
    const [first] = cluster.nodes
    const { log, close } = await open('spread', {}, first!.url)
    const rooms = Array.from({ length: 60 }, (_, i) => `room ${i}`)
    await Promise.all(rooms.map((room) => log.append({ room, user: 'ann', id: '1', body: 'x' })))
    for (const room of rooms) expect((await log.read(room, 0, 10)).entries.length).toBe(1)
    const kinds = await Promise.all(
      (await cluster.masters()).map(async ({ port }) => {
        const keys = (await ask(port, '--scan', '--pattern', 'spread:{*')).split('\n')
        return ['log', 'last'].map((kind) => keys.filter((key) => key.endsWith(`:${kind}`)).length)
      }),
    )
    expect(kinds.length).toBe(3)
    for (const [logs, lasts] of kinds) {
      expect(logs).toBeGreaterThan(0)
      expect(lasts).toBe(logs)
    }
    expect(kinds.reduce((sum, [logs]) => sum + logs!, 0)).toBe(rooms.length)
    await close()
  }, 30_000)

  it('says what is wrong with an address', async () => {
    const single = await startRedis()
    await expect(connectRedis(`${single.url},127.0.0.1:1`, 'test')).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: expect.stringContaining('cluster mode off'),
    })
    await expect(connectRedis(`${cluster.nodes[0]!.url}/2`, 'test')).rejects.toMatchObject({
      code: 'INVALID_INPUT',
      message: 'broker: a Redis Cluster has no database 2',
    })
    await expect(connectRedis('redis://ann:secret@127.0.0.1:1', 'test')).rejects.toMatchObject({
      code: 'BROKER_UNAVAILABLE',
      message: expect.not.stringContaining('secret'),
    })
    await single.close()
  }, 30_000)

  it('keeps each message once and in order while slots move to another master', async () => {
    const moved = 'moved'
    await keepsMessagesThrough(
      () => open(moved),
      async () => {
        const ports = (await cluster.masters()).map(({ port }) => port)
        const [from, to] = [new Redis(ports[0]!), new Redis(ports[1]!)]
        const [source, target] = [await from.cluster('MYID'), await to.cluster('MYID')]
        const slots = new Set<number>()
        for (const key of await from.keys(`${moved}:{*:log`)) slots.add(await from.cluster('KEYSLOT', key))
        expect(slots.size).toBeGreaterThan(1)
        for (const slot of slots) {
          await to.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', source)
          await from.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', target)
          for (;;) {
            const keys = await from.cluster('GETKEYSINSLOT', slot, 100)
            if (keys.length === 0) break
            await from.call('MIGRATE', '127.0.0.1', ports[1]!, '', 0, 5000, 'KEYS', ...keys)
          }
          for (const node of [to, from]) await node.call('CLUSTER', 'SETSLOT', slot, 'NODE', target)
        }
        for (const node of [to, from]) node.disconnect()
      },
    )
  }, 180_000)

  it('keeps each message once and in order when a master hands over to its replica', async () => {
    const [master] = await cluster.masters()
    await keepsMessagesThrough(
      () => open('handed'),
      async () => {
        const replicas = await ask(master!.port, 'info', 'replication')
        const port = Number(/^slave0:.*port=(\d+)/m.exec(replicas)![1])
        await ask(port, 'cluster', 'failover')
        await expect
          .poll(async () => (await cluster.masters()).some((each) => each.port === port), { timeout: 30_000 })
          .toBe(true)
      },
    )
  }, 120_000)

  it('keeps what a replica has confirmed when a master dies, and continues with that replica', async () => {
    const masters = await cluster.masters()
    const dead = masters[1]!
    await keepsMessagesThrough(
      () => open('died', { replicas: 1, giveUpSeconds: 3 }),
      async () => {
        dead.process.kill('SIGKILL')
        const living = () => cluster.masters().then((now) => now.filter((each) => each !== dead).length)
        await expect.poll(living, { timeout: 60_000 }).toBe(3)
        // The new master needs a replica that confirms.
        await dead.restart()
      },
    )
  }, 180_000)
})
