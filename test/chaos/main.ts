/**
 * `npm run chaos -- [seconds] [seed] [users]`, or `npm run chaos -- --long [seed] [most seconds]`: at least 200 events and a million
 * acknowledged messages, or what there is of them when the time is over. With `--cluster` the same of a cluster: servers, controllers and
 * NATS nodes as processes of their own, from what was built. Ends early at Ctrl-C, with 1 when the promise of a room was broken.
 */
import { requireBuilt } from '../../bench/support/processes.ts'
import type { Histogram } from '../../src/base/histogram.ts'
import { BUILT } from '../run-cli.ts'
import { CLUSTER_KINDS, runClusterChaos } from './cluster-runner.ts'
import { KINDS, runChaos } from './runner.ts'

const long = process.argv.includes('--long')
const numbers = process.argv.slice(2).flatMap((each) => (each.startsWith('-') ? [] : [Number(each)]))
const [seconds = 60, seed = Date.now() % 100_000, users = 100] = long
  ? [numbers[1] ?? 3600, numbers[0], 400]
  : numbers
let interrupted = false
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    if (interrupted) process.exit(130)
    interrupted = true
  })
console.log(long ? `chaos: the long run, seed ${seed}` : `chaos: ${seconds} s, seed ${seed}, ${users} users`)
const options = {
  seconds,
  seed,
  users,
  every: long ? 1 : 2,
  // About as many as one process can send and check: beyond that its users would lose their connections for want of time.
  ...(long && { thinkTime: 0.25, roomSize: 4 }),
  enough: (acked: number, n: number) => interrupted || (long && acked >= 1e6 && n >= 200),
  write: (line: string) => console.log(line),
  verbose: process.env.VERBOSE !== undefined,
}
const cluster = process.argv.includes('--cluster')
if (cluster) requireBuilt()
/** Of a cluster, more of the messages come from users who never wait, and events at a pace that lets all of it recover in between. */
const inCluster = {
  ...options,
  program: BUILT,
  ...(long && { users: 100, every: 4, thinkTime: 0.5, crowd: { users: 50, rooms: 250, roomsOfUser: 10 } }),
}
const { checks, moved, failed, changes, ...ran } = await (cluster
  ? runClusterChaos(inCluster)
  : runChaos(options))
const events: ReadonlyMap<string, number> = ran.events
const gaps: ReadonlyMap<string, Histogram> = ran.gaps
const {
  sent,
  acked,
  delivered,
  lost,
  doubled,
  reordered,
  phantom,
  falseGaps,
  gaps: announced,
  findings,
} = checks
console.log(
  `\n${sent} sent, ${acked} acknowledged, ${failed} given up, ${delivered} delivered, ${moved} moved without a break`,
)
console.log('client-visible gap, milliseconds:')
for (const kind of cluster ? CLUSTER_KINDS : KINDS) {
  const gap = gaps.get(kind)
  const ms = (q: number) => (gap ? (gap.quantile(q) * 1000).toFixed(0) : '-').padStart(6)
  const times = String(events.get(kind) ?? 0).padStart(3)
  console.log(
    `  ${kind.padEnd(19)} ${times} times, ${String(gap?.count ?? 0).padStart(4)} users cut off, p50 ${ms(0.5)}, p99 ${ms(0.99)}`,
  )
}
console.log(
  `\n${lost} lost, ${doubled} doubled, ${reordered} reordered, ${phantom} made up, ${falseGaps} falsely announced as gone, ${announced} gaps`,
)
const wrong = changes.findings
console.log(`${changes.made} edits, deletions and API requests, ${wrong.length} shown otherwise`)
for (const finding of [...findings, ...wrong]) console.log(`  ${finding}`)
process.exitCode = lost + doubled + reordered + phantom + falseGaps + wrong.length > 0 ? 1 : 0
