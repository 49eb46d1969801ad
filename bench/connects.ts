/**
 * Many connections at once, beside HAProxy in front of as many bare `ws` servers: `npm run bench:connects -- [connections] [servers]
 * [rounds]`. Each opens a WebSocket, says hello, and is there when it is welcomed. Connections/s until the last one is, and the CPU
 * of what stands in front and of all processes for each (Linux).
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../test/support/ports.ts'
import { cpuSeconds, sleep, start, stop, withServers } from './support/processes.ts'
import { welcomed } from './support/raw-client.ts'

const [connections = 5000, servers = 3, rounds = 3] = process.argv.slice(2).map(Number)

interface Candidate {
  readonly name: string
  readonly port: number
  /** The front first. */
  readonly pids: readonly number[]
  stop(): Promise<void>
}

async function concertina(): Promise<Candidate> {
  const { child, first } = await start<{ port: number }>('support/fleet-process.ts', [`${servers}`])
  return {
    name: 'Concertina',
    port: first.port,
    pids: withServers(child.pid!),
    stop: () => stop(child),
  }
}

async function haproxy(folder: string): Promise<Candidate> {
  const all = await Promise.all(
    Array.from({ length: servers }, () => start<{ port: number }>('support/baseline-process.ts', ['ws'])),
  )
  const port = await freePort()
  const config = join(folder, 'haproxy.cfg')
  writeFileSync(
    config,
    `global\n  maxconn 8000\n  nbthread 1\ndefaults\n  mode http\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n` +
      `  timeout tunnel 1h\nfrontend f\n  bind 127.0.0.1:${port}\n  default_backend b\nbackend b\n  balance roundrobin\n` +
      all.map(({ first }, i) => `  server s${i} 127.0.0.1:${first.port}\n`).join(''),
  )
  const proxy = spawn('haproxy', ['-f', config, '-db'], { stdio: ['ignore', 'ignore', 'inherit'] })
  await sleep(1)
  return {
    name: 'HAProxy + ws',
    port,
    pids: [proxy.pid!, ...all.map(({ child }) => child.pid!)],
    stop: async () => {
      proxy.kill('SIGTERM')
      await once(proxy, 'exit')
      for (const { child } of all) await stop(child)
    },
  }
}

const used = (pids: readonly number[]) => pids.map(cpuSeconds)

async function measure({ name, port, pids }: Candidate): Promise<void> {
  const before = used(pids)
  const began = performance.now()
  const clients = await Promise.all(Array.from({ length: connections }, () => welcomed(port)))
  const seconds = (performance.now() - began) / 1000
  const micros = used(pids).map((cpu, i) => ((cpu - before[i]!) / connections) * 1e6)
  console.log(
    `${name.padEnd(13)} ${(connections / seconds).toFixed(0).padStart(6)} connections/s; CPU of the front ` +
      `${micros[0]!.toFixed(0)} µs, of all processes ${micros.reduce((a, b) => a + b).toFixed(0)} µs, each`,
  )
  for (const client of clients) client.close()
  await sleep(1)
}

const folder = mkdtempSync(join(tmpdir(), 'connects-'))
const contenders = [await concertina()]
try {
  if (spawnSync('haproxy', ['-v']).status === 0) contenders.push(await haproxy(folder))
  else console.log('HAProxy is not installed: apt-get install haproxy')
  for (let i = 0; i < rounds; i++) for (const contender of contenders) await measure(contender)
} finally {
  for (const contender of contenders) await contender.stop()
  rmSync(folder, { recursive: true, force: true })
}
