import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { EmbeddedRoomLog } from '../src/chat/log/embedded/embedded.ts'
import { ChatClient } from '../src/client/node.ts'
import { startControlPlane } from '../src/live/control-plane.ts'
import { liveControl } from '../src/live/live-control.ts'
import type { Supervisor } from '../src/live/supervisor.ts'
import type { SupervisorOptions } from '../src/live/supervisor-options.ts'
import type { RunResult } from '../src/metrics/run-result.ts'
import { AutoScaler } from '../src/scaling/auto-scaler.ts'
import { runCli, startCli } from './run-cli.ts'
import { scriptedFleet } from './support/scripted-fleet.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'live-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
async function until(what: string, done: () => boolean, seconds = 60): Promise<void> {
  for (let i = 0; i < seconds * 50; i++) {
    if (done()) return
    await sleep(20)
  }
  throw new Error(`not within ${seconds} s: ${what}`)
}

/** A fleet of as many servers as `desired.servers` says. */
async function withFleet(
  use: (fleet: {
    supervisor: Supervisor
    url: string
    desired: { servers: number }
    port: number
  }) => Promise<void>,
  options: Partial<SupervisorOptions> = {},
): Promise<void> {
  const { supervisor, desired } = scriptedFleet(options)
  try {
    const port = await supervisor.start()
    supervisor.run()
    await until('two servers', () => supervisor.fleet.ready.length === 2)
    await use({ supervisor, url: `ws://127.0.0.1:${port}/chat`, desired, port })
  } finally {
    await supervisor.stop()
  }
}

async function joinAll(url: string, count: number, room = 'r'): Promise<ChatClient[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const client = new ChatClient({ url, user: `user ${i}` })
      await client.join(room)
      return client
    }),
  )
}

