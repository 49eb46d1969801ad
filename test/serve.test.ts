import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ChatClient } from '../src/client/node.ts'
import type { FleetSnapshot } from '../src/control/control-target.ts'
import { runCli, startCli } from './run-cli.ts'
import { requireRedis, startRedis } from './support/redis.ts'

let folder: string
const children: ChildProcess[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'serve-'))
})
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

/** `serve` on free ports, from when it printed its address; its log is JSON. */
async function serve(...args: string[]) {
  const ports = ['--port', '0', '--control-port', '0', '--data', join(folder, 'rooms')]
  const { child, finished } = startCli(['serve', '--anonymous', '--log-format', 'json', ...ports, ...args])
  children.push(child)
  const state = { out: '', err: '' }
  child.stdout!.on('data', (chunk) => {
    state.out += chunk
  })
  child.stderr!.on('data', (chunk) => {
    state.err += chunk
  })
  const seen = (pattern: RegExp) => expect.poll(() => state.out, { timeout: 90_000 }).toMatch(pattern)
  await seen(/Dashboard: http[^ ]+/)
  const lines = () =>
    state.out
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  const [chat, control] = lines().map(({ port }) => `http://127.0.0.1:${port}`)
  return { child, finished, state, seen, lines, chat: chat!, control: control! }
}

