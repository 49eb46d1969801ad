/**
 * How long users are away when a server is killed: `npm run bench:reconnect -- [users] [servers]`. Each user waits at random
 * in the window that the lost server named, connects, and joins its room again.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sleep, start, stop, withServers } from './support/processes.ts'
import { RawClient } from './support/raw-client.ts'

const [users = 5000, servers = 3] = process.argv.slice(2).map(Number)
const ROOM = 20
/** Connections that are opened at once at the beginning. */
const AT_ONCE = 100

interface ServerMessage {
  type: string
  retryMs: [number, number]
}

class User {
  readonly #name: string
  readonly #room: string
  #window: [number, number] = [50, 1000]
  #failures = 0
  #lostAt: number | undefined
  /** Milliseconds that it was away. */
  away: number | undefined
  client: RawClient | undefined

  constructor(i: number) {
    this.#name = `user-${i}`
    this.#room = `room-${Math.floor(i / ROOM)}`
  }

  async connect(port: number): Promise<void> {
    const client = await RawClient.open(port, '/chat')
    this.client = client
    client.socket.once('close', () => this.#onLost(port))
    const joined = new Promise<void>((resolve) => {
      client.onFrame = (data, from, to) => {
        const message = JSON.parse(data.toString('utf8', from, to)) as ServerMessage
        if (message.type === 'welcome') this.#window = message.retryMs
        else if (message.type === 'joined') resolve()
      }
    })
    client.send(JSON.stringify({ type: 'hello', version: 1, user: this.#name }))
    client.send(JSON.stringify({ type: 'join', room: this.#room, id: '1' }))
    await joined
    this.#failures = 0
    if (this.#lostAt !== undefined) this.away = performance.now() - this.#lostAt
  }

  #onLost(port: number): void {
    this.#lostAt ??= performance.now()
    const [least, most] = this.#window
    const wait = least + (most * 2 ** this.#failures++ - least) * Math.random()
    setTimeout(() => this.connect(port).catch(() => this.#onLost(port)), wait)
  }

  get isLost(): boolean {
    return this.#lostAt !== undefined
  }

  close(): void {
    this.client?.socket.removeAllListeners('close')
    this.client?.close()
  }
}

const data = mkdtempSync(join(tmpdir(), 'reconnect-'))
const { child, first } = await start<{ port: number }>('support/fleet-process.ts', [`${servers}`, data])
const everybody = Array.from({ length: users }, (_, i) => new User(i))
try {
  for (let i = 0; i < users; i += AT_ONCE)
    await Promise.all(everybody.slice(i, i + AT_ONCE).map((user) => user.connect(first.port)))
  await sleep(2)
  process.kill(withServers(child.pid!).at(-1)!, 'SIGKILL')
  await sleep(0.5)
  for (
    let waited = 0;
    waited < 60 && everybody.some((user) => user.isLost && user.away === undefined);
    waited++
  )
    await sleep(0.5)
  const away = everybody.flatMap((user) => (user.isLost ? [user.away ?? Infinity] : [])).sort((a, b) => a - b)
  const at = (q: number) => `${Math.round(away[Math.floor(q * (away.length - 1))] ?? Number.NaN)} ms`
  console.log(
    `${away.length} of ${users} users lost their server; back after p50 ${at(0.5)}, p99 ${at(0.99)}, the last ${at(1)}`,
  )
} finally {
  for (const user of everybody) user.close()
  await stop(child)
  rmSync(data, { recursive: true, force: true })
}
