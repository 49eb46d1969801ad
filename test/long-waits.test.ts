import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { afterEach, expect, it } from 'vitest'
import { virtualClock, wallClock } from '../src/base/clock.ts'
import { simulatedProvider } from '../src/fleet/providers/simulated.ts'
import { listen } from '../src/http/listen.ts'
import { prometheusSource } from '../src/load-sources/prometheus.ts'
import { BatchFunction, SinkFunction } from '../src/pipeline/functions.ts'
import { LocalEnvironment } from '../src/pipeline/local-environment.ts'
import { AutoScaler } from '../src/scaling/auto-scaler.ts'
import { WorkloadController } from '../src/workload/controller.ts'

// A timer that is to wait for more than 24 days is over at once, and a deadline takes whole milliseconds only.

const MONTHS = 1e7
const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

it('an interval of months is not one of a millisecond', async () => {
  let reads = 0
  const controller = new WorkloadController({
    source: { description: 'five users', read: async () => ({ load: ++reads, ageSeconds: 0 }) },
    provider: simulatedProvider(wallClock(), { startupDelay: 0 }),
    autoScaler: new AutoScaler({ interval: MONTHS }),
  })
  closers.push(() => controller.close())
  let decisions = 0
  controller.ticks.subscribe(() => decisions++)
  await controller.start()
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect({ reads, decisions: decisions <= 1 }).toEqual({ reads: 1, decisions: true })
})

it('a server that takes months to start is not ready at once', async () => {
  const ran: string[] = []
  const clock = wallClock()
  const cancel = clock.at(clock.now() + MONTHS, () => ran.push('months'))
  await new Promise<void>((resolve) => void clock.at(clock.now() + 0.05, resolve))
  cancel()
  expect(ran).toEqual([])
})

it('a source whose next item is months away is waited for', async () => {
  let turns = 0
  class Rare extends BatchFunction<{ time: number }> {
    #time = -MONTHS
    execute() {
      this.#time += MONTHS
      return { time: this.#time }
    }
  }
  class Nothing extends SinkFunction<unknown, object> {
    execute(): void {}
    result() {
      return {}
    }
  }
  const clock = virtualClock({ pace: 1 })
  const { pace } = clock
  const counted = () => {
    turns++
    return pace
  }
  Object.defineProperty(clock, 'pace', { get: counted })
  const run = new LocalEnvironment('rare', { clock }).fromBatch(new Rare()).sink(new Nothing())
  const stop = new AbortController()
  const done = run.submit({ signal: stop.signal })
  await new Promise((resolve) => setTimeout(resolve, 200))
  stop.abort()
  await done
  expect(turns).toBeLessThan(20)
})

it.each([
  [0.0005, 'no answer within 0.0005 s'],
  [0.0333, 'no answer within 0.0333 s'],
  [MONTHS, 5],
  [1e12, 5],
])('a query may take %s s', async (timeoutSeconds, expected) => {
  const answer = { status: 'success', data: { resultType: 'scalar', result: [Date.now() / 1000, '5'] } }
  const server = createServer((_, response) => {
    setTimeout(() => response.end(JSON.stringify(answer)), 300)
  })
  const port = await listen(server, '127.0.0.1', 0)
  closers.push(() => {
    server.close()
    server.closeAllConnections()
  })
  const source = prometheusSource({ url: `http://127.0.0.1:${port}`, query: 'users', timeoutSeconds })
  const reading = await source.read(new AbortController().signal)
  expect(reading.load ?? (reading as { reason: string }).reason).toBe(expected)
})

it('every deadline is one that garbage collection leaves alone', () => {
  const src = new URL('../src/', import.meta.url)
  const own = ['base/timeout-signal.ts', 'client/close-cause.ts'] // the latter runs in browsers
  const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
  const found = files.filter((name) =>
    readFileSync(new URL(name, src), 'utf8').includes('AbortSignal.timeout'),
  )
  expect(found.sort()).toEqual(own)
})
