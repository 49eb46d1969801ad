/**
 * Deliveries/s per core of server: 1,000 clients in rooms of 100, messages of about 200 bytes, one talker a room with
 * a window of messages in flight. `npm run bench:fanout -- [seconds]`. Each server is a process of its own (ours with its
 * supervisor, room log on disk); CPU time of all its processes is counted, so who else uses the machine matters little.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { concertina, type Dialect, json, socketIo } from './support/dialects.ts'
import { cpuSeconds, sleep, start, stop, withServers } from './support/processes.ts'
import { RawClient } from './support/raw-client.ts'

const [seconds = 6] = process.argv.slice(2).map(Number)
const CLIENTS = 1000
const ROOM = 100
const WINDOW = 40

interface Result {
  perSecond: number
  perCore: number
  /** Of ours: without the supervisor. */
  perServerCore: number
}

async function measure(port: number, pid: number, dialect: Dialect): Promise<Result> {
  const pids = withServers(pid)
  let deliveries = 0
  const clients = await Promise.all(
    Array.from({ length: CLIENTS }, async (_, i) => {
      const client = await RawClient.open(port, dialect.path)
      const room = `room-${Math.floor(i / ROOM)}`
      const talker = i % ROOM === 0
      let sent = 0
      let heard = 0
      const refill = () => {
        while (talking && sent < heard + WINDOW) dialect.send(client, room, `${i}-${++sent}`)
      }
      client.onFrame = (data, from) => {
        if (!dialect.isDelivery(data, from)) return
        deliveries++
        if (!talker) return
        heard++
        if (sent - heard <= WINDOW / 2) refill()
      }
      dialect.join(client, room, `user-${i}`)
      return { client, talk: talker ? refill : () => {} }
    }),
  )
  let talking = false
  await sleep(1)
  talking = true
  for (const { talk } of clients) talk()
  await sleep(1.5)
  const cpu = pids.map(cpuSeconds)
  const before = deliveries
  const began = performance.now()
  await sleep(seconds)
  const elapsed = (performance.now() - began) / 1000
  const used = pids.map((each, i) => cpuSeconds(each) - cpu[i]!)
  const count = deliveries - before
  talking = false
  for (const { client } of clients) client.close()
  const total = used.reduce((sum, each) => sum + each, 0)
  return { perSecond: count / elapsed, perCore: count / total, perServerCore: count / (used[1] ?? used[0]!) }
}

const data = mkdtempSync(join(tmpdir(), 'fanout-'))
const variants = [
  ['Node writes, 10 frames', 'support/baseline-process.ts', ['raw', '10'], json],
  ['Node writes, 40 frames', 'support/baseline-process.ts', ['raw', '40'], json],
  ['Concertina, on disk', 'support/fleet-process.ts', ['1', data], concertina],
  ['ws, frame once', 'support/baseline-process.ts', ['ws-frame-once'], json],
  ['ws, client.send', 'support/baseline-process.ts', ['ws'], json],
  ['Socket.IO', 'support/baseline-process.ts', ['socket.io'], socketIo],
] as const
const results = new Map<string, Result>()
console.log(`${CLIENTS} clients, rooms of ${ROOM}, ${seconds} s each; thousands of deliveries`)
for (const [name, module, args, dialect] of variants) {
  const { child, first } = await start<{ port: number }>(module, args)
  try {
    const result = await measure(first.port, child.pid!, dialect)
    results.set(name, result)
    const k = (value: number) => (value / 1000).toFixed(0).padStart(6)
    const server = name.startsWith('Concertina') ? `, ${k(result.perServerCore)} a core of chat server` : ''
    console.log(
      `${name.padEnd(23)} ${k(result.perSecond)} a second, ${k(result.perCore)} a core of all processes${server}`,
    )
  } finally {
    await stop(child)
  }
}
rmSync(data, { recursive: true, force: true })
const ours = results.get('Concertina, on disk')!
const limit = results.get('Node writes, 40 frames')!
const io = results.get('Socket.IO')!
console.log(
  `\nper core of chat server: ${(ours.perServerCore / io.perCore).toFixed(1)} × Socket.IO, ${(ours.perServerCore / limit.perCore).toFixed(2)} of the write limit`,
)
console.log(
  `per core of all processes: ${(ours.perCore / io.perCore).toFixed(1)} × Socket.IO, ${(ours.perCore / limit.perCore).toFixed(2)} of the write limit`,
)
