import { virtualClock } from '../../src/base/clock.ts'
import { exponential } from '../../src/base/distribution.ts'
import { Histogram } from '../../src/base/histogram.ts'
import { seededRng } from '../../src/base/rng.ts'
import { scanLog } from '../../src/chat/log/embedded/recovery.ts'
import { VirtualUsers } from '../../src/load/virtual-users.ts'
import { LocalEnvironment } from '../../src/pipeline/local-environment.ts'
import { constant } from '../../src/traffic/patterns/constant.ts'
import { UserTrafficSource } from '../../src/traffic/user-traffic-source.ts'
import { type CheckReport, HistoryChecker, type LoggedMessage } from '../../src/verify/checker.ts'
import { ChaosFleet } from './chaos-fleet.ts'
import { CuttingProxy } from './cutting-proxy.ts'
import { SlowReaders } from './slow-reader.ts'
import { SmallDisk } from './small-disk.ts'

export const KINDS = [
  'kill-server',
  'stop-server',
  'scale-out',
  'scale-in',
  'slow-reader',
  'kill-supervisor',
  'pause-supervisor',
  'pause-all',
  'proxy-reset',
  'half-open',
  'disk-full',
] as const
type Kind = (typeof KINDS)[number]

export interface ChaosOptions {
  seed: number
  seconds: number
  users: number
  /** Seconds between two events, on average. */
  every: number
  kinds?: readonly Kind[]
  /** Mean seconds between two messages of a user; default 0.5. */
  thinkTime?: number
  /** Ends the run early when it returns true, at any event. */
  enough?: (acked: number, events: number) => boolean
  write?: (line: string) => void
  verbose?: boolean
}

export interface ChaosReport {
  readonly checks: CheckReport
  readonly events: ReadonlyMap<Kind, number>
  /** Seconds that users were without a connection, by what happened last before. */
  readonly gaps: ReadonlyMap<Kind, Histogram>
  readonly moved: number
  readonly failed: number
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** What cut a connection at `from`: a kill just then, else a frozen server that was found out, else what was last. */
function causeOf(from: number, happened: readonly { kind: Kind; at: number }[]): Kind | undefined {
  const within = (ms: number, ...kinds: Kind[]) =>
    happened.findLast(({ kind, at }) => kinds.includes(kind) && at <= from && at > from - ms)?.kind
  return (
    within(300, 'kill-server', 'kill-supervisor', 'proxy-reset') ??
    within(5000, 'stop-server') ??
    within(10_000, 'pause-supervisor', 'pause-all') ??
    happened.findLast(({ at }) => at <= from)?.kind
  )
}

function* messagesOf(folder: string): Iterable<LoggedMessage> {
  for (const { messages } of scanLog(folder)) yield* messages
}

/** Users talk through a proxy while everything is killed, paused, cut off or filled; returns what the users and the log say of it. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { seed, seconds, users: load, every, thinkTime = 0.5, write = () => {}, verbose = false } = options
  const rng = seededRng(seed).stream('chaos')
  const disk = new SmallDisk()
  const kinds = (options.kinds ?? KINDS).filter((kind) => kind !== 'disk-full' || disk.canFill)
  if (!disk.canFill) write('no disk-full: this process may not mount a disk of its own')
  const fleet = new ChaosFleet(disk.folder, verbose)
  await fleet.start()
  const proxy = new CuttingProxy(() => fleet.port)
  const url = `ws://127.0.0.1:${await proxy.listen()}/chat`
  const checker = new HistoryChecker()
  const gaps = new Map<Kind, Histogram>()
  const events = new Map<Kind, number>()
  const happened: { kind: Kind; at: number }[] = []
  const name = 'chaos'
  const users = new VirtualUsers({
    url,
    name,
    onEvent: (event) => checker.take(event),
    onOutage: (from, to) => {
      const cause = causeOf(from, happened)
      if (!cause) return
      if (!gaps.has(cause)) gaps.set(cause, new Histogram())
      gaps.get(cause)!.record((to - from) / 1000)
    },
  })
  const slow = kinds.includes('slow-reader')
    ? new SlowReaders(url, name, (event) => checker.take(event))
    : undefined
  const ending = new AbortController()
  const traffic = new LocalEnvironment('chaos', { clock: virtualClock({ pace: 1 }), seed })
    .fromBatch(UserTrafficSource, {
      pattern: constant({ users: load }),
      duration: seconds,
      thinkTime: exponential(thinkTime),
      session: exponential(20),
      rooms: Math.max(1, Math.round(load / 10)),
    })
    .sink(users)
    .submit({ signal: ending.signal })
  let servers = 3
  let shouting: Promise<void> = Promise.resolve()
  const acts: Record<Kind, () => Promise<void> | void> = {
    'kill-server': () => fleet.send({ type: 'signal', signal: 'SIGKILL' }),
    'stop-server': () => fleet.send({ type: 'signal', signal: 'SIGSTOP' }),
    'scale-out': () => {
      servers = Math.min(6, servers + 1 + rng.below(3))
      fleet.send({ type: 'scale', servers })
    },
    'scale-in': () => {
      servers = Math.max(2, servers - 1 - rng.below(3))
      fleet.send({ type: 'scale', servers })
    },
    'slow-reader': async () => {
      await shouting
      shouting = slow!.act()
    },
    'kill-supervisor': async () => {
      await fleet.killAndStart()
      servers = 3
    },
    'pause-supervisor': () => fleet.pause(500 + rng.below(3000), false),
    'pause-all': () => fleet.pause(500 + rng.below(6000), true),
    'proxy-reset': () => proxy.reset(),
    'half-open': () => proxy.freeze(0.25),
    'disk-full': async () => {
      disk.fill()
      await sleep(300 + rng.below(2000))
      disk.empty()
    },
  }
  try {
    const began = performance.now()
    let done = false
    void traffic.then(() => {
      done = true
    })
    for (let n = 0; !done; n++) {
      await sleep(n === 0 ? 1500 : rng.exponential(every) * 1000)
      if (done || performance.now() > began + (seconds - 1) * 1000) break
      if (options.enough?.(users.counts.acked, n)) break
      // Every kind comes once before the dice decide alone.
      const kind = kinds[n < kinds.length ? n : rng.below(kinds.length)]!
      events.set(kind, (events.get(kind) ?? 0) + 1)
      happened.push({ kind, at: performance.now() })
      write(
        `${((performance.now() - began) / 1000).toFixed(1)} s: ${kind}, ${users.counts.acked} acknowledged`,
      )
      await acts[kind]()
    }
    if (options.enough) ending.abort()
    await traffic
    await shouting
    proxy.thaw()
    await users.settle()
    await slow?.settle()
    users.end()
    slow?.end()
    const status = await fleet.stop()
    if (status !== 0) throw new Error(`the fleet ended with status ${status}`)
    const checks = checker.check(messagesOf(disk.folder))
    return { checks, events, gaps, moved: users.counts.moved, failed: users.counts.failed }
  } finally {
    users.end()
    slow?.end()
    proxy.close()
    disk.remove()
  }
}
