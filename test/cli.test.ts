import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { configJsonSchema } from '../src/cli/config/schema.ts'
import type { FleetSnapshot } from '../src/control/control-target.ts'
import type { RunResult } from '../src/metrics/run-result.ts'
import { MAIN, runCli, startCli, TSX } from './run-cli.ts'

const folder = mkdtempSync(join(tmpdir(), 'concertina-cli-'))
const file = (name: string, text: string) => {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

describe('concertina simulate', () => {
  it('prints the same bytes for the same seed', async () => {
    const args = ['simulate', '--json', '--scale-up-threshold', '15', '--seed']
    const [a, b, c] = await Promise.all([
      runCli([...args, '7']),
      runCli([...args, '7']),
      runCli([...args, '8']),
    ])
    expect(a.status).toBe(0)
    expect(a.stderr).toBe('')
    expect(b.stdout).toBe(a.stdout)
    expect(c.stdout).not.toBe(a.stdout)
    expect((JSON.parse(a.stdout) as RunResult).seed).toBe(7)
  })

  it('replays a trace with speed and scale, and writes the decisions', async () => {
    const trace = file('hour.csv', 't_seconds,value\r\n0,10\r\n1800,100\r\n3600,10\r\n')
    const events = join(folder, 'events.jsonl')
    const args = ['simulate', '--trace', trace, '--speed', '60', '--scale', '2', '--json', '--events', events]
    const { status, stdout } = await runCli(args)
    expect(status).toBe(0)
    const result = JSON.parse(stdout) as RunResult
    expect(result.duration).toBe(60)
    expect(result.peakLoad).toBe(200)
    const lines = readFileSync(events, 'utf8').trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toEqual(result.scalingEvents)
    expect(lines.length).toBeGreaterThan(2)
  })

  it('takes a config, whose files are relative to it, and flags before it', async () => {
    file('load.csv', 't_seconds,value\n0,40\n20,80\n')
    const config = file(
      'good.yaml',
      `seed: 5
load: { kind: scale, factor: 2, pattern: { kind: trace, file: load.csv } }
traffic: { arrivals: poisson, thinkTime: { kind: lognormal, mean: 2, cv: 1 } }
autoScaler: { minServers: 1, maxServers: 30, cooldown: 0 }
balancer: { strategy: least-loaded }
server: { startupDelay: 3, serviceTime: { kind: constant, value: 0.01 } }
`,
    )
    const { stdout } = await runCli(['simulate', '--config', config, '--json', '--max-servers', '4'])
    const result = JSON.parse(stdout) as RunResult
    expect(result.seed).toBe(5)
    expect(result.peakServers).toBe(4)
    expect(result.requestedPeakLoad).toBe(160)
  })
})

it('takes a policy from the config, and says in its decisions what the policy saw', async () => {
  const config = file(
    'hpa.yaml',
    'load: { kind: ramp, from: 10, to: 200, duration: 60 }\nautoScaler: { policy: { kind: hpa, target: 20 }, interval: 15 }\n',
  )
  const { stdout } = await runCli(['simulate', '--config', config, '--json'])
  const { scalingEvents, peakServers } = JSON.parse(stdout) as RunResult
  expect(peakServers).toBe(10)
  expect(scalingEvents[0]!.policy).toBe('hpa')
  expect(scalingEvents[0]!.reason).toMatch(/users a server are .* of the target 20/)
})

describe('bad input', () => {
  const trace = file('bad.csv', 't_seconds,value\n0,1\n5,oops\n')
  const config = file('bad.yaml', 'seed: 1\nautoScaler:\n  minServer: 3\n')
  const bounds = file('bounds.yaml', 'autoScaler:\n  minServers: 12\n  maxServers: 3\n')
  const type = file('type.yaml', 'load:\n  kind: ramp\n  from: many\n  to: 3\n  duration: 5\n')
  const policy = file('policy.yaml', 'autoScaler:\n  policy:\n    kind: hpa\n    targets: 5\n')
  const load = file('load.yaml', 'load:\n  kind: ramp\n  fromm: 1\n  from: 1\n  to: 2\n  duration: 3\n')
  const wave = file('wave.yaml', 'load:\n  kind: wave\n')
  const both = file('both.yaml', 'autoScaler:\n  policy: { kind: queueing }\n')
  const broken = file('broken.yaml', 'autoScaler: {\n')
  const alias = file('alias.yaml', 'seed: 1\nload: *nope\n')
  const loop = file('loop.yaml', 'load: &x { kind: scale, factor: 2, pattern: *x }\n')
  const range = file('range.yaml', 'duration: -3\n')
  const choice = file('choice.yaml', 'balancer:\n  strategy: least\n')
  const seed = file('seed.yaml', 'seed: [1]\n')
  const gone = file('gone.yaml', 'load:\n  kind: trace\n  file: gone.csv\n')
  const nested = file(
    'nested.yaml',
    `load:
  kind: sequence
  patterns:
    - { kind: constant, users: 3, duration: 5 }
    - { kind: clamp, min: 5, max: 2, pattern: { kind: constant, users: 3, duration: 5 } }
`,
  )

  it.each([
    ['an unknown flag', ['simulate', '--fast'], /unknown option '--fast'/],
    ['an unknown command', ['simulat'], /unknown command 'simulat'/],
    ['a word too many', ['simulate', 'now'], /too many arguments/],
    ['a flag that is not a number', ['demo', '--peak-rate', 'ten'], /--peak-rate <users>.*'ten'/],
    ['an empty number', ['demo', '--peak-rate', ''], /--peak-rate/],
    [
      'a negative duration',
      ['demo', '--duration', '-1'],
      /--duration: -1 is not allowed\n {2}allowed: a number, above 0/,
    ],
    [
      'min above max',
      ['simulate', '--min-servers', '9', '--max-servers', '3'],
      /--min-servers: 9 is more than maxServers \(3\)/,
    ],
    ['a missing trace', ['simulate', '--trace', '/no/such.csv'], /\/no\/such\.csv: there is no such file/],
    [
      'a missing config',
      ['simulate', '--config', '/no/such.yaml'],
      /\/no\/such\.yaml: there is no such file/,
    ],
    ['a line of a trace', ['simulate', '--trace', trace], /bad\.csv:3: value is "oops"/],
    [
      'a key',
      ['simulate', '--config', config],
      /bad\.yaml:3:3: autoScaler\.minServer: .*\n.*minServers \(did you mean it\?\)/,
    ],
    [
      'bounds in a config',
      ['simulate', '--config', bounds],
      /bounds\.yaml:2:15: autoScaler\.minServers: 12 is more/,
    ],
    ['a type in a config', ['simulate', '--config', type], /type\.yaml:3:9: load\.from/],
    [
      'a key of a policy',
      ['simulate', '--config', policy],
      /policy\.yaml:4:5: autoScaler\.policy\.targets: .*\n.*target \(did/,
    ],
    [
      'two policies',
      ['simulate', '--config', both, '--scale-up-threshold', '9'],
      /--scale-up-threshold: the policy queueing/,
    ],
    ['a key of a load', ['simulate', '--config', load], /load\.yaml:3:3: load\.fromm: .*\n.*from \(did/],
    [
      'a kind of load',
      ['simulate', '--config', wave],
      /wave\.yaml:2:9: load\.kind: .*\n.*three-phase, constant/,
    ],
    ['broken YAML', ['simulate', '--config', broken], /broken\.yaml:\d:\d/],
    ['an alias of nothing', ['simulate', '--config', alias], /alias\.yaml:2:7: \*nope: .*\n {2}allowed: /],
    ['an alias of itself', ['simulate', '--config', loop], /loop\.yaml:1:\d+: \*x: .*\n {2}allowed: /],
    [
      'a range in a config',
      ['simulate', '--config', range],
      /range\.yaml:1:11: duration: -3 is not allowed\n {2}allowed: a number, above 0/,
    ],
    [
      'a choice in a config',
      ['simulate', '--config', choice],
      /choice\.yaml:2:13: balancer\.strategy: "least" is not allowed\n {2}allowed: round-robin, least-loaded/,
    ],
    [
      'a seed that is a list',
      ['simulate', '--config', seed],
      /seed\.yaml:1:7: seed: \[1\] is not allowed\n {2}allowed: a number or text/,
    ],
    [
      'bounds deep in a load',
      ['simulate', '--config', nested],
      /nested\.yaml:5:35: load\.patterns\.1\.max: 2 is not allowed\n {2}allowed: a number, at least 5/,
    ],
    [
      'a missing trace in a config',
      ['simulate', '--config', gone],
      /gone\.yaml:3:9: load\.file: .*gone\.csv: there is no such file/,
    ],
    ['a flag that does not apply', ['simulate', '--speed', '2'], /--speed: needs --trace/],
    ['a strategy', ['simulate', '--strategy', 'best'], /round-robin, least-loaded/],
  ])('%s gets one message, status 2 and leaves no file', async (_, args, message) => {
    const events = join(folder, 'never.jsonl')
    const { status, stdout, stderr } = await runCli(
      args[0] === 'simulate' ? [...args, '--events', events] : args,
    )
    expect(stderr).toMatch(message)
    expect(stderr).not.toMatch(/\n\s+at /)
    expect(stdout).toBe('')
    expect(status).toBe(2)
    expect(readdirSync(folder).filter((name) => name.startsWith('never'))).toEqual([])
  })

  it('says before the run that the events cannot be written', async () => {
    const { status, stderr, stdout } = await runCli(['simulate', '--events', '/no/such/folder/events'])
    expect([status, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(/--events \/no\/such\/folder\/events: cannot be written \(ENOENT\)/)
  })

  it('says before a long run that the events are a folder', async () => {
    const { status, stderr } = await runCli(['simulate', '--duration', '1e12', '--events', folder])
    expect(status).toBe(2)
    expect(stderr).toMatch(/cannot be written \(EISDIR\)/)
  })
})

it('writes to a pipe as it is', async () => {
  const pipe = join(mkdtempSync(join(tmpdir(), 'cli-')), 'pipe')
  execFileSync('sh', ['-c', 'mkfifo "$0"', pipe])
  const [{ status }, text] = await Promise.all([
    runCli(['simulate', '--scale-up-threshold', '15', '--events', pipe]),
    readFile(pipe, 'utf8'),
  ])
  expect(status).toBe(0)
  expect(JSON.parse(text.split('\n')[0]!)).toMatchObject({ action: 'scale_up' })
  expect(statSync(pipe).isFIFO()).toBe(true)
})

it.each(['simulate', 'help'])('fails when its output cannot be written: %s', (command) => {
  const run = `"$0" --import "$1" "$2" ${command} > /dev/full`
  const { status, stderr } = spawnSync('sh', ['-c', run, process.execPath, TSX, MAIN], { encoding: 'utf8' })
  expect([status, stderr]).toEqual([2, 'concertina: the standard output cannot be written (ENOSPC)\n'])
})

it('prints the result also when the decisions could not be written', async () => {
  const { status, stdout, stderr } = await runCli(['simulate', '--decisions', '/dev/full'])
  expect(status).toBe(2)
  expect(stdout).toMatch(/Peak load: 50 concurrent users/)
  expect(stderr).toMatch(/--decisions \/dev\/full: cannot be written \(ENOSPC\)/)
})

it('speaks Chinese where it is asked to, and no language that it does not know', async () => {
  const { status, stdout } = await runCli(['simulate', '--lang', 'zh', '--scale-up-threshold', '15'])
  expect(status).toBe(0)
  expect(stdout).toMatch('峰值负载：50 个并发用户')
  expect(stdout).toMatch(/1\. 📈 扩容：3 台服务器/)
  const other = await runCli(['simulate', '--lang', 'fr'])
  expect(other.status).toBe(2)
  expect(other.stderr).toMatch(/Allowed choices are en, zh/)
})

it('says as much beside the result of a simulation as is asked for', async () => {
  const simulate = (...flags: string[]) =>
    runCli(['simulate', '--duration', '20', '--scale-up-threshold', '15', '--lang', 'en', ...flags])
  expect(await simulate('--quiet')).toMatchObject({ status: 0, stdout: '', stderr: '' })
  const { stdout } = await simulate('--quiet', '--json')
  expect(JSON.parse(stdout)).toMatchObject({ duration: 20 })
  const logged = await simulate('--log-level', 'info', '--log-format', 'text')
  expect(logged.stderr).toMatch(/Scaling up to 3 servers from 2: .* above the scale-up threshold of 15$/m)
  expect(logged.stdout).toMatch(/^=+\n📊/)
  const json = await simulate('--log-level', 'info', '--log-format', 'json')
  expect(JSON.parse(json.stderr.split('\n')[0]!)).toMatchObject({ level: 'info', action: 'scale_up', to: 3 })
})

describe('concertina demo', () => {
  it('prints banner, configuration, load, scaling and metrics in this order', async () => {
    const { status, stdout } = await runCli(['demo', '--duration', '3', '--cooldown', '0', '--verbose'])
    expect(status).toBe(0)
    const order = [
      'Concertina Auto-Scaling Chat System Demo',
      '📋 Configuration',
      'Base load: 5 concurrent users',
      'Policy: threshold, up above 15 users a server',
      '📊 Load:   5 users | Servers:  2 | Requests:    0',
      '⚠️ Scaling Threshold Reached! Load: 50, Scaling up to 3 servers',
      '50 users on 2 servers are 25.0 a server, above the scale-up threshold of 15',
      '📊 Auto-Scaling System Metrics',
      'Total requests processed: ',
      'Total duration: 3.00s',
      'Average throughput: ',
      'Peak load: 50 concurrent users (requested 50)',
      'Peak servers: ',
      'Scaling events: ',
      'Average load: ',
      'Average servers: ',
      'Latency: p50 ',
      '🔄 Scaling Events:',
      '1. 📈 SCALE_UP: 3 servers (load: 50)',
      '📉 SCALE_DOWN: ',
    ]
    const places = order.map((text) => [text, stdout.indexOf(text)] as const)
    expect(places.filter(([, at]) => at < 0)).toEqual([])
    expect(places.toSorted((a, b) => a[1] - b[1])).toEqual(places)
  })

  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('ends on %s with the summary so far', async (signal, expected) => {
    const { status, stdout, stderr } = await runCli(['demo', '--duration', '600'], async (child) => {
      let seen = ''
      child.stdout!.on('data', (chunk: Buffer) => {
        seen += chunk
      })
      for (let i = 0; i < 300 && !seen.includes('Load:'); i++) await sleep(50)
      child.kill(signal)
    })
    expect(stdout).toMatch(/Total duration: \d+\.\d\ds \(interrupted\)/)
    expect(stderr).toBe('')
    expect(status).toBe(expected)
  })
})

it('ships a current JSON Schema of the config', () => {
  const shipped = readFileSync(new URL('../schema/concertina.schema.json', import.meta.url), 'utf8')
  expect(JSON.parse(shipped)).toEqual(JSON.parse(JSON.stringify(configJsonSchema())))
})

describe('simulate --watch', () => {
  it('serves a dashboard whose controls act on the simulation', async () => {
    const args = [
      'simulate',
      '--watch',
      '--port',
      '0',
      '--duration',
      '600',
      '--scale-up-threshold',
      '15',
      '--json',
    ]
    const { child, finished } = startCli(args)
    let said = ''
    child.stderr!.on('data', (chunk) => {
      said += chunk
    })
    for (let i = 0; i < 200 && !said.includes('Dashboard'); i++) await sleep(50)
    const url = /Dashboard: (\S+)/.exec(said)![1]!
    const state = async () => (await fetch(`${url}api/state`)).json() as Promise<FleetSnapshot>
    const post = async (path: string, body: object) =>
      (await fetch(`${url}api/${path}`, { method: 'POST', body: JSON.stringify(body) })).status
    expect(await post('load', { users: 70 })).toBe(204)
    await expect.poll(async () => (await state()).ready, { timeout: 20_000 }).toBeGreaterThanOrEqual(3)
    expect((await state()).load).toBe(70)
    const [first] = (await state()).servers
    expect(await post(`servers/${first!.id}/kill`, {})).toBe(204)
    await expect.poll(async () => (await state()).servers.some(({ id }) => id === first!.id)).toBe(false)
    expect((await fetch(`${url}metrics`)).status).toBe(404)
    expect(await (await fetch(url)).text()).toMatch('<title>Concertina</title>')
    child.kill('SIGINT')
    const { status, stdout } = await finished
    expect(status).toBe(130)
    expect(JSON.parse(stdout)).toMatchObject({ interrupted: true, peakLoad: 70 })
  })

  it('ends at once when the port is taken', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    const { port } = taken.address() as AddressInfo
    const { status, stderr, stdout } = await runCli(['simulate', '--watch', '--port', String(port)])
    taken.close()
    expect([status, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(/cannot listen there \(EADDRINUSE\)/)
  })
})
