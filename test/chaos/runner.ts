import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
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
import type { FleetCommand, FleetNews } from './fleet-process.ts'
import { SlowReaders } from './slow-reader.ts'

export const KINDS = [
  'kill-server',
  'stop-server',
  'scale-out',
  'scale-in',
  'slow-reader',
  'kill-supervisor',
] as const
type Kind = (typeof KINDS)[number]

export interface ChaosOptions {
  seed: number
  seconds: number
  users: number
  /** Seconds between two events, on average. */
  every: number
  kinds?: readonly Kind[]
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

const MODULE = fileURLToPath(new URL('./fleet-process.ts', import.meta.url))
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** A fleet in a process of its own, which is killed and comes again on the same port and folder. */
class ChaosFleet {
  readonly #data: string
  readonly #verbose: boolean
  #child!: ChildProcess
  port = 0

  constructor(data: string, verbose: boolean) {
    this.#data = data
    this.#verbose = verbose
  }

  async start(): Promise<void> {
    const args = [this.#data, String(this.port), this.#verbose ? 'verbose' : '']
    this.#child = fork(MODULE, args, { execArgv: ['--import', import.meta.resolve('tsx')] })
    const [news] = (await once(this.#child, 'message')) as [FleetNews]
    if (news.type === 'listening') this.port = news.port
  }

  tell(command: FleetCommand): void {
    if (this.#child.connected) this.#child.send(command)
  }

  async killAndStart(): Promise<void> {
    this.#child.kill('SIGKILL')
    await once(this.#child, 'exit')
    await this.start()
  }

  async stop(): Promise<number | null> {
    this.tell({ type: 'stop' })
    const [status] = (await once(this.#child, 'exit')) as [number | null]
    return status
  }
}

/** What cut a connection at `from`: a kill just then, else a frozen server that was found out, else what was last. */
function causeOf(from: number, happened: readonly { kind: Kind; at: number }[]): Kind | undefined {
  const within = (ms: number, ...kinds: Kind[]) =>
    happened.findLast(({ kind, at }) => kinds.includes(kind) && at <= from && at > from - ms)?.kind
  return (
    within(300, 'kill-server', 'kill-supervisor') ??
    within(5000, 'stop-server') ??
    happened.findLast(({ at }) => at <= from)?.kind
  )
}

function* messagesOf(folder: string): Iterable<LoggedMessage> {
  for (const { messages } of scanLog(folder)) yield* messages
}

/** Users talk while servers are killed, frozen, added and taken away; tells what the users and the log say of it. */
export async function runChaos(options: ChaosOptions): Promise<ChaosReport> {
  const { seed, seconds, users: load, every, kinds = KINDS, write = () => {}, verbose = false } = options
  const rng = seededRng(seed).stream('chaos')
  const data = mkdtempSync(join(tmpdir(), 'chaos-'))
  const fleet = new ChaosFleet(data, verbose)
  await fleet.start()
  const url = `ws://127.0.0.1:${fleet.port}/chat`
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
  const traffic = new LocalEnvironment('chaos', { clock: virtualClock({ pace: 1 }), seed })
    .fromBatch(UserTrafficSource, {
      pattern: constant({ users: load }),
      duration: seconds,
      thinkTime: exponential(0.5),
      session: exponential(20),
      rooms: Math.max(1, Math.round(load / 10)),
    })
    .sink(users)
    .submit()
  let servers = 3
  const acts: Record<Kind, () => Promise<void> | void> = {
    'kill-server': () => fleet.tell({ type: 'signal', signal: 'SIGKILL' }),
    'stop-server': () => fleet.tell({ type: 'signal', signal: 'SIGSTOP' }),
    'scale-out': () => {
      servers = Math.min(6, servers + 1 + rng.below(3))
      fleet.tell({ type: 'scale', servers })
    },
    'scale-in': () => {
      servers = Math.max(2, servers - 1 - rng.below(3))
      fleet.tell({ type: 'scale', servers })
    },
    'slow-reader': () => slow!.act(),
    'kill-supervisor': async () => {
      await fleet.killAndStart()
      servers = 3
    },
  }
  try {
    const until = performance.now() + seconds * 1000
    let shouting: Promise<void> = Promise.resolve()
    let done = false
    void traffic.then(() => {
      done = true
    })
    for (let n = 0; !done; n++) {
      await sleep(n === 0 ? 1500 : rng.exponential(every) * 1000)
      if (done || performance.now() > until - 1000) break
      // Every kind comes once before the dice decide alone.
      const kind = kinds[n < kinds.length ? n : rng.below(kinds.length)]!
      events.set(kind, (events.get(kind) ?? 0) + 1)
      happened.push({ kind, at: performance.now() })
      write(`${((performance.now() - until) / 1000 + seconds).toFixed(1)} s: ${kind}`)
      if (kind === 'slow-reader') {
        await shouting
        shouting = slow!.act()
      } else {
        await acts[kind]()
      }
    }
    await traffic
    await shouting
    await users.settle()
    await slow?.settle()
    users.end()
    slow?.end()
    const status = await fleet.stop()
    if (status !== 0) throw new Error(`the fleet ended with status ${status}`)
    const checks = checker.check(messagesOf(data))
    return { checks, events, gaps, moved: users.counts.moved, failed: users.counts.failed }
  } finally {
    users.end()
    slow?.end()
    rmSync(data, { recursive: true, force: true })
  }
}
