/** Chat servers in other languages, which run where their `build.sh` in `bench/peers/` was run before. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../test/support/ports.ts'
import { sleep, stop } from './processes.ts'

const BIN = process.env.CONCERTINA_TEST_BIN ?? join(homedir(), '.cache/concertina-test/bin')

const PEERS = {
  Centrifugo: { folder: 'centrifugo', binary: 'centrifugo', needs: 'Go', start: startCentrifugo },
  uWebSockets: {
    folder: 'uwebsockets',
    binary: 'uwebsockets-chat',
    needs: 'pip, a C compiler and libuv',
    start: startUWebSockets,
  },
} as const

export type Peer = keyof typeof PEERS

export interface RunningPeer {
  readonly port: number
  readonly pid: number
  stop(): Promise<void>
}

/** Whether a peer was built; prints how to build it where it was not. */
export function isBuilt(peer: Peer): boolean {
  const { folder, binary, needs } = PEERS[peer]
  const found = existsSync(join(BIN, binary))
  if (!found) console.log(`without ${peer}: run bench/peers/${folder}/build.sh first (needs ${needs})`)
  return found
}

export function startPeer(peer: Peer): Promise<RunningPeer> {
  const { binary, start } = PEERS[peer]
  return start(join(BIN, binary))
}

/** What a Centrifugo shares with others: history and messages in Redis, or messages alone over NATS. */
export type SharedBy = { readonly redis: string } | { readonly nats: string }

/** One of several Centrifugo servers around a broker. NATS keeps no history there, so rooms have none, and nothing is recovered. */
export function startCentrifugoAround(shared: SharedBy): Promise<RunningPeer> {
  const binary = join(BIN, PEERS.Centrifugo.binary)
  return 'redis' in shared
    ? startCentrifugo(binary, { engine: { type: 'redis', redis: { address: shared.redis } } })
    : startCentrifugo(binary, { broker: { enabled: true, type: 'nats', nats: { url: shared.nats } } }, {})
}

const HISTORY = { force_recovery: true, history_size: 1000, history_ttl: '300s' }
const PRESENCE = { presence: true, join_leave: true, force_push_join_leave: true }

/** With presence and history as our rooms have, by default in memory, and without anything to be logged. */
async function startCentrifugo(
  binary: string,
  shared: object = {},
  rooms: object = { ...PRESENCE, ...HISTORY },
): Promise<RunningPeer> {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'centrifugo-'))
  const config = join(folder, 'config.json')
  writeFileSync(
    config,
    JSON.stringify({
      http_server: { address: '127.0.0.1', port },
      client: { insecure: true, allowed_origins: ['*'] },
      channel: { without_namespace: rooms },
      log: { level: 'error' },
      usage_stats: { disabled: true },
      ...shared,
    }),
  )
  const child = spawn(binary, ['-c', config], { stdio: ['ignore', 'ignore', 'inherit'] })
  await untilListening(child, port)
  return running(child, port, () => rmSync(folder, { recursive: true, force: true }))
}

async function startUWebSockets(binary: string): Promise<RunningPeer> {
  const child = spawn(binary, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  return running(child, Number(line))
}

function running(child: ChildProcess, port: number, cleanUp?: () => void): RunningPeer {
  return {
    port,
    pid: child.pid!,
    stop: async () => {
      await stop(child)
      cleanUp?.()
    },
  }
}

async function untilListening(child: ChildProcess, port: number): Promise<void> {
  while (child.exitCode === null) {
    const socket = connect(port, '127.0.0.1')
    const reached = await Promise.race([
      once(socket, 'connect').then(
        () => true,
        () => false,
      ),
      sleep(1).then(() => false),
    ])
    socket.destroy()
    if (reached) return
    await sleep(0.05)
  }
  throw new Error('the peer did not start')
}
