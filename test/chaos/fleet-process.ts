/** A live fleet that does what the chaos runner asks over IPC; killed and started again at will. */
import { createServer } from 'node:http'
import { lineLogger } from '../../src/base/logger.ts'
import { listen } from '../../src/http/listen.ts'
import { notFound } from '../../src/live/control-http.ts'
import { Supervisor } from '../../src/live/supervisor.ts'
import { AutoScaler } from '../../src/scaling/auto-scaler.ts'

export type FleetCommand =
  | { type: 'scale'; servers: number }
  | { type: 'signal'; signal: 'SIGKILL' | 'SIGSTOP' }
  | { type: 'stop' }
export type FleetMessage =
  | { type: 'listening'; port: number; apiPort: number }
  | { type: 'did'; what: string }

const [data, port, apiPort, apiKey, verbose] = process.argv.slice(2) as [
  string,
  string,
  string,
  string,
  string,
]
const send = (message: FleetMessage) => process.connected && process.send!(message)
process.on('SIGINT', () => {})
process.on('disconnect', () => process.exit(1))

let desired = 3
const supervisor = new Supervisor(
  {
    gateway: { port: Number(port), connectionsPerSecond: 10_000, connectionBurst: 10_000 },
    data,
    apiKeys: [{ name: 'chaos', key: apiKey }],
    chat: {
      auth: { anonymous: true },
      limits: { messagesPerSecond: 10_000, messageBurst: 10_000, outboxBytes: 65_536, maxBodyBytes: 20_000 },
    },
    autoScaler: new AutoScaler({
      policy: { name: 'chaos', evaluate: () => ({ servers: desired, reason: 'chaos says so' }) },
      minServers: 2,
      maxServers: 6,
      cooldown: 0,
      interval: 0.25,
    }),
    strategy: 'least-loaded',
    hangSeconds: 2,
    logger: lineLogger(verbose ? (line) => console.error(`   ${line}`) : () => {}),
  },
  createServer(notFound),
)
// The runner's dice decide, so the same seed picks the same servers by rank.
let rank = 0
process.on('message', (command: FleetCommand) => {
  switch (command.type) {
    case 'scale':
      desired = command.servers
      return
    case 'signal': {
      const { ready } = supervisor.fleet
      const victim = ready[rank++ % Math.max(1, ready.length)]
      if (victim) supervisor.servers.child(victim.id)?.kill(command.signal)
      send({ type: 'did', what: victim ? `server ${victim.id}` : 'nothing, no server was ready' })
      return
    }
    case 'stop':
      void supervisor.stop().then(() => process.exit(0))
  }
})
const api = createServer((request, response) => {
  if (!supervisor.rooms.serverApi?.handle(request, response)) response.writeHead(503).end()
})
const chatPort = await supervisor.start()
send({ type: 'listening', port: chatPort, apiPort: await listen(api, '127.0.0.1', Number(apiPort)) })
supervisor.run()
