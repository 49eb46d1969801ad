/** `npm run fuzz -- [frames] [seed]`: mutated requests through the gateway of a live fleet; ends with 1 when anything broke. */
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { notFound } from '../src/live/control-http.ts'
import { Supervisor } from '../src/live/supervisor.ts'
import { AutoScaler } from '../src/scaling/auto-scaler.ts'
import { fuzz } from './support/fuzz.ts'

const [frames = '100000', seed = String(Date.now() % 100_000)] = process.argv.slice(2)
const policy = { name: 'two', evaluate: () => ({ servers: 2, reason: 'two for the fuzz' }) }
const supervisor = new Supervisor(
  {
    gateway: { port: 0, connectionsPerSecond: 100_000, connectionBurst: 100_000 },
    autoScaler: new AutoScaler({ policy, minServers: 2, maxServers: 2, interval: 0.5 }),
    chat: { auth: { anonymous: true } },
  },
  createServer(notFound),
)
const url = `ws://127.0.0.1:${await supervisor.start()}/chat`
supervisor.run()
while (supervisor.fleet.ready.length < 2) await sleep(50)

/** Megabytes that each server process has in memory, where the system shows it. */
function memory(): number[] {
  return supervisor.fleet.ready.map(({ id }) => {
    try {
      const status = readFileSync(`/proc/${supervisor.servers.child(id)?.pid}/status`, 'utf8')
      return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024)
    } catch {
      return Number.NaN
    }
  })
}

const before = memory()
const report = await fuzz(url, Number(frames), seed)
await sleep(1000)
const { bystander } = report
const broken = supervisor.failures > 0 || !bystander.inOrder || bystander.delivered !== bystander.acked
console.log(
  JSON.stringify({
    seed,
    ...report,
    memoryMb: { before, after: memory() },
    failedServers: supervisor.failures,
  }),
)
await supervisor.stop()
process.exitCode = broken ? 1 : 0
