import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectNats } from '../../src/chat/log/nats/connection.ts'
import { freePort } from './ports.ts'
import { requireTool } from './tools.ts'

/** The program. */
export const NATS_SERVER = join(
  process.env.CONCERTINA_TEST_BIN ?? join(homedir(), '.cache/concertina-test/bin'),
  'nats-server',
)

export function requireNats(): boolean {
  return requireTool(
    existsSync(NATS_SERVER),
    'the NATS tests need nats-server: run test/support/nats-server/build.sh (needs Go)',
  )
}

export interface NatsNode {
  readonly name: string
  readonly url: string
  readonly process: ChildProcess
}

export interface NatsCluster {
  readonly url: string
  readonly nodes: readonly NatsNode[]
  /** The node that leads a stream, `undefined` while none does. */
  leaderOf(stream: string): Promise<NatsNode | undefined>
  /** Ends a node, with SIGTERM as its platform does where `gracefully`, and starts it again. */
  restart(node: NatsNode, options?: { gracefully?: boolean }): Promise<void>
  close(): Promise<void>
}

const STARTING_MS = 120_000

interface NatsClusterOptions {
  /** How many; default 3. */
  nodes?: number
  /** Their `sync_interval`; default the server's own. */
  sync?: string
  /** The port of a proxy before a node's port for the other nodes; default none. */
  proxyFor?: (port: number) => Promise<number>
}

/** Starts a NATS cluster with JetStream on loopback. */
export async function startNats(options: NatsClusterOptions = {}): Promise<NatsCluster> {
  const { nodes: count = 3, sync = '2m', proxyFor = async (port: number) => port } = options
  const folder = mkdtempSync(join(tmpdir(), 'concertina-nats-'))
  const ports = await Promise.all(Array.from({ length: 2 * count }, freePort))
  const reachedAt = await Promise.all(ports.slice(count).map(proxyFor))
  const routes = reachedAt.map((port) => `nats://127.0.0.1:${port}`)
  const start = (i: number): NatsNode => {
    const name = `n${i + 1}`
    const file = join(folder, `${name}.conf`)
    const cluster = `cluster { name: test, listen: "127.0.0.1:${ports[count + i]}", advertise: "127.0.0.1:${reachedAt[i]}", no_advertise: true, routes: [${routes.join()}] }`
    writeFileSync(
      file,
      [
        `server_name: ${name}`,
        `listen: "127.0.0.1:${ports[i]}"`,
        `jetstream { store_dir: "${join(folder, name)}", sync_interval: "${sync}" }`,
        count > 1 ? cluster : '',
      ].join('\n'),
    )
    const child = spawn(NATS_SERVER, ['-c', file], { stdio: 'ignore' })
    return { name, url: `nats://127.0.0.1:${ports[i]}`, process: child }
  }
  const nodes = Array.from({ length: count }, (_, i) => start(i))
  const url = `nats://${ports
    .slice(0, count)
    .map((port) => `127.0.0.1:${port}`)
    .join()}`

  const waitUntilReady = async () => {
    const until = performance.now() + STARTING_MS
    for (;;) {
      try {
        const nats = await connectNats(url, 'test')
        try {
          await nats.api('INFO')
          return
        } finally {
          await nats.connection.close()
        }
      } catch (error) {
        if (performance.now() > until || nodes.every(({ process }) => process.exitCode !== null)) throw error
        await sleep(50)
      }
    }
  }

  const stop = async ({ process }: NatsNode, signal: NodeJS.Signals = 'SIGKILL') => {
    if (process.exitCode !== null || process.signalCode !== null) return
    const gone = new Promise((resolve) => process.once('exit', resolve))
    process.kill(signal)
    await gone
  }
  const close = async () => {
    await Promise.all(nodes.map((node) => stop(node)))
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await waitUntilReady()
  } catch (error) {
    await close()
    throw error
  }
  return {
    url,
    nodes,
    async leaderOf(stream) {
      const nats = await connectNats(url, 'test')
      try {
        const info = await nats.api<{ cluster?: { leader?: string } }>(`STREAM.INFO.${stream}`)
        return nodes.find(({ name }) => name === info.cluster?.leader) ?? (count === 1 ? nodes[0] : undefined)
      } finally {
        await nats.connection.close()
      }
    },
    async restart(node, { gracefully = false } = {}) {
      await stop(node, gracefully ? 'SIGTERM' : 'SIGKILL')
      const i = nodes.indexOf(node)
      nodes[i] = start(i)
      await waitUntilReady()
    },
    close,
  }
}
