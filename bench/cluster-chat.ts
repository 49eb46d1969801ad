/**
 * Chat servers around a broker, beside a fleet on one machine and Centrifugo: an open loop of single messages from random users in
 * rooms of four, whose members are on different servers. `npm run bench:cluster-chat -- [seconds] [messages/s] [rounds]`
 * prints how many of them were acknowledged and delivered, how many of each a core of servers and broker does, and how the CPU time of
 * a message is spent, for 1, 2 and 4 servers; of the rounds the best. Everything shares the machine; CPU time is counted, so who
 * else uses it matters little. Needs nats-server, redis-server and what was built; Centrifugo where `bench/peers/` has built it.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seededRng } from '../src/base/rng.ts'
import {
  centrifugoNats,
  centrifugoRedis,
  concertinaNats,
  concertinaRedis,
  type RunningCluster,
} from './support/clusters.ts'
import { centrifugo, concertina, type Dialect, eachLine } from './support/dialects.ts'
import { isBuilt } from './support/peers.ts'
import { cpuSeconds, requireBuilt, sleep, start, stop, withServers } from './support/processes.ts'
import { RawClient } from './support/raw-client.ts'

const [seconds = 5, perSecond = 2000, rounds = 2] = process.argv.slice(2).map(Number)
const CLIENTS = 400
const MEMBERS = 4
const WARM_SECONDS = 3
/** Most seconds for what was sent to be answered, and for a user to be welcomed. */
const GRACE_SECONDS = 30

interface Result {
  /** Shares of what was sent. */
  readonly acked: number
  readonly delivered: number
  /** CPU microseconds per acknowledged message. */
  readonly servers: number
  readonly broker: number
}

async function measure({ ports, servers, broker }: RunningCluster, dialect: Dialect): Promise<Result> {
  const rng = seededRng('cluster-chat')
  let acked = 0
  let delivered = 0
  const roomOf = (i: number) => `room-${Math.floor(i / MEMBERS)}`
  const clients = await Promise.all(
    Array.from({ length: CLIENTS }, async (_, i) => {
      const client = await RawClient.open(ports[i % ports.length]!, dialect.path)
      const onMessage = (data: Buffer, from: number) => {
        if (dialect.isDelivery(data, from)) delivered++
        else if (dialect.isAck!(data, from)) acked++
      }
      client.onFrame = dialect.lines ? eachLine(onMessage) : onMessage
      dialect.join(client, roomOf(i), `user-${i}`)
      return client
    }),
  )
  let sent = 0
  const answered = async () => {
    const until = performance.now() + GRACE_SECONDS * 1000
    while (acked < sent && performance.now() < until) await sleep(0.05)
  }
  await sleep(1)
  for (const [i, client] of clients.entries()) dialect.send(client, roomOf(i), `${sent++}`)
  await answered()
  const offer = async (forSeconds: number) => {
    let next = performance.now()
    const end = next + forSeconds * 1000
    for (let now = next; now < end; now = performance.now()) {
      for (; next <= now; next += (-Math.log(1 - rng.next()) * 1000) / perSecond) {
        const i = Math.floor(rng.next() * CLIENTS)
        dialect.send(clients[i]!, roomOf(i), `${sent++}`)
      }
      await sleep(0.001)
    }
    await answered()
    await sleep(0.5)
  }
  await offer(WARM_SECONDS)
  const used = (pids: readonly number[]) => pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0)
  const before = { servers: used(servers), broker: used(broker), acked, delivered, sent }
  await offer(seconds)
  for (const client of clients) client.close()
  const count = acked - before.acked
  return {
    acked: count / (sent - before.sent),
    delivered: (delivered - before.delivered) / ((sent - before.sent) * MEMBERS),
    servers: (1e6 * (used(servers) - before.servers)) / count,
    broker: (1e6 * (used(broker) - before.broker)) / count,
  }
}

async function fleetOnDisk(count: number): Promise<RunningCluster> {
  const data = mkdtempSync(join(tmpdir(), 'cluster-chat-'))
  const { child, first } = await start<{ port: number }>('support/fleet-process.ts', [`${count}`, data])
  return {
    ports: [first.port],
    servers: withServers(child.pid!),
    broker: [],
    stop: async () => {
      await stop(child)
      rmSync(data, { recursive: true, force: true })
    },
  }
}

const variants: [name: string, dialect: Dialect, run: (servers: number) => Promise<RunningCluster>][] = [
  ['Concertina, one machine, on disk', concertina, fleetOnDisk],
  ['Concertina, NATS, 3 copies', concertina, concertinaNats],
  ['Concertina, Redis', concertina, concertinaRedis],
]
if (isBuilt('Centrifugo'))
  variants.push(
    ['Centrifugo, Redis', centrifugo, centrifugoRedis],
    ['Centrifugo, NATS, keeps nothing', centrifugo, centrifugoNats],
  )

requireBuilt()
console.log(`${perSecond} messages/s to rooms of ${MEMBERS}, ${CLIENTS} clients, ${rounds} × ${seconds} s`)
for (const servers of [1, 2, 4])
  for (const [name, dialect, run] of variants) {
    const results: Result[] = []
    for (let round = 0; round < rounds; round++) {
      const cluster = await run(servers)
      try {
        results.push(await measure(cluster, dialect))
      } finally {
        await cluster.stop()
      }
    }
    const cost = (result: Result) => result.servers + result.broker
    const best = results.reduce((a, b) => (cost(b) < cost(a) ? b : a))
    const k = (perMessage: number, each = 1) => ((each * 1000) / perMessage).toFixed(1).padStart(5)
    const percent = (share: number) => `${(share * 100).toFixed(0)} %`
    console.log(
      `${servers} ${name.padEnd(33)} ${percent(best.acked)} acknowledged, ${percent(best.delivered)} delivered; a core of servers ${k(best.servers)} k/s, ` +
        `with the broker ${k(cost(best))} k/s, deliveries ${k(cost(best), MEMBERS * best.delivered)} k/s; µs a message ${best.servers.toFixed(0)} + ${best.broker.toFixed(0)}`,
    )
  }
