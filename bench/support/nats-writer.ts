/**
 * A server process's room log around NATS, without its sockets: `nats-writer.ts <url> <rooms> <in flight> <seconds> <bytes>`.
 * Subscribes to every room, says `ready`, and at `go` keeps so many appends in flight.
 */
import { once } from 'node:events'
import { Histogram } from '../../src/base/histogram.ts'
import { built, sleep } from './processes.ts'

const { connectNats } =
  await built<typeof import('../../src/chat/log/nats/connection.ts')>('chat/log/nats/connection')
const { NatsRoomLog } = await built<typeof import('../../src/chat/log/nats/nats-room-log.ts')>(
  'chat/log/nats/nats-room-log',
)

const [url, ...figures] = process.argv.slice(2)
const [rooms = 1, inFlight = 1, seconds = 1, bytes = 1] = figures.map(Number)
const body = 'x'.repeat(bytes)
const nats = await connectNats(url!, `writer-${process.pid}`)
const log = await NatsRoomLog.open(nats, { name: 'writers' })
let received = 0
const count = () => void received++
for (let i = 0; i < rooms; ) {
  // A stream that was made just now has no leader yet.
  const subscribed: unknown = await log.subscribe(`room-${i}`, count).catch(() => sleep(0.1))
  if (subscribed) i++
}
process.on('disconnect', () => process.exit(1))
process.send!('ready')
await once(process, 'message')

export interface WriterResult {
  readonly perSecond: number
  /** Messages a second that its subscriptions received, its own among them. */
  readonly received: number
  readonly rejected: number
  readonly cores: number
  readonly p50Ms: number
  readonly p99Ms: number
}

const latency = new Histogram()
let [acknowledged, rejected] = [0, 0]
const began = performance.now()
const cpu = process.cpuUsage()
const send = async (sender: number) => {
  for (let i = 0; performance.now() < began + seconds * 1000; i++) {
    const at = performance.now()
    try {
      await log.append({
        room: `room-${(sender * 7 + i) % rooms}`,
        user: `${process.pid}-${sender}`,
        id: `${i}`,
        body,
      })
      latency.record((performance.now() - at) / 1000)
      acknowledged++
    } catch {
      rejected++
    }
  }
}
await Promise.all(Array.from({ length: inFlight }, (_, sender) => send(sender)))
const took = (performance.now() - began) / 1000
const used = process.cpuUsage(cpu)
const ms = (q: number) => latency.quantile(q) * 1000
const result: WriterResult = {
  perSecond: acknowledged / took,
  received: received / took,
  rejected,
  cores: (used.user + used.system) / 1e6 / took,
  p50Ms: ms(0.5),
  p99Ms: ms(0.99),
}
process.send!(result)
await log.close()
await nats.connection.close()
process.disconnect()
