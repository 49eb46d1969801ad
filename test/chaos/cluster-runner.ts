import { setTimeout as sleep } from 'node:timers/promises'
import { virtualClock } from '../../src/base/clock.ts'
import { exponential } from '../../src/base/distribution.ts'
import { Histogram } from '../../src/base/histogram.ts'
import { seededRng } from '../../src/base/rng.ts'
import { connectNats } from '../../src/chat/log/nats/connection.ts'
import { NatsRoomLog } from '../../src/chat/log/nats/nats-room-log.ts'
import { VirtualUsers } from '../../src/load/virtual-users.ts'
import { LocalEnvironment } from '../../src/pipeline/local-environment.ts'
import { constant } from '../../src/traffic/patterns/constant.ts'
import { UserTrafficSource } from '../../src/traffic/user-traffic-source.ts'
import { type CheckReport, HistoryChecker, type LoggedMessage } from '../../src/verify/checker.ts'
import { type ClusterProcess, startLogging, watchServers } from '../support/cluster.ts'
import { startNats } from '../support/nats.ts'
import { CuttingProxy } from './cutting-proxy.ts'

export const CLUSTER_KINDS = [
  'roll-server',
  'kill-server',
  'kill-controller',
  'kill-stream-leader',
  'reset-broker-links',
  'pause-server',
  'pause-controller',
  'pause-stream-leader',
  'cut-broker-links',
] as const
type Kind = (typeof CLUSTER_KINDS)[number]

export interface ClusterChaosOptions {
  seed: number
  seconds: number
  users: number
  /** Seconds between two events, on average. */
  every: number
  thinkTime?: number
  /** Ends the run early when it returns true, at any event. */
  enough?: (acked: number, events: number) => boolean
  write?: (line: string) => void
}

export interface ClusterChaosReport {
  readonly checks: CheckReport
  readonly events: ReadonlyMap<Kind, number>
  /** Seconds that users were without a connection, by what happened last before. */
  readonly gaps: ReadonlyMap<Kind, Histogram>
  readonly moved: number
  readonly failed: number
}

const NAME = 'chaos'
const SERVERS = 3

/** The whole room log of a run, room by room. */
async function logOf(broker: string, rooms: Iterable<string>): Promise<LoggedMessage[]> {
  const nats = await connectNats(broker, 'test')
  const log = await NatsRoomLog.open(nats, { name: NAME })
  const messages: LoggedMessage[] = []
  try {
    for (const room of rooms) {
      for (let at = 0; ; ) {
        const { entries } = await log.read(room, at, 1000)
        if (entries.length === 0) break
        for (const { payload } of entries) messages.push(JSON.parse(payload.toString()) as LoggedMessage)
        at = entries.at(-1)!.seq
      }
    }
    return messages
  } finally {
    await log.close()
    await nats.connection.close()
  }
}

/**
 * Users talk through a load balancer to servers around three NATS nodes, while servers, controllers, nodes and the connections
 * between them are killed, paused and cut; returns what the users and the room log say of it.
 */