describe('a live fleet', { timeout: 240_000 }, () => {
  it('spreads users, moves some to a new server, and empties one that goes, without a break', async () => {
    await withFleet(async ({ supervisor, url, desired }) => {
      const clients = await joinAll(url, 30)
      const seen = clients.map(() => [] as number[])
      const broken: unknown[] = []
      for (const [i, client] of clients.entries()) {
        client.on('message', ({ seq }) => seen[i]!.push(seq))
        // Who does not get its turn for seconds, on a machine with no time, is closed as one who stays.
        client.on('status', (status) => {
          if (status.state === 'waiting' && status.cause !== 'restart') broken.push(status.cause)
        })
      }
      let sent = 0
      let talking = true
      const talk = Promise.all(
        clients.slice(0, 5).map(async (client) => {
          while (talking) await client.send('r', `message ${++sent}`)
        }),
      )
      expect(new Set(clients.map(({ server }) => server))).toEqual(new Set([1, 2]))
      desired.servers = 3
      await until('users on server 3', () => clients.filter(({ server }) => server === 3).length >= 8)
      expect(supervisor.moves).toBeGreaterThanOrEqual(8)
      desired.servers = 1
      await until('one server', () => supervisor.fleet.servers.length === 1)
      talking = false
      await talk
      await until('every message everywhere', () => seen.every((numbers) => numbers.length === sent))
      expect(new Set(clients.map(({ server }) => server)).size).toBe(1)
      for (const numbers of seen) expect(numbers).toEqual(Array.from({ length: sent }, (_, i) => i + 1))
      expect([broken, supervisor.failures]).toEqual([[], 0])
      for (const client of clients) client.close()
    })
  })

  it('replaces a killed server, and its users resume on others with nothing lost', async () => {
    await withFleet(
      async ({ supervisor, url }) => {
        const clients = await joinAll(url, 10)
        const [victim] = supervisor.fleet.ready
        const hit = clients.filter(({ server }) => server === victim!.id)
        expect(hit.length).toBe(5)
        const seen: string[] = []
        hit[0]!.on('message', ({ body }) => seen.push(body))
        supervisor.servers.child(victim!.id)!.kill('SIGKILL')
        const acks = await Promise.all(
          Array.from({ length: 20 }, (_, i) => clients[9 - (i % 2)]!.send('r', `${i}`)),
        )
        expect(new Set(acks.map(({ seq, durability }) => `${seq} ${durability}`)).size).toBe(20)
        expect(acks[0]!.durability).toBe('disk')
        await until('every message', () => seen.length === 20)
        await until('another server', () => supervisor.fleet.ready.length === 2)
        expect(supervisor.fleet.ready.map(({ id }) => id)).toEqual([2, 3])
        for (const client of clients) client.close()
      },
      { data: join(folder, 'rooms') },
    )
    await EmbeddedRoomLog.open(join(folder, 'rooms')).close() // its lock is free
  })

  it('gives sockets to another server when the chosen one is gone before it took them', async () => {
    await withFleet(async ({ supervisor, url }) => {
      for (const { id } of supervisor.fleet.ready) if (id === 1) supervisor.servers.child(id)!.kill('SIGSTOP')
      const joining = joinAll(url, 6)
      await sleep(300)
      supervisor.servers.child(1)!.kill('SIGKILL')
      const clients = await joining
      expect(clients.every(({ server }) => server !== 1)).toBe(true)
      expect(supervisor.gateway.retried).toBeGreaterThan(0)
      for (const client of clients) client.close()
    })
  })

  it('takes bad heads, slow heads and plain HTTP at the gateway', async () => {
    await withFleet(async ({ port }) => {
      const ask = async (text: string) => {
        const socket = connect(port, '127.0.0.1')
        let answer = ''
        socket.on('data', (chunk) => {
          answer += chunk
        })
        socket.write(text)
        await once(socket, 'close')
        return answer.split('\r\n')[0]
      }
      expect(await ask('nonsense\r\n\r\n')).toBe('HTTP/1.1 400 Bad Request')
      expect(await ask(`GET / HTTP/1.1\r\nX: ${'a'.repeat(17_000)}\r\n\r\n`)).toMatch('431')
      expect(await ask('GET /nowhere HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n')).toMatch(
        '404',
      )
      const noAddress =
        'GET /chat?// HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: no\r\n\r\n'
      expect(await ask(noAddress)).toMatch('400')
      expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(404)
    })
  })

  it('answers Prometheus, and says whether it is ready', async () => {
    await withFleet(async ({ supervisor, url, desired }) => {
      const scaler = new AutoScaler()
      const target = liveControl(supervisor, scaler)
      const control = await startControlPlane(target, { port: 0 }, supervisor)
      const at = control.url.slice(0, -1)
      const [client] = await joinAll(url, 1)
      await client!.send('r', 'hello')
      await sleep(400)
      const text = await (await fetch(`${at}/metrics`)).text()
      expect(text).toMatch(/^concertina_users 1$/m)
      expect(text).toMatch(/^concertina_messages_total 1$/m)
      expect(text).toMatch(/^concertina_servers\{state="ready"\} 2$/m)
      expect(text).toMatch(/^concertina_server_memory_bytes\{server="1"\} \d+$/m)
      expect((await fetch(`${at}/healthz`)).status).toBe(200)
      expect((await fetch(`${at}/readyz`)).status).toBe(200)
      expect((await fetch(`${at}/elsewhere`)).status).toBe(404)
      desired.servers = 2
      client!.close()
      control.close()
    })
  })

  it('passes policies what each process uses', async () => {
    await withFleet(async ({ supervisor }) => {
      await sleep(600)
      const [server] = supervisor.fleet.ready
      const measured = server!.work!.measured!()
      expect(measured.memoryBytes).toBeGreaterThan(2e7)
      expect(measured.eventLoopUtilization).toBeGreaterThan(0)
      expect(measured.cpu).toBeGreaterThanOrEqual(0)
    })
  })
})

