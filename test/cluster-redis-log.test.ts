import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { roomLogChecks } from '../src/chat/log/conformance.ts'
import { connectRedis } from '../src/chat/log/redis/connection.ts'
import { RedisRoomLog, type RedisRoomLogOptions } from '../src/chat/log/redis/redis-room-log.ts'
import { LogUnavailable } from '../src/chat/log/room-log.ts'
import type { RoomMessage } from '../src/protocol/messages.ts'
import { keepsMessagesThrough } from './support/log-disturbance.ts'
import { type RedisServer, requireRedis, startRedis } from './support/redis.ts'

describe.skipIf(!requireRedis())('room log redis', () => {
  let server: RedisServer
  let opened = 0
  beforeAll(async () => {
    server = await startRedis()
  }, 30_000)
  afterAll(() => server?.close())

  const openAt = async (url: string, name: string, options: RedisRoomLogOptions = {}) => {
    const redis = await connectRedis(url, 'test')
    const log = await RedisRoomLog.open(redis, { ...options, name })
    const close = async () => {
      await log.close()
      await redis.close()
    }
    return { log, close }
  }
  const open = (name: string, options?: RedisRoomLogOptions) => openAt(server.url, name, options)

  for (const { name, run } of roomLogChecks(() => open(`contract${++opened}`))) it(name, run, 30_000)

  it('names its durability by what the server is configured to', async () => {
    const everysec = await open('truth')
    expect(everysec.log.durability).toBe('memory')
    await everysec.close()
    const always = await startRedis('--appendfsync', 'always')
    const onDisk = await openAt(always.url, 'truth')
    expect(onDisk.log.durability).toBe('disk')
    await onDisk.close()
    await always.close()
  }, 30_000)

  it('acknowledges nothing that too few replicas have, and all of it once they do', async () => {
    const { log, close } = await open('wait', { replicas: 1, giveUpSeconds: 1 })
    expect(log.durability).toBe('replicated')
    const message = { room: 'r', user: 'ann', id: '1', body: 'x' }
    await expect(log.append(message)).rejects.toThrow(/0 of 1 replicas/)
    const replica = await startRedis('--appendonly', 'no', '--replicaof', '127.0.0.1', `${server.port}`)
    await expect
      .poll(
        () =>
          log.append(message).then(
            ({ seq }) => seq > 0,
            () => false,
          ),
        { timeout: 20_000 },
      )
      .toBe(true)
    expect((await log.read('r', 0, 10)).entries.length).toBe(1)
    await close()
    await replica.close()
  }, 60_000)

  it.each<[string, () => Promise<void>]>([
    [
      'killed',
      async () => {
        await server.restart()
      },
    ],
    [
      'paused',
      async () => {
        server.process.kill('SIGSTOP')
        await sleep(4000)
        server.process.kill('SIGCONT')
      },
    ],
  ])(
    'keeps each message once and in order when two write the same rooms and the server is %s',
    async (how, disturb) => {
      await keepsMessagesThrough(() => open(how), disturb)
    },
    120_000,
  )

  it('rejects what it cannot keep while the server is away, and gives no place twice when its data is gone', async () => {
    const { log, close } = await open('away', { giveUpSeconds: 1 })
    const say = (id: string) => log.append({ room: 'r', user: 'ann', id, body: id })
    const first = await say('1')
    server.process.kill('SIGSTOP')
    try {
      await expect(say('2')).rejects.toBeInstanceOf(LogUnavailable)
    } finally {
      server.process.kill('SIGCONT')
    }
    const redis = await connectRedis(server.url, 'test')
    await redis.commands.flushall()
    await redis.close()
    await expect
      .poll(
        () =>
          say('3').then(
            ({ seq }) => seq,
            () => 0,
          ),
        { timeout: 20_000 },
      )
      .toBeGreaterThan(first.seq)
    await close()
  }, 60_000)

  it('drops the oldest messages of a room, and says so by the place before', async () => {
    const { log, close } = await open('trimmed', { maxMessages: 100 })
    const say = (id: string) => log.append({ room: 'r', user: 'ann', id, body: id })
    const places: number[] = []
    for (let i = 0; i < 400; i++) places.push((await say(`${i}`)).seq)
    const { first, entries } = await log.read('r', 0, 1000)
    expect(entries.length).toBeLessThan(400)
    expect(entries.length).toBeGreaterThanOrEqual(100)
    expect(first).toBe(entries[0]!.prevSeq + 1)
    expect(entries.map(({ seq }) => seq)).toEqual(places.slice(-entries.length))
    await log.deleteRoom('r')
    const { seq } = await say('after')
    expect(seq).toBeGreaterThan(places.at(-1)!)
    const [message] = (await log.read('r', 0, 10)).entries.map(
      ({ payload }) => JSON.parse(payload.toString()) as RoomMessage,
    )
    expect(message!.prevSeq).toBe(places.at(-1))
    await close()
  }, 30_000)
})
