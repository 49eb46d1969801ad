/** A live fleet for benches: `fleet-process.ts <servers> [data]`; prints its port, with limits out of the way. */
import { createServer } from 'node:http'
import { built } from './processes.ts'

const { notFound } = await built<typeof import('../../src/live/control-http.ts')>('live/control-http')
const { Supervisor } = await built<typeof import('../../src/live/supervisor.ts')>('live/supervisor')
const { AutoScaler } = await built<typeof import('../../src/scaling/auto-scaler.ts')>('scaling/auto-scaler')
const [servers = '1', data] = process.argv.slice(2)
const count = Number(servers)
const supervisor = new Supervisor(
  {
    gateway: { port: 0, connectionsPerSecond: 1e6, connectionBurst: 1e6 },
    data,
    chat: {
      auth: { anonymous: true },
      limits: { messagesPerSecond: 1e6, messageBurst: 1e6, outboxBytes: 4 * 2 ** 20 },
    },
    autoScaler: new AutoScaler({ minServers: count, maxServers: count }),
  },
  createServer(notFound),
)
process.on('SIGTERM', () => void supervisor.stop().then(() => process.exit(0)))
process.on('disconnect', () => process.exit(1))
const port = await supervisor.start()
supervisor.run()
process.send!({ port })
