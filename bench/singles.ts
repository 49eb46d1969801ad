/**
 * Messages one at a time, as people type: an open loop of single messages from random users in rooms of 100 and of 10, in
 * which nothing can be gathered unless the server does. `npm run bench:singles -- [seconds] [rounds] [deliveries/s]`
 * prints CPU microseconds of all processes of each server per delivery, least and most of the rounds, and how long a message
 * took to the others, from when it was due. Clients and servers share the machine. `--only=Concertina,Socket.IO` leaves out
 * those whose names begin otherwise. Centrifugo and uWebSockets take part where `bench/peers/` has built them.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seededRng } from '../src/base/rng.ts'
import { centrifugo, concertina, type Dialect, eachLine, json, socketIo } from './support/dialects.ts'
import { isBuilt, type Peer, startPeer } from './support/peers.ts'
import { cpuSeconds, sleep, start, stop, withServers } from './support/processes.ts'
import { RawClient } from './support/raw-client.ts'

const isOption = (argument: string) => argument.startsWith('--only=')
const [seconds = 5, rounds = 3, ...rates] = process.argv
  .slice(2)
  .filter((each) => !isOption(each))
  .map(Number)
const only = process.argv.find(isOption)?.slice('--only='.length).split(',')
const CLIENTS = 1000

interface Round {
  /** CPU microseconds per delivery, of all processes, and of ours without the supervisor. */
  readonly cpu: number
  readonly server: number
  readonly p50: number
  readonly p99: number
  /** Share of the deliveries that were due. */
  readonly delivered: number
}

const quantile = (sorted: readonly number[], q: number) =>
  sorted[Math.floor(q * (sorted.length - 1))] ?? Number.NaN

async function measure(
  port: number,
  pid: number,
  dialect: Dialect,
  members: number,
  perSecond: number,
): Promise<Round> {
  const pids = withServers(pid)
  const rng = seededRng(`singles ${members} ${perSecond}`)
  let deliveries = 0
  const due = new Map<string, number>()
  let latencies: number[] = []
  const roomOf = (i: number) => `room-${Math.floor(i / members)}`
  const clients = await Promise.all(
    Array.from({ length: CLIENTS }, async (_, i) => {
      const client = await RawClient.open(port, dialect.path)
      const isProbe = i % members === 0
      const onMessage = (data: Buffer, from: number, to: number) => {
        if (!dialect.isDelivery(data, from)) return
        deliveries++
        if (!isProbe) return
        const id = dialect.idOf(data, from, to)
        latencies.push(performance.now() - (due.get(id) ?? Number.NaN))
        due.delete(id)
      }
      client.onFrame = dialect.lines ? eachLine(onMessage) : onMessage
      dialect.join(client, roomOf(i), `user-${i}`)
      return client
    }),
  )
  await sleep(1)
  let next = performance.now()
  let sent = 0
  const offer = async (forSeconds: number) => {
    const end = performance.now() + forSeconds * 1000
    for (let now = performance.now(); now < end; now = performance.now()) {
      while (next <= now) {
        const i = Math.floor(rng.next() * CLIENTS)
        const id = `${sent++}`
        due.set(id, next)
        dialect.send(clients[i]!, roomOf(i), id)
        next += -Math.log(1 - rng.next()) * ((1000 * members) / perSecond)
      }
      await sleep(0.001)
    }
  }
  await offer(4)
  const cpu = pids.map(cpuSeconds)
  const [deliveriesBefore, sentBefore] = [deliveries, sent]
  latencies = []
  await offer(seconds)
  const used = pids.map((each, i) => cpuSeconds(each) - cpu[i]!)
  const count = deliveries - deliveriesBefore
  const offered = (sent - sentBefore) * members
  const sorted = latencies.sort((a, b) => a - b)
  for (const client of clients) client.close()
  return {
    cpu: (1e6 * used.reduce((sum, each) => sum + each, 0)) / count,
    server: (1e6 * (used[1] ?? used[0]!)) / count,
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    delivered: count / offered,
  }
}

interface Running {
  readonly port: number
  readonly pid: number
  stop(): Promise<void>
}

async function startModule(module: string, args: readonly string[], cleanUp?: () => void): Promise<Running> {
  const { child, first } = await start<{ port: number }>(`support/${module}.ts`, args)
  return {
    port: first.port,
    pid: child.pid!,
    stop: async () => {
      await stop(child)
      cleanUp?.()
    },
  }
}

function startOnDisk(): Promise<Running> {
  const data = mkdtempSync(join(tmpdir(), 'singles-'))
  return startModule('fleet-process', ['1', data], () => rmSync(data, { recursive: true, force: true }))
}

interface Variant {
  readonly name: string
  readonly dialect: Dialect
  start(): Promise<Running>
}

const baseline = (kind: string) => () => startModule('baseline-process', [kind])
const peer = (name: Peer, dialect: Dialect): Variant[] =>
  isWanted(name) && isBuilt(name) ? [{ name, dialect, start: () => startPeer(name) }] : []
const isWanted = (name: string) => !only || only.some((each) => name.startsWith(each))

const variants: Variant[] = [
  { name: 'Concertina, on disk', dialect: concertina, start: startOnDisk },
  {
    name: 'Concertina, in memory',
    dialect: concertina,
    start: () => startModule('fleet-process', ['1']),
  },
  { name: 'ws, frame once', dialect: json, start: baseline('ws-frame-once') },
  { name: 'ws, client.send', dialect: json, start: baseline('ws') },
  { name: 'Socket.IO', dialect: socketIo, start: baseline('socket.io') },
  ...peer('Centrifugo', centrifugo),
  ...peer('uWebSockets', json),
].filter(({ name }) => isWanted(name))

const range = (values: readonly number[], digits: number) => {
  const [least, most] = [Math.min(...values).toFixed(digits), Math.max(...values).toFixed(digits)]
  return least === most ? least : `${least}–${most}`
}

for (const perSecond of rates.length > 0 ? rates : [20_000, 100_000])
  for (const members of [100, 10]) {
    console.log(
      `\nrooms of ${members}, ${perSecond} deliveries/s, ${CLIENTS} clients, ${rounds} × ${seconds} s`,
    )
    const results = new Map<string, Round[]>()
    for (let round = 0; round < rounds; round++)
      for (const { name, dialect, start: run } of variants) {
        const { port, pid, stop: end } = await run()
        try {
          const result = await measure(port, pid, dialect, members, perSecond)
          results.set(name, [...(results.get(name) ?? []), result])
        } finally {
          await end()
        }
      }
    for (const [name, results_] of results) {
      const of = (key: keyof Round, digits: number) =>
        range(
          results_.map((each) => each[key]),
          digits,
        )
      const without = name.startsWith('Concertina') ? ` (chat server ${of('server', 1)})` : ''
      console.log(
        `${name.padEnd(22)} ${of('cpu', 1)} µs of CPU a delivery${without}, p50 ${of('p50', 1)} ms, p99 ${of('p99', 1)} ms, ${of('delivered', 2)} of what was due`,
      )
    }
  }
