import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { RateLimiter } from '../../base/rate-limit.ts'
import { RateLimited } from '../link.ts'
import { MemoryRoomLog } from '../log/memory.ts'
import { type LogEntry, LogOverloaded, type RoomLog } from '../log/room-log.ts'
import { API_SERVER, Hub } from './hub.ts'
import { RemoteRoomLog } from './remote-room-log.ts'

let closing: (() => unknown)[]
beforeEach(() => {
  closing = []
})
afterEach(async () => {
  for (const close of closing.reverse()) await close()
})

/** Two ends of a real connection. */
async function socketPair(): Promise<[Socket, Socket]> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const near = connect((server.address() as { port: number }).port, '127.0.0.1')
  const [[far]] = (await Promise.all([once(server, 'connection'), once(near, 'connect')])) as [
    [Socket],
    unknown,
  ]
  server.close()
  closing.push(() => near.destroy())
  return [near, far]
}

async function hubWith(log: RoomLog = new MemoryRoomLog(), rates?: RateLimiter) {
  const hub = new Hub(log, rates)
  closing.push(() => hub.close())
  let servers = 0
  const join = async (server = ++servers) => {
    const [near, far] = await socketPair()
    hub.attach(far, server)
    const link = await RemoteRoomLog.connect(
      near,
      () => {},
      () => {},
    )
    return { link, socket: near }
  }
  return { hub, join }
}

const until = async (done: () => boolean, ms = 10_000) => {
  const end = performance.now() + ms
  while (!done() && performance.now() < end) await new Promise((resolve) => setTimeout(resolve, 5))
  expect(done()).toBe(true)
}

describe('the hub', () => {
  it('keeps a bounded amount for a server that reads nothing, which then has every message in order', async () => {
    const { hub, join } = await hubWith()
    const slow = await join()
    const fast = await join()
    const received: LogEntry[] = []
    for (const room of ['a', 'b']) await slow.link.subscribe(room, (_, entry) => received.push(entry))
    slow.socket.pause()
    let most = 0
    for (let i = 0; i < 8000; i += 100) {
      await Promise.all(
        Array.from({ length: 100 }, (_, k) =>
          fast.link.append({ room: k % 2 ? 'a' : 'b', user: 'u', id: `${i + k}`, body: 'x'.repeat(4000) }),
        ),
      )
      most = Math.max(most, hub.waiting)
    }
    expect(most).toBeLessThan(6 * 2 ** 20)
    slow.socket.resume()
    await until(() => received.length === 8000)
    const bySeq = { a: 0, b: 0 }
    for (const { payload } of received) {
      const { room, seq } = JSON.parse(payload.toString()) as { room: 'a' | 'b'; seq: number }
      expect(seq).toBe(++bySeq[room])
    }
    // It keeps up again.
    await fast.link.append({ room: 'a', user: 'u', id: 'last', body: '' })
    await until(() => received.length === 8001)
  })

  it('keeps every character of a message and its data', async () => {
    const log = new MemoryRoomLog()
    const { join } = await hubWith(log)
    const { link } = await join()
    const messages = [
      { room: 'r', user: 'ann', id: '1', body: 'plain' },
      {
        room: 'Zürich',
        user: '李',
        id: '🎹',
        body: 'ü "quoted" \\ \u2028 🎶',
        extras: { data: { a: ['ß'] } },
      },
      { room: 'r', user: 'ann', id: '2', body: '' },
      { room: 'r', user: 'ann', id: '3', body: 'half \ud83c' },
      { room: 'r', user: 'ann', id: '4', body: '{"id":"5"}'.repeat(20_000), extras: { edits: 1 } },
    ]
    await Promise.all(messages.map((message) => link.append(message)))
    const entries = ['r', 'Zürich'].map(async (room) => (await log.read(room, 0, 10)).entries)
    const kept = (await Promise.all(entries)).flat().map(({ payload }) => JSON.parse(payload.toString()))
    for (const { extras, ...message } of messages)
      expect(kept).toContainEqual(expect.objectContaining({ ...message, ...extras }))
  })

  it('rejects appends while those in flight are not answered in time, and only beyond a few', async () => {
    class StuckLog extends MemoryRoomLog {
      override append() {
        return new Promise<never>(() => {})
      }
    }
    const { join } = await hubWith(new StuckLog())
    const { link } = await join()
    const append = (i: number) => link.append({ room: 'r', user: 'u', id: `${i}`, body: 'x' })
    const outcomes: unknown[] = []
    for (let i = 0; i < 256; i++) append(i).catch((error) => outcomes.push(error))
    await new Promise((resolve) => setTimeout(resolve, 450))
    expect(outcomes).toEqual([])
    const rejected = await append(256).catch((error: unknown) => error)
    expect(rejected).toBeInstanceOf(LogOverloaded)
    expect((rejected as LogOverloaded).retryMs).toBeGreaterThanOrEqual(500)
    expect(link.pending).toBe(256)
  })

  it('accepts what is answered in a moment, however long its turns are', async () => {
    const { join } = await hubWith(new MemoryRoomLog())
    const { link } = await join()
    let id = 0
    const append = () => link.append({ room: 'r', user: 'u', id: `${++id}`, body: 'x' })
    for (const end = performance.now() + 600; performance.now() < end; )
      await Promise.all(Array.from({ length: 50 }, append))
    const answeredPerSecond = id / 0.6
    const inFlight = Array.from({ length: 64 }, append)
    for (const end = performance.now() + 500; performance.now() < end; ); // this turn is as long as a second
    const more = Math.min(200, Math.floor(0.05 * answeredPerSecond))
    inFlight.push(...Array.from({ length: more }, append))
    await Promise.all(inFlight)
  })

  it('reads rooms in turn, in bounds, however much one server asks', async () => {
    const { hub, join } = await hubWith()
    const { link, socket } = await join()
    for (let i = 0; i < 150; i++)
      await link.append({ room: 'big', user: 'u', id: `${i}`, body: '"'.repeat(8192) })
    await link.append({ room: 'small', user: 'u', id: '0', body: 'x' })
    let answered = 0
    const flood = Promise.allSettled(
      Array.from({ length: 600 }, () => link.readBefore('big', 1e9, 200).then(() => answered++)),
    )
    let most = 0
    const watch = setInterval(() => {
      most = Math.max(most, hub.waiting)
    }, 1)
    expect((await link.read('small', 0, 1)).entries.length).toBe(1)
    expect(answered).toBeLessThan(50)
    await flood
    clearInterval(watch)
    expect(answered).toBe(600)
    expect(most).toBeLessThan(6 * 2 ** 20)
    const tooMany = await Promise.allSettled(Array.from({ length: 6000 }, () => link.read('small', 0, 1)))
    expect(tooMany.some((each) => each.status === 'rejected' && each.reason instanceof LogOverloaded)).toBe(
      true,
    )
    expect(socket.destroyed).toBe(false)
  })

  it('rejects what is in flight, and what is asked later, when it is gone', async () => {
    const { hub, join } = await hubWith()
    const { link } = await join()
    await hub.close()
    await until(() => !link.pending)
    await expect(link.append({ room: 'r', user: 'u', id: '1', body: '' })).rejects.toThrow('the hub is gone')
    await expect(link.read('r', 0, 1)).rejects.toThrow('the hub is gone')
    await expect(link.subscribe('r', () => {})).rejects.toThrow('the hub is gone')
  })
})