describe('serve', { timeout: 240_000 }, () => {
  it.each(['SIGTERM', 'SIGHUP'] as const)('stops cleanly on %s, with status 0', async (signal) => {
    const { child, finished, lines } = await serve()
    child.kill(signal)
    const { status, stderr } = await finished
    expect([status, stderr]).toEqual([0, ''])
    expect(lines().at(-1)).toMatchObject({ message: expect.stringMatching(/^Stopping/) })
  })

  it('logs what happens and not every second; a scaling event in one line, with from, to and reason', async () => {
    const { child, finished, lines, seen, chat } = await serve('--scale-up-threshold', '2', '--cooldown', '1')
    const url = `${chat.replace('http', 'ws')}/chat`
    const clients = Array.from({ length: 9 }, (_, i) => new ChatClient({ url, user: `u${i}` }))
    await seen(/"action":"scale_up"/)
    for (const client of clients) client.close()
    child.kill('SIGTERM')
    expect((await finished).status).toBe(0)
    const scaling = lines().filter(({ action }) => action === 'scale_up')
    expect(scaling[0]).toMatchObject({ level: 'info', from: 2, to: 3, policy: 'threshold' })
    expect(scaling[0]!.message).toMatch(/up to 3 servers from 2: .+above the scale-up threshold of 2/)
    expect(lines().filter(({ message }) => /Load: +\d+ users/.test(String(message)))).toEqual([])
  })

  it('logs who controlled it, and what was not allowed, and nothing that was only read', async () => {
    const { control, lines, seen } = await serve()
    const post = (path: string, body: object, headers = {}) =>
      fetch(`${control}/api/${path}`, { method: 'POST', body: JSON.stringify(body), headers })
    expect((await post('strategy', { strategy: 'least-loaded' })).status).toBe(204)
    expect((await post('strategy', { strategy: 'none' })).status).toBe(400)
    expect((await post('pause', { paused: true }, { origin: 'https://elsewhere.example' })).status).toBe(403)
    expect((await fetch(`${control}/api/state`)).status).toBe(200)
    await seen(/"status":403/)
    const audit = lines().filter((line) => line.audit)
    expect(audit).toMatchObject([
      { path: '/api/strategy', status: 204, input: { strategy: 'least-loaded' }, address: '127.0.0.1' },
      { path: '/api/strategy', status: 400 },
      { path: '/api/pause', status: 403, address: '127.0.0.1' },
    ])
  })

  it('gives rooms the options of its config', async () => {
    const config = join(folder, 'config.yaml')
    writeFileSync(config, "live: { namespaces: { 'news:': { publish: server }, '': { maxMembers: 1 } } }")
    const { chat } = await serve('--config', config)
    const url = `${chat.replace('http', 'ws')}/chat`
    const [ann, bob] = [new ChatClient({ url, user: 'ann' }), new ChatClient({ url, user: 'bob' })]
    await ann.join('news:1')
    await bob.join('news:1')
    await expect(ann.send('news:1', 'x')).rejects.toMatchObject({ code: 'forbidden' })
    const here: string[] = []
    ann.on('presence', ({ room }) => here.push(room))
    await ann.join('r')
    await expect.poll(() => here, { timeout: 60_000 }).toContain('r')
    await expect(bob.join('r')).rejects.toMatchObject({ code: 'room-full' })
    for (const client of [ann, bob]) client.close()
    writeFileSync(config, "live: { namespaces: { 'news:': { publish: me } } }")
    const wrong = await runCli(['serve', '--anonymous', '--config', config])
    expect([wrong.status, wrong.stderr]).toEqual([2, expect.stringMatching(/config.yaml:1:\d+.*publish/)])
  })

  it('starts with the size that its last run had', async () => {
    const size = async ({ control }: { control: string }) => {
      const { servers } = (await (await fetch(`${control}/api/state`)).json()) as FleetSnapshot
      return servers.length
    }
    const first = await serve('--scale-down-threshold', '0')
    const headers = { 'content-type': 'application/json' }
    const changed = await fetch(`${first.control}/api/size`, {
      method: 'POST',
      headers,
      body: '{"servers":4}',
    })
    expect(changed.status).toBe(204)
    await expect.poll(() => size(first), { timeout: 60_000 }).toBe(4)
    first.child.kill('SIGTERM')
    expect((await first.finished).stderr).toBe('')
    const second = await serve('--scale-down-threshold', '0')
    expect(await size(second)).toBe(4)
    expect(second.state.out).not.toContain('damaged')
  })

  it.skipIf(!requireRedis())(
    'keeps its rooms at a broker, and serves them again after a restart',
    async () => {
      const redis = await startRedis()
      try {
        for (const [run, expected] of [['first'], ['first', 'second']].entries()) {
          const { child, finished, chat } = await serve('--broker', redis.url)
          const client = new ChatClient({ url: `${chat.replace('http', 'ws')}/chat`, user: `u${run}` })
          const bodies: string[] = []
          client.on('message', ({ body }) => bodies.push(body))
          await client.join('r', { history: 10 })
          await client.send('r', expected.at(-1)!)
          await expect.poll(() => bodies, { timeout: 60_000 }).toEqual(expected)
          client.close()
          child.kill('SIGTERM')
          expect((await finished).status).toBe(0)
        }
      } finally {
        await redis.close()
      }
    },
  )

  it.skipIf(!requireRedis())('ends with what it opened closed when a file cannot be written', async () => {
    const redis = await startRedis()
    try {
      const missing = join(folder, 'missing', 'access.log')
      const args = ['serve', '--anonymous', '--broker', redis.url, '--access-log', missing]
      const { status, stderr } = await runCli(args)
      expect([status, stderr]).toEqual([2, expect.stringContaining('the access log cannot be written')])
    } finally {
      await redis.close()
    }
  })

  it('logs as much as it is asked to', async () => {
    const verbose = await serve('--verbose')
    await verbose.seen(/"level":"debug","message":"📊 Load/)
    verbose.child.kill('SIGTERM')
    await verbose.finished
    const wrong = await runCli(['serve', '--quiet', '--verbose'])
    expect([wrong.status, wrong.stderr]).toEqual([2, expect.stringMatching(/--quiet.*--verbose/)])
  })

  it('continues when the reader of its log is gone', async () => {
    const { child, chat, state } = await serve('--verbose')
    child.stdout!.destroy()
    await expect.poll(() => state.err, { timeout: 60_000 }).toMatch(/reader of the standard output is gone/)
    expect((await fetch(`${chat}/`)).status).toBe(200)
    child.kill('SIGTERM')
    await expect.poll(() => child.exitCode, { timeout: 60_000 }).toBe(0)
  })

  it('lets a policy follow the time of day', async () => {
    const config = join(folder, 'schedule.yaml')
    const entry = (time: Date, servers: number) =>
      `{ cron: "${time.getUTCMinutes()} ${time.getUTCHours()} * * *", servers: ${servers} }`
    const [past, future] = [new Date(Date.now() - 60_000), new Date(Date.now() + 3_600_000)]
    writeFileSync(
      config,
      `autoScaler:\n  maxServers: 5\n  cooldown: 0\n  policy: { kind: schedule, timeZone: UTC, entries: [${entry(past, 3)}, ${entry(future, 1)}] }\n`,
    )
    const decisions = join(folder, 'decisions.jsonl')
    const { child, finished, seen } = await serve('--config', config, '--decisions', decisions)
    await seen(/"action":"scale_up".*"to":3/)
    child.kill('SIGTERM')
    await finished
    expect(readFileSync(decisions, 'utf8')).toMatch(/^\{"kind":"run"/)
  })

  it('answers health checks on the port of the chat, too', async () => {
    const { chat, control, child, finished } = await serve()
    for (const at of [chat, control])
      for (const path of ['/healthz', '/readyz'])
        expect([path, (await fetch(at + path)).status]).toEqual([path, 200])
    child.kill('SIGTERM')
    await finished
  })
})
