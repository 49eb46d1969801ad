import { virtualClock } from '../../base/clock.ts'
import { invalidInput } from '../../base/errors.ts'
import { signToken } from '../../chat/auth/sign.ts'
import { VirtualUsers } from '../../load/virtual-users.ts'
import { latencySummary } from '../../metrics/metrics-collector.ts'
import { LocalEnvironment } from '../../pipeline/local-environment.ts'
import { block, milliseconds, userLines } from '../../report/terminal.ts'
import { UserTrafficSource } from '../../traffic/user-traffic-source.ts'
import { HistoryChecker } from '../../verify/checker.ts'
import type { HistoryEvent } from '../../verify/events.ts'
import { readConfig } from '../config/config.ts'
import { seedOf } from '../flags.ts'
import { LineFile } from '../line-file.ts'
import { requirePromise } from './demo.ts'
import { type LoadFlags, loadPattern } from './simulate.ts'

export interface LoadCommandFlags extends LoadFlags {
  url: string
  config?: string
  seed?: string
  history?: string
  json?: boolean
}

/** `concertina load`: virtual users for a chat that runs elsewhere on this machine. */
export async function load(flags: LoadCommandFlags, signal: AbortSignal): Promise<void> {
  if (!/^wss?:$/.test(protocolOf(flags.url))) {
    throw invalidInput(
      'url',
      `${JSON.stringify(flags.url)} is not allowed`,
      'an address like ws://127.0.0.1:8080/chat',
    )
  }
  const config = flags.config === undefined ? {} : readConfig(flags.config)
  const pattern = loadPattern(flags, config)
  const duration = flags.duration ?? config.duration ?? pattern.duration
  const seed = seedOf(flags.seed) ?? config.seed ?? 42
  const secret = process.env.CONCERTINA_SECRET ?? config.live?.auth?.secret
  const history =
    flags.history === undefined ? undefined : new LineFile<HistoryEvent>('--history', flags.history)
  const checker = new HistoryChecker()
  const users = new VirtualUsers({
    url: flags.url,
    name: `load-${process.pid.toString(36)}${Date.now().toString(36)}`,
    token: secret === undefined ? undefined : (user) => signToken(secret, { user }),
    onEvent: (event) => {
      checker.take(event)
      history?.take(event)
    },
  })
  try {
    await new LocalEnvironment('virtual-users', { clock: virtualClock({ pace: 1 }), seed })
      .fromBatch(UserTrafficSource, { ...config.traffic, pattern, duration })
      .sink(users)
      .submit({ signal })
    await users.settle()
  } finally {
    users.end()
    history?.close()
  }
  const latency = latencySummary(users.latency, 0)
  const checks = checker.check()
  const live = { checks, ...users.counts, outage: latencySummary(users.outages, 0), failedServers: 0 }
  if (flags.json) {
    console.log(JSON.stringify({ ...users.counts, latency, outage: live.outage, checks }))
  } else {
    const { p50Ms, p95Ms, p99Ms } = latency
    console.log(
      block('📊 Virtual users', [
        [
          'Sent, acknowledged, given up',
          `${users.counts.sent}, ${users.counts.acked}, ${users.counts.failed}`,
        ],
        ['Latency', `p50 ${milliseconds(p50Ms)}, p95 ${milliseconds(p95Ms)}, p99 ${milliseconds(p99Ms)}`],
        ...userLines(live),
      ]),
    )
  }
  requirePromise(checks)
}

function protocolOf(url: string): string {
  try {
    return new URL(url).protocol
  } catch {
    return ''
  }
}