describe('the rate of a user in the hub', () => {
  /** So slow that no token comes back during a test. */
  const rates = (burst: number) => new RateLimiter(0.0001, burst)
  const message = (id: string, more: object = {}) => ({ room: 'r', user: 'ann', id, body: 'x', ...more })

  it('holds over all servers, for each user alone, and says when to try again', async () => {
    const { join } = await hubWith(new MemoryRoomLog(), rates(5))
    const servers = [await join(), await join(), await join()]
    const asked = Array.from({ length: 12 }, (_, i) => servers[i % 3]!.link.append(message(`${i}`)))
    const outcomes = await Promise.allSettled(asked)
    const rejected = outcomes.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []))
    expect(rejected.length).toBe(7)
    for (const error of rejected) {
      expect(error).toBeInstanceOf(RateLimited)
      expect((error as RateLimited).retryMs).toBeGreaterThan(1000)
    }
    expect(servers.map(({ link }) => link.pending)).toEqual([0, 0, 0])
    await Promise.all(servers.map(({ link }, i) => link.append(message(`bob ${i}`, { user: 'bob' }))))
  })

  it('counts a message once, however often it is sent, and not one that the log rejected', async () => {
    class FailingLog extends MemoryRoomLog {
      failing = false
      override async append(entry: Parameters<MemoryRoomLog['append']>[0]) {
        if (this.failing) throw new LogOverloaded('not now', 1)
        return super.append(entry)
      }
    }
    const log = new FailingLog()
    const { join } = await hubWith(log, rates(3))
    const [one, other] = [await join(), await join()]
    const first = await one.link.append(message('1'))
    for (let i = 0; i < 5; i++)
      expect(await other.link.append(message('1'))).toEqual({ seq: first.seq, duplicate: true })
    log.failing = true
    for (let i = 0; i < 5; i++)
      await expect(one.link.append(message('2'))).rejects.toBeInstanceOf(LogOverloaded)
    log.failing = false
    await one.link.append(message('2'))
    await other.link.append(message('3'))
    await expect(one.link.append(message('4'))).rejects.toBeInstanceOf(RateLimited)
  })

  it('keeps no message alive by the name of its sender', async () => {
    class ForgetfulLog extends MemoryRoomLog {
      override async append() {
        return { seq: 1, duplicate: false }
      }
    }
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const heapMiB = () => {
      collect()
      return process.memoryUsage().heapUsed / 2 ** 20
    }
    const { hub, join } = await hubWith(new ForgetfulLog(), rates(5))
    const { link } = await join()
    const before = heapMiB()
    for (let i = 0; i < 500; i++) {
      const user = `a user with a long name ${i}`
      await link.append(
        message('1', { user, room: `a room with a long name ${i}`, body: 'x'.repeat(100_000) }),
      )
    }
    expect(heapMiB() - before).toBeLessThan(15)
    expect(hub.directory.talkers(1000).length).toBeGreaterThan(0)
  })

  it('does not hold for the server API and rooms of the chat itself; a deletion counts but is not rejected', async () => {
    const { join } = await hubWith(new MemoryRoomLog(), rates(2))
    const { link } = await join()
    const api = await join(API_SERVER)
    for (let i = 0; i < 5; i++) {
      await api.link.append(message(`api ${i}`))
      await link.append(message(`${i}`, { room: '$read/ann' }))
    }
    for (let i = 0; i < 3; i++) await link.append(message(`delete ${i}`, { extras: { deletes: 1 } }))
    await expect(link.append(message('1'))).rejects.toBeInstanceOf(RateLimited)
  })
})