describe('the command line, live', () => {
  it('runs the demonstration on real processes, and verify agrees', { timeout: 60_000 }, async () => {
    const [history, data] = [join(folder, 'history.jsonl'), join(folder, 'rooms')]
    const { status, stdout, stderr } = await runCli([
      ...['demo', '--live', '--duration', '8', '--cooldown', '1', '--history', history, '--data', data],
    ])
    expect(stderr).toBe('')
    expect(stdout).toMatch(/Lost, doubled, reordered: 0, 0, 0/)
    expect(stdout).toMatch(/SCALE_UP: 3 servers/)
    expect(stdout).not.toMatch(/Failed servers/)
    expect(status).toBe(0)
    await EmbeddedRoomLog.open(data).close() // its lock is free
    const verified = await runCli(['verify', '--history', history, '--data', data, '--json'])
    expect(verified.status).toBe(0)
    expect(JSON.parse(verified.stdout)).toMatchObject({ lost: 0, doubled: 0, reordered: 0, phantom: 0 })
    const lines = readFileSync(history, 'utf8').split('\n')
    const tampered = lines.filter((line) => !line.includes('"type":"send"'))
    writeFileSync(history, tampered.join('\n'))
    const broken = await runCli(['verify', '--history', history, '--data', data])
    expect(broken.status).toBe(1)
    expect(broken.stderr).toMatch(/phantom/)
  })

  it('does with a config what simulate forecasts of it', { timeout: 60_000 }, async () => {
    const config = join(folder, 'run.yaml')
    writeFileSync(
      config,
      [
        'seed: 7',
        'load: { kind: three-phase, duration: 8, baseRate: 5, peakRate: 50 }',
        'traffic: { thinkTime: { kind: exponential, mean: 1 }, rooms: 5 }',
        'autoScaler: { scaleUpThreshold: 20, cooldown: 2 }',
        'server: { startupDelay: 0.3 }',
      ].join('\n'),
    )
    const forecast = JSON.parse(
      (await runCli(['simulate', '--config', config, '--json'])).stdout,
    ) as RunResult
    const report = join(folder, 'report.html')
    const { status, stdout, stderr } = await runCli([
      'demo',
      '--live',
      '--config',
      config,
      '--report',
      report,
    ])
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/Lost, doubled, reordered: 0, 0, 0/)
    expect(stdout).toMatch(`Total requests processed: ${forecast.totalMessages}\n`)
    expect(stdout).toMatch(`Peak servers: ${forecast.peakServers}\n`)
    expect(readFileSync(report, 'utf8')).toMatch('kind: three-phase')
  })

  it('serves until Ctrl-C, and leaves no process and no lock', { timeout: 60_000 }, async () => {
    const data = join(folder, 'rooms')
    const args = ['serve', '--anonymous', '--port', '0', '--control-port', '0', '--data', data]
    const { child, finished } = startCli(args)
    let out = ''
    child.stdout!.on('data', (chunk) => {
      out += chunk
    })
    await until('the address', () => /ws:\/\/[^")]+/.test(out))
    const url = /ws:\/\/[^")]+/.exec(out)![0]
    const busy = await runCli([...args.slice(0, -1), data])
    expect([busy.status, busy.stderr]).toEqual([2, expect.stringMatching(/process \d+ on \S+ uses it/)])
    const load = await runCli(['load', '--url', url, '--duration', '3', '--peak-rate', '20', '--json'])
    expect(JSON.parse(load.stdout).checks).toMatchObject({ lost: 0, doubled: 0, reordered: 0 })
    expect(load.status).toBe(0)
    const children = () =>
      spawnText('pgrep', ['-P', String(child.pid), '-f', 'server-process']).then((text) =>
        text.split('\n').filter(Boolean),
      )
    const servers = await children()
    expect(servers.length).toBeGreaterThanOrEqual(2)
    child.kill('SIGINT')
    const { status } = await finished
    expect(status).toBe(130)
    for (const pid of servers) expect(() => process.kill(Number(pid), 0)).toThrow()
    await EmbeddedRoomLog.open(data).close() // its lock is free
  })

  it.each([
    [['serve'], /auth: no way to authenticate is configured/],
    [
      ['serve', '--anonymous', '--port', '99999', '--data', join(tmpdir(), `live-port-${process.pid}`)],
      /port/,
    ],
    [['load', '--url', 'http://127.0.0.1'], /--url: "http:\/\/127.0.0.1" is not allowed/],
    [['verify', '--history', '/nowhere/x'], /cannot be read \(ENOENT\)/],
    [['token', '--user', 'ann'], /CONCERTINA_SECRET: this variable is not set/],
    [['demo', '--port', '1'], /--port: needs --live/],
    [['demo', '--live', '--routing', 'message'], /--routing: a live user stays on its server/],
  ])('says what is wrong with %j', async (args, wrong) => {
    const { status, stderr } = await runCli(args)
    expect([status, stderr]).toEqual([2, expect.stringMatching(wrong)])
    expect(stderr).toMatch(/\n {2}allowed: /)
    expect(stderr).not.toMatch(/ at .*\.ts:/)
  })

  it('says when the port is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    const { status, stderr } = await runCli([
      'serve',
      '--anonymous',
      '--port',
      String(port),
      '--control-port',
      '0',
      '--data',
      join(folder, 'd'),
    ])
    taken.close()
    expect([status, stderr]).toEqual([2, expect.stringMatching(/cannot listen there \(EADDRINUSE\)/)])
  })
})

async function spawnText(command: string, args: readonly string[]): Promise<string> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'ignore'] })
  let text = ''
  child.stdout.on('data', (chunk) => {
    text += chunk
  })
  await once(child, 'close')
  return text
}
