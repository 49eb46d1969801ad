/**
 * Messages/s of the simulator, end to end, and how it grows with messages, servers and users; then every trace
 * in a folder. `npm run bench:simulate -- [folder of traces]`
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { exponential } from '../src/base/distribution.ts'
import { runSimulation } from '../src/simulation/run.ts'
import { constant } from '../src/traffic/patterns/constant.ts'
import { readTrace, tracePattern } from '../src/traffic/traces/trace.ts'

interface Case {
  readonly name: string
  readonly messages: number
  readonly servers: number
  readonly users: number
}

async function measure({ name, messages, servers, users }: Case): Promise<void> {
  const perSecond = servers * 50 // 50 messages/s of 20 ms on 2 slots: half busy
  const duration = messages / perSecond
  const started = performance.now()
  const result = await runSimulation({
    pattern: constant({ users, duration }),
    // A session is a hundred messages long, so that the work of a message is the same for any number of users.
    traffic: { thinkTime: exponential(users / perSecond), session: exponential((100 * users) / perSecond) },
    autoScaler: { minServers: servers, maxServers: servers, interval: duration / 100 },
    server: { concurrency: 2, serviceTime: exponential(0.02) },
  })
  const seconds = (performance.now() - started) / 1000
  const rate = (result.totalMessages / seconds / 1e6).toFixed(2)
  console.log(
    `${name.padEnd(34)} ${rate.padStart(6)} M messages/s  (${result.totalMessages} in ${seconds.toFixed(2)} s)`,
  )
}

async function traces(folder: string): Promise<void> {
  const started = performance.now()
  let messages = 0
  for (const file of readdirSync(folder)
    .filter((name) => name.endsWith('.csv'))
    .sort()) {
    const trace = readTrace(join(folder, file))
    const last = trace.times.at(-1)!
    // Each trace plays whole in 12 hours of virtual time, scaled so that its 99.9th percentile needs 40 servers.
    const sorted = Float64Array.from(trace.values).sort()
    const scale = (40 * 25) / sorted[Math.floor(sorted.length * 0.999)]!
    const pattern = tracePattern(trace, { speed: last / 43_200, scale })
    const at = performance.now()
    const result = await runSimulation({
      pattern,
      autoScaler: { scaleUpThreshold: 25, maxServers: 100, maxStepUp: 10 },
      traffic: { thinkTime: exponential(2) },
    })
    messages += result.totalMessages
    const seconds = ((performance.now() - at) / 1000).toFixed(2)
    console.log(
      `${file.padEnd(34)} ${seconds.padStart(6)} s  ${result.totalMessages} messages, peak ${result.peakServers} servers`,
    )
  }
  const seconds = ((performance.now() - started) / 1000).toFixed(1)
  console.log(`all traces: ${(messages / 1e6).toFixed(0)} M messages in ${seconds} s`)
}

await measure({ name: 'warm-up', messages: 2e6, servers: 10, users: 1000 })
for (const messages of [1e6, 4e6, 16e6]) {
  await measure({ name: `${messages / 1e6} M messages`, messages, servers: 10, users: 1000 })
}
for (const servers of [2, 20, 200]) {
  await measure({ name: `${servers} servers`, messages: 8e6, servers, users: 10_000 })
}
for (const users of [100, 10_000, 1_000_000]) {
  await measure({ name: `${users} users`, messages: 8e6, servers: 20, users })
}
const folder = process.argv[2]
if (folder) await traces(folder)
console.log(`peak memory: ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB`)
