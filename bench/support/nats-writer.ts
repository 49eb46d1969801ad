/**
 * A server process's room log around NATS, without its sockets: `nats-writer.ts <url> <rooms> <in flight> <seconds> <bytes>`.
 * Subscribes to every room, says `ready`, and at `go` keeps so many appends in flight.
 */
import { once } from 'node:events'
import { type AppendFigures, appendsInFlight } from './appends-in-flight.ts'
import { built, sleep } from './processes.ts'

const { connectNats } =
  await built<typeof import('../../src/chat/log/nats/connection.ts')>('chat/log/nats/connection')
const { NatsRoomLog } = await built<typeof import('../../src/chat/log/nats/nats-room-log.ts')>(
  'chat/log/nats/nats-room-log',
)

const [url, ...numbers] = process.argv.slice(2)
const [rooms = 1, inFlight = 1, seconds = 1, bytes = 1] = numbers.map(Number)
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

export interface WriterResult extends AppendFigures {
  /** Messages a second that its subscriptions received, its own among them. */
  readonly received: number
}

const figures = await appendsInFlight(log, { name: `${process.pid}`, rooms, inFlight, seconds, body })
process.send!({ ...figures, received: received / figures.seconds } satisfies WriterResult)
await log.close()
await nats.connection.close()
process.disconnect()
