import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { ChatClient } from '../src/client/node.ts'
import { type AccessEntry, AccessLog, accessEntry } from '../src/http/access-log.ts'
import { startCli } from './run-cli.ts'

let folder: string
const closers: (() => unknown)[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'access-'))
})
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
  rmSync(folder, { recursive: true, force: true })
})

const linesOf = (file: string) =>
  !existsSync(file)
    ? []
    : readFileSync(file, 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as AccessEntry & { dropped?: number })

describe('the access log', { timeout: 180_000 }, () => {
  it('has connections, requests and rejections, by the address of the client and without secrets', async () => {
    const file = join(folder, 'access.log')
    const proxied = ['--trusted-proxy', '127.0.0.1', '--origin', 'https://ok.example']
    const ports = ['--port', '0', '--control-port', '0', '--data', join(folder, 'rooms')]
    const args = ['serve', '--anonymous', '--log-format', 'json', ...ports, ...proxied, '--access-log', file]
    const { child, finished } = startCli(args)
    closers.push(() => child.kill('SIGKILL'))
    let out = ''
    child.stdout!.on('data', (chunk) => {
      out += chunk
    })
    await expect.poll(() => out, { timeout: 90_000 }).toMatch(/Dashboard: /)
    const { port } = JSON.parse(out.split('\n')[0]!) as { port: number }
    const at = `127.0.0.1:${port}`

    // The client names its room in the query; a secret may be there, too.
    const ann = new ChatClient({ url: `ws://${at}/chat?token=secret-1`, user: 'ann' })
    closers.push(() => ann.close())
    await ann.join('lobby')
    await ann.send('lobby', 'x'.repeat(1000))
    ann.close()
    const bob = new ChatClient({ url: `ws://${at}/chat`, user: 'bob', transport: 'sse' })
    closers.push(() => bob.close())
    await bob.join('lobby', { history: 1 })
    bob.close()
    const rejected = async (path: string, headers: Record<string, string>) => {
      const socket = new WebSocket(`ws://${at}${path}`, { headers })
      await once(socket, 'error')
    }
    await rejected('/chat', { 'x-forwarded-for': '198.51.100.7', origin: 'https://evil.example' })
    await rejected('/other?key=secret-2', { 'x-forwarded-for': '198.51.100.8' })
    await fetch(`http://${at}/nothing?password=secret-3`, { headers: { 'x-forwarded-for': '198.51.100.9' } })
    await fetch(`http://${at}/chat/sse/1-${'s'.repeat(24)}?n=1`, { method: 'POST' })

    const by = (fits: Partial<AccessEntry>) =>
      linesOf(file).find((entry) =>
        Object.entries(fits).every(([key, value]) => entry[key as keyof AccessEntry] === value),
      )
    await expect.poll(() => by({ user: 'ann' }) && by({ user: 'bob' }), { timeout: 20_000 }).toBeDefined()
    expect(by({ user: 'ann' })).toMatchObject({
      ip: expect.stringContaining('127.0.0.1'),
      method: 'GET',
      path: '/chat',
      status: 101,
      transport: 'websocket',
      server: 1,
      code: 1000,
      durationMs: expect.any(Number),
    })
    expect(by({ user: 'ann' })!.bytesIn).toBeGreaterThan(1000)
    expect(by({ user: 'ann' })!.bytesOut).toBeGreaterThan(1000)
    expect(by({ user: 'bob' })).toMatchObject({
      path: '/chat/sse',
      status: 200,
      transport: 'sse',
      code: 1000,
    })
    expect(by({ user: 'bob' })!.bytesOut).toBeGreaterThan(1000)
    const get = { method: 'GET' }
    expect(by({ reason: 'origin' })).toMatchObject({ ip: '198.51.100.7', ...get, path: '/chat', status: 403 })
    expect(by({ reason: 'not-found' })).toMatchObject({ ip: '198.51.100.8', ...get, path: '/other' })
    expect(by({ path: '/nothing' })).toMatchObject({ ip: '198.51.100.9', ...get, status: 404 })
    expect(by({ method: 'POST' })).toMatchObject({ path: '/chat/sse/:id', status: 404 })
    child.kill('SIGTERM')
    expect((await finished).status).toBe(0)
    const text = readFileSync(file, 'utf8')
    expect(text).not.toMatch(/secret|sss/)
    // What goes well beside an event stream is a part of it.
    expect(text.match(/"POST"/g)).toHaveLength(1)
  })

  it('never makes anything wait: what nobody reads is dropped, and counted', async () => {
    const pipe = join(folder, 'pipe')
    await once(spawn('sh', ['-c', `mkfifo ${pipe}`]), 'exit')
    const deaf = spawn('sh', ['-c', `exec sleep 60 < ${pipe}`])
    closers.push(() => deaf.kill('SIGKILL'))
    const log = await AccessLog.open(pipe)
    const entry = accessEntry('192.0.2.1', { method: 'GET', url: `/${'x'.repeat(400)}` }, { status: 404 })
    const COUNT = 30_000 // 14 MB, of which at most 4 MB may wait
    for (let i = 0; i < COUNT; i++) {
      log.write(entry)
      if (i % 1000 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    const file = join(folder, 'read')
    const reader = spawn('sh', ['-c', `exec cat < ${pipe} > ${file}`])
    closers.push(() => reader.kill('SIGKILL'))
    const dropped = () => linesOf(file).reduce((sum, line) => sum + (line.dropped ?? 0), 0)
    await expect.poll(() => existsSync(file), { timeout: 10_000 }).toBe(true)
    deaf.kill('SIGKILL')
    await log.close()
    await once(reader, 'exit')
    expect(dropped()).toBeGreaterThan(COUNT / 2)
    expect(linesOf(file).filter((line) => line.ip === '192.0.2.1').length + dropped()).toBe(COUNT)
  })

  it('names a file that cannot be written', async () => {
    const file = join(folder, 'missing', 'access.log')
    await expect(AccessLog.open(file)).rejects.toMatchObject({ code: 'FILE_ACCESS' })
  })
})
