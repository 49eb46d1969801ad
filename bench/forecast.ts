/**
 * Whether the simulation predicts what a live fleet, or with `--cluster` a cluster, will do: the same config and seed in both worlds,
 * side by side. `npm run bench:forecast -- [--cluster] [seconds] [seed]`.
 */

import { exponential } from '../src/base/distribution.ts'
import { runLive } from '../src/live/run.ts'
import type { LatencySummary, RunResult } from '../src/metrics/run-result.ts'
import { AutoScaler } from '../src/scaling/auto-scaler.ts'
import { runSimulation } from '../src/simulation/run.ts'
import { threePhase } from '../src/traffic/patterns/three-phase.ts'
import type { CheckReport } from '../src/verify/checker.ts'
import { runCluster } from './support/cluster-run.ts'

const inCluster = process.argv.includes('--cluster')
const [duration = 40, seed = 42] = process.argv
  .slice(2)
  .filter((each) => !each.startsWith('--'))
  .map(Number)
const pattern = threePhase({ duration, baseRate: 10, peakRate: 120 })
const traffic = { thinkTime: exponential(1), rooms: 12 }
const autoScaler = { scaleUpThreshold: 25, scaleDownThreshold: 12, cooldown: 3, maxServers: 8 }
const options = (startupDelay = 0.5) => ({
  pattern,
  seed,
  traffic,
  autoScaler: new AutoScaler(autoScaler),
  balancer: { strategy: 'least-loaded' as const },
  server: { startupDelay },
})

/** What is compared. */
interface Outcome {
  readonly scaling: readonly { readonly time: number; readonly to: number }[]
  /** Desired servers, each second. */
  readonly servers: readonly number[]
  /** Seconds that servers existed, over all of them. */
  readonly serverSeconds: number
  /** Busy share of the concurrency of ready servers, where it is measured. */
  readonly utilization?: number
  readonly messages: number
  readonly latency: LatencySummary
}

const outcomeOf = (result: RunResult): Outcome => ({
  scaling: result.scalingEvents,
  servers: result.samples.map(({ servers }) => servers),
  serverSeconds: result.serverHours * 3600,
  utilization: result.utilization,
  messages: result.totalMessages,
  latency: result.latency,
})

async function liveOutcome() {
  const live = await runLive(options())
  return { ...outcomeOf(live), checks: live.live!.checks }
}

async function clusterOutcome() {
  const outcome = await runCluster({ seed, traffic: { ...traffic, pattern, duration }, autoScaler })
  console.log(`a server starts in  ${outcome.startupDelay.toFixed(1)} s`)
  return outcome
}

const clusterRun = inCluster ? await clusterOutcome() : undefined
const real: Outcome & { checks: CheckReport } = clusterRun ?? (await liveOutcome())
const forecast = outcomeOf(await runSimulation(options(clusterRun?.startupDelay)))

const world = inCluster ? 'cluster' : 'live'
const line = ({ scaling }: Outcome) => scaling.map(({ time, to }) => `${to} at ${time} s`).join(', ')
console.log(`scaling, forecast  ${line(forecast)}`)
console.log(`scaling, ${world.padEnd(9)} ${line(real)}`)
const apart =
  forecast.servers.reduce((sum, each, i) => sum + Math.abs(each - (real.servers[i] ?? each)), 0) /
  forecast.servers.length
console.log(`servers apart      ${apart.toFixed(2)} on average over the run`)
const compare = (name: string, pick: (outcome: Outcome) => number, digits = 1) => {
  const [f, r] = [pick(forecast), pick(real)]
  const error = r === 0 ? 0 : ((f - r) / r) * 100
  console.log(
    `${name.padEnd(18)} ${f.toFixed(digits)} forecast, ${r.toFixed(digits)} ${world}, ${error.toFixed(1)} % off`,
  )
}
compare('peak servers', ({ servers }) => Math.max(...servers), 0)
compare('scaling events', ({ scaling }) => scaling.length, 0)
compare('server-seconds', ({ serverSeconds }) => serverSeconds)
if (real.utilization !== undefined)
  compare('utilization, %', ({ utilization }) => (utilization ?? Number.NaN) * 100, 2)
compare('messages', ({ messages }) => messages, 0)
compare('latency p50, ms', ({ latency }) => latency.p50Ms)
compare('latency p95, ms', ({ latency }) => latency.p95Ms)
const { lost, doubled, reordered } = real.checks
console.log(`${world}: ${lost} lost, ${doubled} doubled, ${reordered} reordered`)