export async function runClusterChaos(options: ClusterChaosOptions): Promise<ClusterChaosReport> {
  const { seed, seconds, users: load, every, thinkTime = 0.5, write = () => {} } = options
  const rng = seededRng(seed).stream('cluster chaos')
  const closing: (() => unknown)[] = []
  try {
    const nats = await startNats()
    closing.push(() => nats.close())
    const links: CuttingProxy[] = []
    const ports: number[] = []
    for (const { url } of nats.nodes) {
      const link = new CuttingProxy(() => Number(new URL(url).port))
      closing.push(() => link.close())
      links.push(link)
      ports.push(await link.listen())
    }
    const broker = `nats://${ports.map((port) => `127.0.0.1:${port}`).join()}`
    const cluster = await watchServers(nats.url, NAME)
    closing.push(() => cluster.close())
    const controllers: ClusterProcess[] = []
    const startController = () => {
      const flags = ['--broker', broker, '--cluster-name', NAME, '--anonymous', '--control-port', '0']
      flags.push(
        '--min-servers',
        `${SERVERS}`,
        '--max-servers',
        `${SERVERS + 2}`,
        '--scale-up-threshold',
        `${load}`,
      )
      controllers.push(startLogging(['controller', ...flags]))
    }
    closing.push(() => {
      for (const { child } of controllers) child.kill('SIGKILL')
    })
    startController()
    startController()
    for (const until = Date.now() + 60_000; cluster.servers.size < SERVERS; await sleep(100))
      if (Date.now() > until) throw new Error('the servers did not start')

    const checker = new HistoryChecker()
    const rooms = new Set<string>()
    const gaps = new Map<Kind, Histogram>()
    const happened: { kind: Kind; at: number }[] = []
    const users = new VirtualUsers({
      url: cluster.url,
      name: NAME,
      onEvent: (event) => {
        if (event.type === 'join') rooms.add(event.room)
        checker.take(event)
      },
      onOutage: (from, to) => {
        const cause = happened.findLast(({ at }) => at <= from)?.kind
        if (!cause) return
        if (!gaps.has(cause)) gaps.set(cause, new Histogram())
        gaps.get(cause)!.record((to - from) / 1000)
      },
    })
    closing.push(() => users.end())
    const ending = new AbortController()
    const traffic = new LocalEnvironment('cluster-chaos', { clock: virtualClock({ pace: 1 }), seed })
      .fromBatch(UserTrafficSource, {
        pattern: constant({ users: load }),
        duration: seconds,
        thinkTime: exponential(thinkTime),
        session: exponential(20),
        rooms: Math.max(1, Math.round(load / 10)),
      })
      .sink(users)
      .submit({ signal: ending.signal })

    const aServer = () => {
      const ready = [...cluster.servers.values()].filter(({ state }) => state === 'ready')
      return ready[rng.below(ready.length)]
    }
    const pausing = new Set<Promise<void>>()
    const pause = (signal: (how: NodeJS.Signals) => unknown, ms: number) => {
      signal('SIGSTOP')
      const done = sleep(ms).then(() => {
        signal('SIGCONT')
        pausing.delete(done)
      })
      pausing.add(done)
    }
    const streamLeader = async () =>
      (await nats.leaderOf(`${NAME}_0`).catch(() => undefined)) ?? nats.nodes[rng.below(nats.nodes.length)]!
    /** The oldest one: it leads, unless it has just been paused. */
    const controller = () => controllers[0]!
    const acts: Record<Kind, () => Promise<void> | void> = {
      'roll-server': () => {
        const server = aServer()
        if (server) cluster.signal(server, 'SIGTERM')
      },
      'kill-server': () => {
        const server = aServer()
        if (server) cluster.signal(server, 'SIGKILL')
      },
      'pause-server': () => {
        const server = aServer()
        if (server) pause((how) => cluster.signal(server, how), 1000 + rng.below(4000))
      },
      'kill-controller': () => {
        controllers.shift()!.child.kill('SIGKILL')
        startController()
      },
      'pause-controller': () => {
        const { child } = controller()
        pause((how) => child.kill(how), 2000 + rng.below(4000))
      },
      'kill-stream-leader': async () => {
        // A second node at once would leave no majority, and nothing to prove.
        await Promise.all(pausing)
        const leader = await streamLeader()
        leader.process.kill('SIGKILL')
        await sleep(1500)
        await nats.restart(leader)
      },
      'pause-stream-leader': async () => {
        const leader = await streamLeader()
        pause((how) => leader.process.kill(how), 1000 + rng.below(4000))
        await Promise.all(pausing)
      },
      'reset-broker-links': () => {
        for (const link of links) link.reset()
      },
      'cut-broker-links': async () => {
        for (const link of links) link.freeze(0.5)
        await sleep(2000)
        for (const link of links) link.thaw()
      },
    }
    const events = new Map<Kind, number>()
    const began = performance.now()
    let done = false
    void traffic.finally(() => {
      done = true
    })
    for (let n = 0; !done; n++) {
      await sleep(n === 0 ? 1500 : rng.exponential(every) * 1000)
      if (done || performance.now() > began + (seconds - 1) * 1000) break
      if (options.enough?.(users.counts.acked, n)) break
      const kind = CLUSTER_KINDS[n < CLUSTER_KINDS.length ? n : rng.below(CLUSTER_KINDS.length)]!
      events.set(kind, (events.get(kind) ?? 0) + 1)
      happened.push({ kind, at: performance.now() })
      const time = ((performance.now() - began) / 1000).toFixed(1)
      write(`${time} s: ${kind}, ${users.counts.acked} acknowledged, ${cluster.servers.size} servers`)
      await acts[kind]()
    }
    if (options.enough) ending.abort()
    await traffic
    await Promise.all(pausing)
    await users.settle()
    users.end()
    const checks = checker.check(await logOf(nats.url, rooms))
    return { checks, events, gaps, moved: users.counts.moved, failed: users.counts.failed }
  } finally {
    for (const close of closing.reverse()) await close()
  }
}
