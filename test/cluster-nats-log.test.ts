import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { roomLogChecks } from '../src/chat/log/conformance.ts'
import { connectNats } from '../src/chat/log/nats/connection.ts'
import { NatsRoomLog, type NatsRoomLogOptions } from '../src/chat/log/nats/nats-room-log.ts'
import { LogUnavailable } from '../src/chat/log/room-log.ts'
import type { RoomMessage } from '../src/protocol/messages.ts'
import { CuttingProxy } from './chaos/cutting-proxy.ts'
import { keepsMessagesThrough } from './support/log-disturbance.ts'
import { type NatsCluster, type NatsNode, requireNats, startNats } from './support/nats.ts'

describe.skipIf(!requireNats())('room log nats, three servers', () => {
  let cluster: NatsCluster
  let opened = 0
  beforeAll(async () => {
    cluster = await startNats()
  }, 60_000)
  afterAll(() => cluster?.close())

  const open = async (name: string, options: NatsRoomLogOptions = {}) => {
    const nats = await connectNats(cluster.url, 'test')
    const log = await NatsRoomLog.open(nats, { ...options, name })
    const close = async () => {
      await log.close()
      await nats.connection.close()
    }
    return { log, close }
  }

  for (const { name, run } of roomLogChecks(() => open(`contract${++opened}`))) it(name, run, 30_000)

  it('says that messages are replicated', async () => {
    const { log, close } = await open('truth')
    expect(log.durability).toBe('replicated')
    await close()
  })

  it.each<[string, (leader: NatsNode) => Promise<void>]>([
    [
      'killed',
      async (leader) => {
        leader.process.kill('SIGKILL')
        await sleep(2000)
        await cluster.restart(leader)
      },
    ],
    [
      'paused',
      async (leader) => {
        leader.process.kill('SIGSTOP')
        await sleep(6000)
        leader.process.kill('SIGCONT')
      },
    ],
  ])(
    'keeps each message once and in order when two write the same rooms and the leader is %s',
    async (how, disturb) => {
      await keepsMessagesThrough(
        () => open(how),
        async () => disturb((await cluster.leaderOf(`${how}_0`))!),
      )
    },
    120_000,
  )

  it('recognizes what another process stored 200 records ago, however long that is ago', async () => {
    const [first, second] = [await open('far-back'), await open('far-back', { windowSeconds: 0.001 })]
    const append = (log: NatsRoomLog, id: number) =>
      log.append({ room: 'r', user: 'ann', id: `${id}`, body: `${id}` })
    for (let id = 1; id <= 201; id++) await append(first.log, id)
    expect(await append(second.log, 1)).toEqual({ seq: 1, duplicate: true })
    expect(await append(second.log, 100)).toEqual({ seq: 100, duplicate: true })
    expect(await append(second.log, 202)).toEqual({ seq: 202, duplicate: false })
    await first.close()
    await second.close()
  }, 60_000)

  it('does not deny a place that another process was acknowledged while its own notices are late', async () => {
    const proxy = new CuttingProxy(() => Number(new URL(cluster.nodes[0]!.url).port))
    const nats = await connectNats(`nats://127.0.0.1:${await proxy.listen()}`, 'test')
    const [near, far] = [await open('late'), await NatsRoomLog.open(nats, { name: 'late' })]
    try {
      const append = (id: string) => near.log.append({ room: 'r', user: 'ann', id, body: id })
      await append('1')
      await far.subscribe('r', () => {})
      proxy.freeze(1)
      const { seq } = await append('2')
      const heads: number[] = []
      const read = () =>
        far.read('r', seq, 1).then(
          ({ head }) => heads.push(head),
          (error: unknown) => expect(error).toBeInstanceOf(LogUnavailable),
        )
      // Until it is connected again, and a little longer.
      const reading = setInterval(() => void read(), 20)
      await expect.poll(() => heads.length, { timeout: 20_000 }).toBeGreaterThan(20)
      clearInterval(reading)
      expect(new Set(heads)).toEqual(new Set([seq]))
      expect((await far.read('r', 1, 10)).entries.map((entry) => entry.seq)).toEqual([seq])
      // A place that does not exist takes no place.
      expect(await near.log.read('r', seq + 7, 1)).toMatchObject({ head: seq, entries: [] })
      expect((await append('3')).seq).toBe(seq + 1)
      expect((await near.log.read('r', 0, 10)).entries.map((entry) => entry.seq)).toEqual([1, seq, seq + 1])
    } finally {
      await near.close()
      await far.close()
      await nats.connection.close()
      proxy.close()
    }
  }, 60_000)

  it('rejects what it cannot keep while the broker is away, takes messages again once it is back, and places do not repeat', async () => {
    const { log, close } = await open('away', { giveUpSeconds: 2 })
    const say = (id: string) => log.append({ room: 'r', user: 'ann', id, body: id })
    const first = await say('1')
    for (const { process } of cluster.nodes) process.kill('SIGSTOP')
    try {
      await expect(say('2')).rejects.toBeInstanceOf(LogUnavailable)
    } finally {
      for (const { process } of cluster.nodes) process.kill('SIGCONT')
    }
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
    // It may have been stored all the same, and is stored once whatever happened.
    const { seq } = await say('2')
    const { entries } = await log.read('r', 0, 10)
    const ids = entries.map(({ payload }) => (JSON.parse(payload.toString()) as RoomMessage).id)
    expect([...ids].sort()).toEqual(['1', '2', '3'])
    expect(ids.indexOf('2') + 1).toBe(seq)
    await close()
  }, 60_000)

  it('deletes a room, drops the oldest messages, and gives no place again', async () => {
    const { log, close } = await open('trimmed', { maxBytes: 200_000 })
    const say = (id: string, body = id) => log.append({ room: 'r', user: 'ann', id, body })
    const last = await say('1')
    await log.deleteRoom('r')
    expect((await log.read('r', 0, 10)).entries).toEqual([])
    const next = await say('2')
    expect(next.seq).toBeGreaterThan(last.seq)
    for (let i = 0; i < 30; i++) await say(`large ${i}`, 'x'.repeat(20_000))
    const { first, head, entries } = await log.read('r', 0, 100)
    expect(first).toBeGreaterThan(next.seq)
    expect(entries[0]!.seq).toBe(first)
    expect(entries.at(-1)!.seq).toBe(head)
    await close()
  }, 30_000)
})
