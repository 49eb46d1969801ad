/**
 * `npm run bench:cluster`: acknowledged messages/s of one process at each room log, 200-byte bodies, 512 in flight over 500 rooms.
 * NATS has three nodes and three copies; there also two server processes that write and read the same 500 rooms at once, with so
 * many in flight together: what waits for a room goes out in one publish, so more are acknowledged where more wait. Everything shares
 * the machine. Needs nats-server, redis-server and what was built.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { EmbeddedRoomLog } from '../src/chat/log/embedded/embedded.ts'
import { connectNats } from '../src/chat/log/nats/connection.ts'
import { NatsRoomLog } from '../src/chat/log/nats/nats-room-log.ts'
import { connectRedis } from '../src/chat/log/redis/connection.ts'
import { RedisRoomLog } from '../src/chat/log/redis/redis-room-log.ts'
import type { RoomLog } from '../src/chat/log/room-log.ts'
import { startNats } from '../test/support/nats.ts'
import { startRedis } from '../test/support/redis.ts'
import { startRedisCluster } from '../test/support/redis-cluster.ts'
import { appendsInFlight } from './support/appends-in-flight.ts'
import type { WriterResult } from './support/nats-writer.ts'
import { cpuSeconds, nextMessage, start } from './support/processes.ts'

const SECONDS = 5
const IN_FLIGHT = 512
const ROOMS = 500
const BODY = 'x'.repeat(200)

const line = (what: string, perSecond: number, p50Ms: number, p99Ms: number) =>
  `${what.padEnd(34)} ${perSecond.toFixed(0).padStart(7)} messages/s, p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms`

async function measure(what: string, log: RoomLog): Promise<void> {
  const load = { name: 'user', rooms: ROOMS, inFlight: IN_FLIGHT, seconds: SECONDS, body: BODY }
  const { perSecond, p50Ms, p99Ms, cores, rejected } = await appendsInFlight(log, load)
  console.log(
    `${line(what, perSecond, p50Ms, p99Ms)}, ${cores.toFixed(2)} cores of this process (${log.durability}), ${rejected} rejected`,
  )
}

const folder = mkdtempSync(join(tmpdir(), 'bench-cluster-'))
const embedded = EmbeddedRoomLog.open(folder)
await measure('embedded', embedded)
await embedded.close()
rmSync(folder, { recursive: true, force: true })

{
  const { url, close } = await startNats()
  try {
    const nats = await connectNats(url, 'bench')
    const log = await NatsRoomLog.open(nats, { name: 'bench' })
    await measure('nats, 3 nodes', log)
    await log.close()
    await nats.connection.close()
  } finally {
    await close()
  }
}

/** Two processes write and read the same rooms. */
async function measureTogether(inFlight: number): Promise<void> {
  const { url, nodes, close } = await startNats()
  try {
    const args = [url, ROOMS, inFlight / 2, SECONDS, BODY.length].map(String)
    const writers = await Promise.all([1, 2].map(() => start('support/nats-writer.ts', args)))
    const used = () => nodes.reduce((sum, { process }) => sum + cpuSeconds(process.pid!), 0)
    const before = used()
    const results = writers.map(({ child }) => {
      child.send('go')
      return nextMessage<WriterResult>(child)
    })
    const all = await Promise.all(results)
    const nodeCores = ((used() - before) / SECONDS).toFixed(2)
    const sum = (key: 'perSecond' | 'received' | 'rejected' | 'cores') =>
      all.reduce((total, each) => total + each[key], 0)
    const most = (key: 'p50Ms' | 'p99Ms') => Math.max(...all.map((each) => each[key]))
    const what = `nats, 2 processes, ${inFlight} in flight`
    console.log(
      `${line(what, sum('perSecond'), most('p50Ms'), most('p99Ms'))}, ${sum('received').toFixed(0)} received/s, ${sum('cores').toFixed(2)} cores of both and ${nodeCores} of the nodes, ${sum('rejected')} rejected`,
    )
  } finally {
    await close()
  }
}
for (const inFlight of [512, 4096, 8192]) await measureTogether(inFlight)

const measureRedis = async (what: string, { url, close }: { url: string; close(): Promise<void> }) => {
  try {
    const redis = await connectRedis(url, 'bench')
    const log = await RedisRoomLog.open(redis)
    await measure(what, log)
    await log.close()
    await redis.close()
  } finally {
    await close()
  }
}
for (const fsync of ['everysec', 'always'])
  await measureRedis(`redis, appendfsync ${fsync}`, await startRedis('--appendfsync', fsync))
await measureRedis('redis cluster, 3 masters, everysec', await startRedisCluster())
