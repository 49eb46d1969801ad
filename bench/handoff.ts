/**
 * What is between the client and its server: our gateway, which hands the socket over, beside HAProxy, which stays in between.
 * `npm run bench:handoff -- [seconds]`. New connections/s (open, hello, welcome, close; 50 at a time), and what a message
 * costs on top of a direct connection: CPU of the gateway or proxy, and round-trip time.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../test/support/ports.ts'
import { cpuSeconds, sleep, start, stop } from './support/processes.ts'
import { welcomed } from './support/raw-client.ts'

const [seconds = 4] = process.argv.slice(2).map(Number)
const AT_A_TIME = 50
const TALKERS = 20

async function accepts(port: number): Promise<number> {
  let count = 0
  const until = performance.now() + seconds * 1000
  await Promise.all(
    Array.from({ length: AT_A_TIME }, async () => {
      while (performance.now() < until) {
        ;(await welcomed(port)).close()
        count++
      }
    }),
  )
  return count / seconds
}

/**
 * Questions that the chat server answers by itself (what is not a message is answered by `error`), one in flight for each of
 * the talkers: CPU of `pid` an answer, and the median round trip.
 */
async function answers(
  port: number,
  pid: number,
): Promise<{ cpuMicros: number; roundTripMicros: number; count: number }> {
  const clients = await Promise.all(Array.from({ length: TALKERS }, () => welcomed(port)))
  const trips: number[] = []
  const cpu = cpuSeconds(pid)
  const until = performance.now() + seconds * 1000
  await Promise.all(
    clients.map(async (client) => {
      while (performance.now() < until) {
        const began = performance.now()
        await new Promise<void>((resolve) => {
          client.onFrame = () => resolve()
          client.send('{"type":"what"}')
        })
        trips.push((performance.now() - began) * 1000)
      }
    }),
  )
  const used = cpuSeconds(pid) - cpu
  for (const client of clients) client.close()
  trips.sort((a, b) => a - b)
  return {
    cpuMicros: (used / trips.length) * 1e6,
    roundTripMicros: trips[trips.length >> 1]!,
    count: trips.length,
  }
}

const folder = mkdtempSync(join(tmpdir(), 'handoff-'))
const { child, first } = await start<{ port: number }>('support/fleet-process.ts', ['1'])
const say = (
  name: string,
  rate: number,
  { cpuMicros, roundTripMicros, count }: Awaited<ReturnType<typeof answers>>,
) =>
  console.log(
    `${name.padEnd(12)} ${rate.toFixed(0).padStart(6)} connections/s; round trip ${roundTripMicros.toFixed(0)} µs` +
      (name === 'no gateway' ? '' : `, a message costs it ${cpuMicros.toFixed(1)} µs of CPU`) +
      ` (${count} messages)`,
  )
try {
  const direct = await start<{ port: number }>('support/direct-process.ts', [])
  const run = async (port: number, pid: number) => [await accepts(port), await answers(port, pid)] as const
  say('no gateway', ...(await run(direct.first.port, process.pid)))
  say('Concertina', ...(await run(first.port, child.pid!)))
  if (spawnSync('haproxy', ['-v']).status === 0) {
    const port = await freePort()
    const config = join(folder, 'haproxy.cfg')
    writeFileSync(
      config,
      `global\n  maxconn 2000\n  nbthread 1\ndefaults\n  mode http\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n` +
        `  timeout tunnel 1h\nfrontend f\n  bind 127.0.0.1:${port}\n  default_backend b\nbackend b\n  server s 127.0.0.1:${direct.first.port}\n`,
    )
    const proxy = spawn('haproxy', ['-f', config, '-db'], { stdio: ['ignore', 'ignore', 'inherit'] })
    await sleep(1)
    say('HAProxy', ...(await run(port, proxy.pid!)))
    proxy.kill('SIGTERM')
    await once(proxy, 'exit')
  } else {
    console.log('HAProxy      not here: apt-get install haproxy')
  }
  await stop(direct.child)
} finally {
  await stop(child)
  rmSync(folder, { recursive: true, force: true })
}
