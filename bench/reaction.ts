/**
 * How fast the fleet reacts: from the moment the load crosses the threshold to the first user on the new server, beside
 * the bare fork of a process that does nothing. `npm run bench:reaction -- [times] [interval] [spares]`: seconds between two decisions
 * (1), and processes that are started ahead (0). Servers run as the build makes them (`npm run build`), else from source.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ChatClient } from '../src/client/node.ts'
import { type LocalProviderOptions, localProvider } from '../src/fleet/providers/local.ts'
import { notFound } from '../src/live/control-http.ts'
import { Supervisor } from '../src/live/supervisor.ts'
import { AutoScaler } from '../src/scaling/auto-scaler.ts'
import { sleep } from './support/processes.ts'

const [times = 10, interval = 1, spares = 0] = process.argv.slice(2).map(Number)
const folder = mkdtempSync(join(tmpdir(), 'reaction-'))
const empty = join(folder, 'empty.mjs')
writeFileSync(empty, `process.send('up'); process.on('disconnect', () => process.exit())`)

const built = fileURLToPath(new URL('../dist/live/server-process.bundle.js', import.meta.url))
const provider = existsSync(built)
  ? (processes: LocalProviderOptions) => localProvider({ ...processes, module: built, execArgv: [] })
  : undefined

async function bareFork(): Promise<number> {
  const began = performance.now()
  const child = fork(empty, { execArgv: [] })
  await once(child, 'message')
  const ms = performance.now() - began
  child.kill()
  await once(child, 'exit')
  return ms
}

async function reaction(): Promise<{ decided: number; ready: number; served: number }> {
  const supervisor = new Supervisor(
    {
      gateway: { port: 0 },
      autoScaler: new AutoScaler({ scaleUpThreshold: 10, minServers: 1, maxServers: 2, interval }),
      strategy: 'least-loaded',
      spares,
      decideEarly: true,
      provider,
    },
    createServer(notFound),
  )
  const port = await supervisor.start()
  supervisor.run()
  const join = async (n: number) => {
    const client = new ChatClient({ url: `ws://127.0.0.1:${port}/chat`, user: `user ${n}` })
    await client.join('r')
    return client
  }
  const clients = await Promise.all(Array.from({ length: 10 }, (_, n) => join(n)))
  await sleep(spares > 0 ? 3 : 0.5 + Math.random() * interval)
  let [decided, ready] = [0, 0]
  supervisor.fleet.onChange(({ id, state }) => {
    if (id === 2 && state === 'starting') decided = performance.now()
    if (id === 2 && state === 'ready') ready = performance.now()
  })
  const crossing = performance.now()
  clients.push(await join(10))
  while (!clients.some(({ server }) => server === 2)) await sleep(0.001)
  const served = performance.now()
  for (const client of clients) client.close()
  await supervisor.stop()
  return { decided: decided - crossing, ready: ready - crossing, served: served - crossing }
}

const median = (values: number[]) =>
  values
    .sort((a, b) => a - b)
    [values.length >> 1]!.toFixed(0)
    .padStart(5)
const forks: number[] = []
const reactions: Awaited<ReturnType<typeof reaction>>[] = []
for (let i = 0; i < times; i++) {
  forks.push(await bareFork())
  reactions.push(await reaction())
}
console.log(`medians of ${times}, milliseconds after the crossing:`)
console.log(`  decided          ${median(reactions.map(({ decided }) => decided))}`)
console.log(`  new server ready ${median(reactions.map(({ ready }) => ready))}`)
console.log(`  first user on it ${median(reactions.map(({ served }) => served))}`)
console.log(`a bare fork takes  ${median(forks)}`)
rmSync(folder, { recursive: true, force: true })
