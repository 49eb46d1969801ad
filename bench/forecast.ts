/**
 * Whether the simulation predicts what the live fleet will do: the same config and seed in both worlds, side by side.
 * `npm run bench:forecast -- [seconds] [seed]`.
 */

import { exponential } from '../src/base/distribution.ts'
import { runLive } from '../src/live/run.ts'
import type { RunResult } from '../src/metrics/run-result.ts'
import { AutoScaler } from '../src/scaling/auto-scaler.ts'
import { runSimulation } from '../src/simulation/run.ts'
import { threePhase } from '../src/traffic/patterns/three-phase.ts'

const [duration = 40, seed = 42] = process.argv.slice(2).map(Number)
const options = () => ({
  pattern: threePhase({ duration, baseRate: 10, peakRate: 120 }),
  seed,
  traffic: { thinkTime: exponential(1), rooms: 12 },
  autoScaler: new AutoScaler({ scaleUpThreshold: 25, scaleDownThreshold: 12, cooldown: 3, maxServers: 8 }),
  balancer: { strategy: 'least-loaded' as const },
  server: { startupDelay: 0.5 },
})
const forecast = await runSimulation(options())
const live = await runLive(options())

const line = ({ scalingEvents }: RunResult) =>
  scalingEvents.map(({ time, to }) => `${to} at ${time} s`).join(', ')
console.log(`scaling, forecast  ${line(forecast)}`)
console.log(`scaling, live      ${line(live)}`)
const servers = ({ samples }: RunResult) => samples.map((sample) => sample.servers)
const [a, b] = [servers(forecast), servers(live)]
const apart = a.reduce((sum, each, i) => sum + Math.abs(each - (b[i] ?? each)), 0) / a.length
console.log(`servers apart      ${apart.toFixed(2)} on average over the run`)
const compare = (name: string, pick: (result: RunResult) => number, digits = 1) => {
  const [f, l] = [pick(forecast), pick(live)]
  const error = l === 0 ? 0 : ((f - l) / l) * 100
  console.log(
    `${name.padEnd(18)} ${f.toFixed(digits)} forecast, ${l.toFixed(digits)} live, ${error.toFixed(1)} % off`,
  )
}
compare('peak servers', (result) => result.peakServers, 0)
compare('scaling events', (result) => result.scalingEvents.length, 0)
compare('server-seconds', (result) => result.serverHours * 3600)
compare('utilization, %', (result) => result.utilization * 100, 2)
compare('messages', (result) => result.totalMessages, 0)
compare('latency p50, ms', (result) => result.latency.p50Ms)
compare('latency p95, ms', (result) => result.latency.p95Ms)
const { lost, doubled, reordered } = live.live!.checks
console.log(`live: ${lost} lost, ${doubled} doubled, ${reordered} reordered`)
