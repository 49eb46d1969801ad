import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { mostConnections } from '../src/http/descriptors.ts'

const MAIN = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url))
const TSX = import.meta.resolve('tsx')
/** Enough to load the program from its source, file by file. */
const LIMIT = 160

const open: (() => void)[] = []
afterEach(() => {
  for (const close of open.splice(0).reverse()) close()
})

it('keeps descriptors for the process itself', () => {
  expect([64, 1024, 20_000, 1_000_000, 10].map(mostConnections)).toEqual([24, 922, 19_488, 999_488, 1])
})

const onLinux = process.platform === 'linux' ? it : it.skip

onLinux(
  'keeps every server when users come who are more than its descriptors',
  { timeout: 90_000 },
  async () => {
    const data = mkdtempSync(join(tmpdir(), 'descriptors-'))
    open.push(() => rmSync(data, { recursive: true, force: true }))
    const args = ['serve', '--anonymous', '--port', '0', '--control-port', '0', '--data', join(data, 'rooms')]
    const command = `ulimit -n ${LIMIT}; exec "$0" --import "$@" --min-servers 2 --max-servers 2 --log-format json`
    const child = spawn('sh', ['-c', command, process.execPath, TSX, MAIN, ...args])
    open.push(() => child.kill('SIGKILL'))
    let out = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (out += chunk))
    await expect.poll(() => out, { timeout: 60_000 }).toMatch(/Dashboard/)
    const [, port] = /127\.0\.0\.1:(\d+)\/chat/.exec(out)!

    let welcome = 0
    let rejected = 0
    for (let i = 0; i < 2.5 * LIMIT; i++) {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/chat`)
      open.push(() => socket.terminate())
      socket.on('error', () => rejected++)
      socket.on('open', () => socket.send(JSON.stringify({ type: 'hello', version: 1, user: `u${i}` })))
      socket.on('message', () => welcome++)
      if (i % 10 === 9) await expect.poll(() => welcome + rejected, { timeout: 20_000 }).toBe(i + 1)
    }
    expect(welcome).toBe(2 * mostConnections(LIMIT))
    expect(out).not.toMatch(/failed/)
    expect(out).toMatch(/"Connection rejected \(503 Service Unavailable\): every server has .* ulimit -n\)"/)
  },
)
