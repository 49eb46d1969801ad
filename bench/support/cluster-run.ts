import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { virtualClock } from '../../src/base/clock.ts'
import type { FleetEvent, FleetSnapshot } from '../../src/control/control-target.ts'
import { VirtualUsers } from '../../src/load/virtual-users.ts'
import { latencySummary } from '../../src/metrics/metrics-collector.ts'
import type { LatencySummary } from '../../src/metrics/run-result.ts'
import { LocalEnvironment } from '../../src/pipeline/local-environment.ts'
import type { AutoScalerOptions } from '../../src/scaling/auto-scaler.ts'
import { type UserTrafficOptions, UserTrafficSource } from '../../src/traffic/user-traffic-source.ts'
import { type CheckReport, HistoryChecker } from '../../src/verify/checker.ts'
import { BUILT } from '../../test/run-cli.ts'
import { roomLogOf, startLogging, watchServers } from '../../test/support/cluster.ts'
import { startNats } from '../../test/support/nats.ts'
import { requireBuilt, sleep } from './processes.ts'

const NAME = 'forecast'

export interface ClusterRun {
  /** Seconds from launch to ready of the first server, before the users came. */
  readonly startupDelay: number
  readonly scaling: readonly { readonly time: number; readonly to: number }[]
  /** Desired servers, each second. */
  readonly servers: readonly number[]
  /** Seconds that servers existed, over all of them. */
  readonly serverSeconds: number
  readonly messages: number
  readonly latency: LatencySummary
  readonly checks: CheckReport
}

interface ClusterRunOptions {
  readonly seed: number
  readonly traffic: UserTrafficOptions
  readonly autoScaler: AutoScalerOptions
}

/** Virtual users behind a round-robin balancer, servers of one controller, three NATS nodes; messages cost what they do by default. */
export async function runCluster({ seed, traffic, autoScaler }: ClusterRunOptions): Promise<ClusterRun> {
  requireBuilt()
  const closing: (() => unknown)[] = []
  try {
    const folder = mkdtempSync(join(tmpdir(), 'forecast-'))
    closing.push(() => rmSync(folder, { recursive: true }))
    const config = join(folder, 'config.json')
    writeFileSync(config, JSON.stringify({ autoScaler, live: { work: true } }))
    const nats = await startNats()
    closing.push(() => nats.close())
    const watched = await watchServers(nats.url, NAME)
    closing.push(() => watched.close())
    const flags = ['--broker', nats.url, '--cluster-name', NAME, '--config', config]
    const controller = startLogging(['controller', ...flags, '--anonymous', '--control-port', '0'], BUILT)
    closing.push(() => controller.child.kill('SIGKILL'))
    const { url } = await controller.line((line) => line.url !== undefined)
    const ask = async <T>(path: string) => (await (await fetch(`${url}api/${path}`)).json()) as T
    while (![...watched.servers.values()].some(({ state }) => state === 'ready')) await sleep(0.1)
    await sleep(2)
    const before = await ask<FleetSnapshot>('state')

    const checker = new HistoryChecker()
    const rooms = new Set<string>()
    const users = new VirtualUsers({
      url: watched.url,
      name: 'user',
      onEvent: (event) => {
        if (event.type === 'join') rooms.add(event.room)
        checker.record(event)
      },
    })
    closing.push(() => users.end())
    const samples: FleetSnapshot[] = []
    const sampling = setInterval(() => {
      void ask<FleetSnapshot>('state').then((snapshot) => samples.push(snapshot))
    }, 1000)
    closing.push(() => clearInterval(sampling))
    await new LocalEnvironment('forecast', { clock: virtualClock({ pace: 1 }), seed })
      .fromBatch(UserTrafficSource, traffic)
      .sink(users)
      .submit()
    clearInterval(sampling)
    const events = await ask<FleetEvent[]>('events?after=0')
    await users.waitForDeliveries()
    const scaling = events.flatMap(({ kind, time, decision }) =>
      kind === 'scale' && time > before.time
        ? { time: Math.round(time - before.time), to: decision!.desired }
        : [],
    )
    return {
      startupDelay: before.provisioningDelay!,
      scaling,
      servers: samples.map(({ size }) => size),
      serverSeconds: samples.reduce((sum, { servers }) => sum + servers.length, 0),
      messages: users.counts.acked + users.counts.failed,
      latency: latencySummary(users.latency, 0),
      checks: checker.check(await roomLogOf(nats.url, { name: NAME }, rooms)),
    }
  } finally {
    for (const close of closing.reverse()) await close()
  }
}
