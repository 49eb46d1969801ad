import { virtualClock } from '../../base/clock.ts'
import { ConcertinaError, invalidInput } from '../../base/errors.ts'
import { signToken } from '../../chat/auth/sign.ts'
import { VirtualUsers } from '../../load/virtual-users.ts'
import { latencySummary } from '../../metrics/metrics-collector.ts'
import { LocalEnvironment } from '../../pipeline/local-environment.ts'
import { block, milliseconds, userLines } from '../../report/terminal.ts'
import { UserTrafficSource } from '../../traffic/user-traffic-source.ts'
import { HistoryChecker } from '../../verify/checker.ts'
import type { HistoryEvent } from '../../verify/events.ts'
import { readConfig } from '../config/config.ts'
import { showReached } from '../count-progress.ts'
import { environment } from '../environment.ts'
import { type LogFlags, seedOf } from '../flags.ts'
import { LineFile } from '../line-file.ts'
import { requirePromise } from './demo.ts'
import { type LoadFlags, loadPattern } from './simulate.ts'

export interface LoadCommandFlags extends LoadFlags, LogFlags {
  url: string
  config?: string
  seed?: string
  history?: string
  json?: boolean
}

/** Seconds after which a run ends that no user has got into. */
const GIVE_UP_SECONDS = 10
/** Reasons of rejections that are printed. */
const MOST_LINES = 5

/** `concertina load`: virtual users for a chat that runs elsewhere on this machine. */
export async function load(flags: LoadCommandFlags, signal: AbortSignal): Promise<void> {
  if (!/^wss?:$/.test(protocolOf(flags.url))) {
    throw invalidInput(
      'url',
      `${JSON.stringify(flags.url)} is not allowed`,
      'an address like ws://127.0.0.1:8080/chat',
    )
  }
  const config = readConfig(flags.config)
  const pattern = loadPattern(flags, config)
  const duration = flags.duration ?? config.duration ?? pattern.duration
  const seed = seedOf(flags.seed) ?? config.seed ?? 42
  const secret = environment('CONCERTINA_SECRET') ?? config.live?.auth?.secret
  const history =
    flags.history === undefined ? undefined : new LineFile<HistoryEvent>('--history', flags.history)
  const checker = new HistoryChecker()
  const users = new VirtualUsers({
    url: flags.url,
    name: `load-${process.pid.toString(36)}${Date.now().toString(36)}`,
    token: secret === undefined ? undefined : (user) => signToken(secret, { user }),
    onEvent: (event) => {
      checker.record(event)
      history?.write(event)
    },
  })
  const given = givenUp(users)
  const began = performance.now()
  const progress = showReached(flags, () => {
    const seconds = Math.round((performance.now() - began) / 1000)
    const { sent, acked } = users.counts
    const text = `${seconds} of ${Math.ceil(duration)} s: ${users.size} users, ${acked} of ${sent} messages acknowledged`
    return { text, fields: { seconds, duration, users: users.size, sent, acked } }
  })
  try {
    await new LocalEnvironment('virtual-users', { clock: virtualClock({ pace: 1 }), seed })
      .fromBatch(UserTrafficSource, { ...config.traffic, pattern, duration })
      .sink(users)
      .submit({ signal: AbortSignal.any([signal, given.signal]) })
    if (users.counts.joined > 0) await users.waitForDeliveries()
  } finally {
    progress.end()
    given.end()
    users.end()
    history?.close()
  }
  const latency = latencySummary(users.latency, 0)
  const checks = checker.check()
  const live = { checks, ...users.counts, outage: latencySummary(users.outages, 0), failedServers: 0 }
  if (flags.json) {
    const rejections = Object.fromEntries(users.rejections)
    console.log(JSON.stringify({ ...users.counts, rejections, latency, outage: live.outage, checks }))
  } else if (!flags.quiet) {
    const { p50Ms, p95Ms, p99Ms } = latency
    console.log(
      block('📊 Virtual users', [
        [
          'Sent, acknowledged, given up',
          `${users.counts.sent}, ${users.counts.acked}, ${users.counts.failed}`,
        ],
        ['Latency', `p50 ${milliseconds(p50Ms)}, p95 ${milliseconds(p95Ms)}, p99 ${milliseconds(p99Ms)}`],
        ...userLines(live),
        ...rejected(users).map((line): [string, string] => ['Rejected', line]),
      ]),
    )
  }
  requireServed(flags.url, users)
  requirePromise(checks)
}

/** Ends a run that no user has got into. */
function givenUp(users: VirtualUsers): { signal: AbortSignal; end(): void } {
  const abort = new AbortController()
  let seconds = 0
  const timer = setInterval(() => {
    if (users.counts.users > 0) seconds++
    if (users.counts.joined > 0) clearInterval(timer)
    else if (seconds > GIVE_UP_SECONDS) abort.abort()
  }, 1000)
  return { signal: abort.signal, end: () => clearInterval(timer) }
}

/** What was rejected, the most frequent first. */
function rejected({ rejections }: VirtualUsers): string[] {
  const all = [...rejections].sort((a, b) => b[1] - a[1])
  const lines = all.slice(0, MOST_LINES).map(([why, count]) => `${count} × ${why}`)
  return all.length > MOST_LINES ? [...lines, `… and ${all.length - MOST_LINES} other reasons`] : lines
}

/** @throws {ConcertinaError} NOT_SERVED when the chat did nothing for these users. */
function requireServed(url: string, users: VirtualUsers): void {
  const { users: tried, joined, sent, acked } = users.counts
  if (tried === 0 || (joined > 0 && (sent === 0 || acked > 0))) return
  const what =
    joined === 0
      ? `none of ${tried} users could join the chat`
      : `none of ${sent} messages was acknowledged, though ${joined} of ${tried} users joined`
  throw new ConcertinaError('NOT_SERVED', [`${url}: ${what}`, ...rejected(users)].join('\n  '), {
    hint: 'the address that serve prints, its secret in CONCERTINA_SECRET or a chat for anonymous users, within its limits',
  })
}

function protocolOf(url: string): string {
  try {
    return new URL(url).protocol
  } catch {
    return ''
  }
}
