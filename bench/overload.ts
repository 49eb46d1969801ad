/**
 * What happens beyond the ceiling: an open loop offers messages at a rate, whatever is answered. First the ceiling is looked
 * for, then 2 × and 4 × of it are offered. `npm run bench:overload -- [seconds of each] [users] [servers]
 * [ceiling, where it is known] [--data]`. Rooms of two, room log on disk; latency counts from when a message was due, so what waits
 * in the sender counts, too. With `--data` each message has some, and must be read to be rejected.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { cpuSeconds, residentBytes, sleep, start, stop, withServers } from './support/processes.ts'
import { RawClient } from './support/raw-client.ts'

const given = process.argv.slice(2)
const more = given.includes('--data') ? { data: { mentions: ['bob'] } } : {}
const [seconds = 60, users = 1000, servers = 2, knownCeiling] = given
  .filter((each) => each !== '--data')
  .map(Number)
const RAMP_SECONDS = Math.min(5, seconds)
const FIRST_RATE = 1000
const MAX_RATE = 200_000
const TICK_MS = 4
/** Messages that a user sends in one go: one at a time, the sender would need more of the machine than the fleet. */
const BURST = 8
/** Answers are awaited so long after the last message. */
const GRACE_SECONDS = 3
const BODY = 'x'.repeat(60)
/** More than are ever in flight: the fastest offer for as long as an answer is awaited. */
const IN_FLIGHT = 2 ** 21
const QUOTE = 0x22
const ZERO = 0x30

interface Outcome {
  offered: number
  accepted: number
  rejected: number
  unanswered: number
  p50: number
  p99: number
  /** Of supervisor and each server, at most. */
  megabytes: readonly number[]
  /** Seconds of processor time a second, of supervisor and each server. */
  processors: readonly number[]
  serversLost: number
}

/** The number that is the `id` of an answer; parsing the whole of it would cost the sender more than sending does. */
function idOf(data: Buffer, from: number, to: number): number {
  let id = 0
  for (let at = data.indexOf('"id":"', from, 'latin1') + 6; at < to && data[at] !== QUOTE; at++)
    id = id * 10 + data[at]! - ZERO
  return id
}

const quantile = (sorted: Float64Array, q: number) =>
  sorted[Math.floor(q * (sorted.length - 1))] ?? Number.NaN

class Senders {
  readonly #clients: RawClient[] = []
  /** When each message in flight was due, by its id, the oldest overwritten; 0 of those that were answered. */
  readonly #due = new Float64Array(IN_FLIGHT)
  #next = 0
  #unanswered = 0
  #nextUser = 0
  #latencies: number[] = []
  rejected = 0

