/**
 * How long writes pause when the node that leads a JetStream stream ends: two processes' worth of room logs on three nodes write 40
 * rooms; the leader is killed, then restarted gracefully. `npm run bench:failover -- [times]` prints the longest time without an
 * acknowledgement, and when the nodes had another leader.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { connectNats } from '../src/chat/log/nats/connection.ts'
import { NatsRoomLog } from '../src/chat/log/nats/nats-room-log.ts'
import { startNats } from '../test/support/nats.ts'

const [times = 4] = process.argv.slice(2).map(Number)
const NAME = 'failover'
const ROOMS = 20
const cluster = await startNats()
const opened = await Promise.all(
  [1, 2].map(async () => {
    const nats = await connectNats(cluster.url, 'bench')
    return { nats, log: await NatsRoomLog.open(nats, { name: NAME }) }
  }),
)
let running = true
let lastAck = performance.now()
let longestMs = 0

async function write(log: NatsRoomLog, room: string): Promise<void> {
  for (let n = 0; running; ) {
    try {
      await log.append({ room, user: 'ann', id: `${n}`, body: 'hello' })
      n++
    } catch {
      continue // sent again under the same id
    }
    longestMs = Math.max(longestMs, performance.now() - lastAck)
    lastAck = performance.now()
    await sleep(20)
  }
}

/** Milliseconds until another node leads and an append was acknowledged after that. */
async function untilLed(by: string, began: number): Promise<number> {
  let ledMs: number | undefined
  while (ledMs === undefined || lastAck - began < ledMs) {
    const asked = cluster.leaderOf(`${NAME}_0`).catch(() => undefined)
    const leader = await Promise.race([asked, sleep(200).then(() => undefined)])
    if (leader && leader.name !== by) ledMs ??= performance.now() - began
    await sleep(20)
  }
  return ledMs
}

const writing = opened.flatMap(({ log }, i) =>
  Array.from({ length: ROOMS }, (_, room) => write(log, `${i}-${room}`)),
)
try {
  for (const how of ['SIGKILL', 'SIGTERM'] as const)
    for (let i = 0; i < times; i++) {
      await sleep(8000) // the nodes settle
      const leader = (await cluster.leaderOf(`${NAME}_0`))!
      longestMs = 0
      const began = performance.now()
      leader.process.kill(how)
      const ledMs = await untilLed(leader.name, began)
      const seconds = (ms: number) => (ms / 1000).toFixed(2)
      console.log(
        `${how} ${seconds(longestMs)} s without an acknowledgement; another leader after ${seconds(ledMs)} s`,
      )
      await cluster.restart(leader)
    }
} finally {
  running = false
  await Promise.all(writing)
  for (const { log, nats } of opened) {
    await log.close()
    await nats.connection.close()
  }
  await cluster.close()
}
