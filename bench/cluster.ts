/**
 * `npm run bench:cluster`: acknowledged messages/s of one process at each room log, 200-byte bodies, 512 in flight over 500 rooms;
 * NATS with three nodes and three copies, also with two processes' worth of connections. Needs nats-server and redis-server.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Histogram } from '../src/base/histogram.ts'
import { EmbeddedRoomLog } from '../src/chat/log/embedded/embedded.ts'
import { connectNats } from '../src/chat/log/nats/connection.ts'
import { NatsRoomLog } from '../src/chat/log/nats/nats-room-log.ts'
import { connectRedis } from '../src/chat/log/redis/connection.ts'
import { RedisRoomLog } from '../src/chat/log/redis/redis-room-log.ts'
import type { RoomLog } from '../src/chat/log/room-log.ts'
import { startNats } from '../test/support/nats.ts'
import { startRedis } from '../test/support/redis.ts'
import { startRedisCluster } from '../test/support/redis-cluster.ts'

const SECONDS = 5
const IN_FLIGHT = 512
const ROOMS = 500
const BODY = 'x'.repeat(200)

async function measure(what: string, logs: readonly RoomLog[]): Promise<void> {
  const latency = new Histogram()
  const began = performance.now()
  const cpu = process.cpuUsage()
  let count = 0
  let rejected = 0
  const send = async (sender: number) => {
    for (let i = 0; performance.now() < began + SECONDS * 1000; i++) {
      const at = performance.now()
      const room = `room-${(sender * 7 + i) % ROOMS}`
      const message = { room, user: `user-${sender}`, id: `${what}-${i}`, body: BODY }
      try {
        await logs[sender % logs.length]!.append(message)
      } catch {
        rejected++
        continue
      }
      latency.record((performance.now() - at) / 1000)
      count++
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, (_, sender) => send(sender)))
  const seconds = (performance.now() - began) / 1000
  const { user, system } = process.cpuUsage(cpu)
  const cores = (user + system) / 1e6 / seconds
  const ms = (q: number) => (latency.quantile(q) * 1000).toFixed(1)
  const rate = (count / seconds).toFixed(0)
  console.log(
    `${what.padEnd(34)} ${rate.padStart(7)} messages/s, p50 ${ms(0.5)} ms, p99 ${ms(0.99)} ms, ${cores.toFixed(2)} cores of this process (${logs[0]!.durability}), ${rejected} rejected`,
  )
}

const folder = mkdtempSync(join(tmpdir(), 'bench-cluster-'))
const embedded = EmbeddedRoomLog.open(folder)
await measure('embedded', [embedded])
await embedded.close()
rmSync(folder, { recursive: true, force: true })

const cluster = await startNats()
try {
  const connections = await Promise.all([
    connectNats(cluster.url, 'bench'),
    connectNats(cluster.url, 'bench'),
  ])
  const logs = await Promise.all(connections.map((nats) => NatsRoomLog.open(nats, { name: 'bench' })))
  await measure('nats, 3 nodes', [logs[0]!])
  await measure('nats, 3 nodes, two writers', logs)
  for (const log of logs) await log.close()
  for (const { connection } of connections) await connection.close()
} finally {
  await cluster.close()
}

const measureRedis = async (what: string, { url, close }: { url: string; close(): Promise<void> }) => {
  try {
    const redis = await connectRedis(url, 'bench')
    const log = await RedisRoomLog.open(redis)
    await measure(what, [log])
    await log.close()
    await redis.close()
  } finally {
    await close()
  }
}
for (const fsync of ['everysec', 'always'])
  await measureRedis(`redis, appendfsync ${fsync}`, await startRedis('--appendfsync', fsync))
await measureRedis('redis cluster, 3 masters, everysec', await startRedisCluster())