  async open(port: number): Promise<void> {
    for (let i = 0; i < users; i++) {
      const client = await RawClient.open(port, '/chat')
      client.onFrame = (data, from, to) => this.#onFrame(data, from, to)
      client.send(JSON.stringify({ type: 'hello', version: 1, user: `user-${i}` }))
      client.send(JSON.stringify({ type: 'join', room: this.#room(i), rid: 1, requestId: 1 }))
      this.#clients.push(client)
    }
  }

  #room(i: number): string {
    return `room-${i >> 1}`
  }

  #onFrame(data: Buffer, from: number, to: number): void {
    const kind = data.toString('latin1', from + 9, from + 12) // {"type":"ack
    if (kind !== 'ack' && kind !== 'ref' && kind !== 'rej') return
    const slot = idOf(data, from, to) % IN_FLIGHT
    const due = this.#due[slot]!
    if (due === 0) return
    this.#due[slot] = 0
    this.#unanswered--
    if (kind === 'ack') this.#latencies.push(performance.now() - due)
    else this.rejected++
  }

  #sendBurst(due: readonly number[]): void {
    const i = this.#nextUser++ % this.#clients.length
    const client = this.#clients[i]!
    const frames: string[] = []
    for (const at of due) {
      const id = this.#next++
      this.#due[id % IN_FLIGHT] = at
      frames.push(JSON.stringify({ type: 'send', room: this.#room(i), id: `${id}`, body: BODY, ...more }))
    }
    this.#unanswered += due.length
    client.send(...frames)
  }

  /** Offers `rate` messages/s, evenly, and catches up when it was late. */
  async offer(rate: number, forSeconds: number, pids: readonly number[]): Promise<Outcome> {
    this.#latencies = []
    this.#due.fill(0)
    this.#unanswered = 0
    this.rejected = 0
    const began = performance.now()
    let sent = 0
    let bytes = pids.map(memoryOf)
    const cpuBefore = pids.map(cpuSeconds)
    let ticks = 0
    for (let now = began; now < began + forSeconds * 1000; now = performance.now()) {
      const dueCount = Math.min(rate * forSeconds, ((now - began) / 1000) * rate)
      for (; sent + BURST <= dueCount; sent += BURST)
        this.#sendBurst(Array.from({ length: BURST }, (_, k) => began + ((sent + k) / rate) * 1000))
      if (ticks++ % 64 === 0) bytes = most(bytes, pids.map(memoryOf))
      await sleep(TICK_MS / 1000)
    }
    const acceptedInTime = this.#latencies.length
    bytes = most(bytes, pids.map(memoryOf))
    const elapsed = (performance.now() - began) / 1000
    const processors = pids.map((pid, i) => (cpuSeconds(pid) - cpuBefore[i]!) / elapsed)
    const until = performance.now() + GRACE_SECONDS * 1000
    while (this.#unanswered > 0 && performance.now() < until) await sleep(0.05)
    const sorted = Float64Array.from(this.#latencies).sort()
    return {
      offered: sent / elapsed,
      accepted: acceptedInTime / elapsed,
      rejected: this.rejected / elapsed,
      unanswered: this.#unanswered,
      p50: quantile(sorted, 0.5),
      p99: quantile(sorted, 0.99),
      processors,
      megabytes: bytes.map((each) => each / 2 ** 20),
      serversLost: pids.filter((pid) => Number.isNaN(memoryOf(pid))).length,
    }
  }

  close(): void {
    for (const client of this.#clients) client.close()
  }
}

const most = (a: readonly number[], b: readonly number[]) => a.map((each, i) => Math.max(each, b[i] || 0))

function memoryOf(pid: number): number {
  try {
    return residentBytes(pid)
  } catch {
    return Number.NaN
  }
}

function print(name: string, outcome: Outcome): void {
  const rate = (value: number) => value.toFixed(0).padStart(7)
  console.log(
    `${name.padEnd(14)} offered ${rate(outcome.offered)}/s  accepted ${rate(outcome.accepted)}/s  rejected ${rate(outcome.rejected)}/s  ` +
      `p50 ${outcome.p50.toFixed(0)} ms  p99 ${outcome.p99.toFixed(0)} ms  unanswered ${outcome.unanswered}  ` +
      `processors ${outcome.processors.map((each) => each.toFixed(2)).join(' + ')}  ` +
      `memory ${outcome.megabytes.map((each) => each.toFixed(0)).join(' + ')} MiB  servers lost ${outcome.serversLost}`,
  )
}

/** Keeps the sender on the last processor and the fleet off it, so that what is offered takes nothing from the fleet. */
function separate(fleet: readonly number[]): boolean {
  const last = availableParallelism() - 1
  if (process.platform !== 'linux' || last < 1) return false
  const pin = (pid: number, processors: string) =>
    spawnSync('taskset', ['-a', '-p', '-c', processors, `${pid}`]).status === 0
  return pin(process.pid, `${last}`) && fleet.every((pid) => pin(pid, last === 1 ? '0' : `0-${last - 1}`))
}

const data = mkdtempSync(join(tmpdir(), 'overload-'))
const { child, first } = await start<{ port: number }>('support/fleet-process.ts', [`${servers}`, data])
const senders = new Senders()
try {
  const pids = withServers(child.pid!)
  console.log(separate(pids) ? 'the sender has a processor of its own' : 'the sender shares the processors')
  await senders.open(first.port)
  await sleep(2)
  await senders.offer(FIRST_RATE / 2, RAMP_SECONDS, pids) // warm
  let ceiling = knownCeiling ?? 0
  let beyond = 0
  for (let rate = FIRST_RATE; knownCeiling === undefined && rate <= MAX_RATE; rate *= 1.5) {
    const outcome = await senders.offer(rate, RAMP_SECONDS, pids)
    print('looking', outcome)
    ceiling = Math.max(ceiling, outcome.accepted)
    if (outcome.accepted < 0.9 * rate && ++beyond === 2) break
    await sleep(0.5)
  }
  console.log(`ceiling ${ceiling.toFixed(0)} messages/s`)
  for (const times of [2, 4]) {
    await sleep(1)
    const outcome = await senders.offer(times * ceiling, seconds, pids)
    print(`${times} × ceiling`, outcome)
    console.log(`${''.padEnd(14)} goodput ${(outcome.accepted / ceiling).toFixed(2)} of the ceiling`)
  }
} finally {
  senders.close()
  await stop(child)
  rmSync(data, { recursive: true, force: true })
}
