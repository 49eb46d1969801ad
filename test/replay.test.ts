import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { runCli } from './run-cli.ts'

let folder: string
let log: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'replay-'))
  log = join(folder, 'decisions.jsonl')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** A simulated run of 200 s under a threshold policy, with `queueing` in the shadow. */
async function record(): Promise<void> {
  const config = join(folder, 'run.yaml')
  writeFileSync(
    config,
    `load: { kind: three-phase, duration: 200, baseRate: 20, peakRate: 200 }
autoScaler:
  scaleUpThreshold: 15
  scaleDownThreshold: 8
  interval: 2
  cooldown: 0
  maxServers: 20
  shadow: { kind: queueing, usersPerServer: 15 }
server: { startupDelay: 6 }
`,
  )
  const { status, stderr } = await runCli(['simulate', '--config', config, '--decisions', log])
  expect([status, stderr]).toEqual([0, ''])
}

interface Row {
  policy: string
  overload: number
  serverHours: number
  scalingEvents: number
}

describe('a decision log', () => {
  it('has every decision, and those of the shadow, in order', async () => {
    await record()
    const [run, ...decisions] = readFileSync(log, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(run).toEqual({
      kind: 'run',
      version: 1,
      policy: 'threshold',
      interval: 2,
      minServers: 2,
      maxServers: 20,
    })
    expect(decisions.length).toBe(2 * 101)
    expect(decisions.filter(({ shadow }) => shadow).map(({ policy }) => policy)).toEqual(
      new Array(101).fill('queueing'),
    )
    const own = decisions.filter(({ shadow }) => !shadow)
    expect(own.map(({ time }) => time)).toEqual(Array.from({ length: 101 }, (_, i) => 2 * i))
    for (const [i, { to }] of own.entries()) if (i < 100) expect(own[i + 1].from).toBe(to)
  })

  it('is explained line by line, with the shadow and what was done by hand', async () => {
    await record()
    const lines = readFileSync(log, 'utf8').trimEnd().split('\n')
    writeFileSync(
      log,
      [...lines.slice(0, 3), '{"kind":"hand","time":3.5,"text":"the autoscaler is paused"}'].join('\n'),
    )
    const { stdout } = await runCli(['explain', log])
    expect(stdout.split('\n')).toEqual([
      'A run under threshold, which decides every 2 s, with 2 to 20 servers.',
      expect.stringMatching(/^At 0 s, with 20 users, it stayed at 2 servers: threshold saw that 20 users/),
      expect.stringMatching(
        /^At 0 s, with 20 users, the shadow would have stayed at 2 servers: queueing saw that/,
      ),
      'At 3.5 s, by hand: the autoscaler is paused.',
      '',
    ])
  })
})

describe('replay', () => {
  it('sets what every policy would have done beside what was done, with what the log has of the run', async () => {
    await record()
    const json = join(folder, 'out.json')
    const { status, stdout } = await runCli(['replay', log, '--users-per-server', '15', '--json', json])
    expect(status).toBe(0)
    expect(stdout).toMatch(
      /decisions\.jsonl: 200 s under threshold, a decision every 2 s, 2 to 20 servers; a server holds 15 users and starts in 6 s \(as seen\)\nthe floor is /,
    )
    for (const name of ['as it was', 'threshold', 'hpa', 'slo'])
      expect(stdout).toMatch(new RegExp(`^${name} +\\d`, 'm'))
    const { replayed, floor } = JSON.parse(readFileSync(json, 'utf8'))
    for (const { overload, serverHours } of replayed as Row[]) {
      if (overload <= 0.001) expect(serverHours).toBeGreaterThanOrEqual(0.999 * floor.serverHours)
    }
  })

  it('of the very policy that was in charge comes to what was done', async () => {
    await record()
    const config = join(folder, 'same.yaml')
    writeFileSync(
      config,
      'policies: { same: { policy: { kind: threshold, scaleUpThreshold: 15, scaleDownThreshold: 8 }, cooldown: 0 } }\n',
    )
    const json = join(folder, 'out.json')
    await runCli([
      'replay',
      log,
      '--users-per-server',
      '15',
      '--config',
      config,
      '--policy',
      'same',
      '--json',
      json,
    ])
    const [was, same] = JSON.parse(readFileSync(json, 'utf8')).replayed as [Row, Row]
    // One more, since it begins with the third server that the first seconds need and gives it back at once; one fewer, since
    // what was decided at the very end, with no time left to count, is in the log only.
    expect(same.scalingEvents).toBe(was.scalingEvents)
    expect(same.serverHours).toBeCloseTo(was.serverHours, 6)
    expect(Math.abs(same.overload - was.overload)).toBeLessThan(0.005)
  })

  it('writes the decisions of one policy, to be explained', async () => {
    await record()
    const other = join(folder, 'hpa.jsonl')
    const { stdout } = await runCli(['replay', log, '--policy', 'hpa', '--decisions', other])
    const [event] = /^At .*hpa saw that.*$/m.exec(stdout)!
    expect((await runCli(['explain', other])).stdout).toMatch(event!)
  })

  it('reads a log that breaks off within its last line up to there, and says so', async () => {
    await record()
    const text = readFileSync(log, 'utf8')
    writeFileSync(log, text.slice(0, text.lastIndexOf('"time":100')))
    const { status, stdout, stderr } = await runCli(['replay', log, '--policy', 'hpa'])
    expect(status).toBe(0)
    expect(stdout).toMatch(/decisions\.jsonl: 100 s under threshold/)
    expect(stderr).toMatch(/decisions\.jsonl:103: the log breaks off within this line/)
    const explained = await runCli(['explain', log])
    expect(explained.stdout.trimEnd().split('\n')).toHaveLength(102)
  })

  it('names the policies that were in charge one after the other', async () => {
    await record()
    const [run, ...lines] = readFileSync(log, 'utf8').trimEnd().split('\n')
    const late = (line: string) => JSON.parse(line).time >= 100 && JSON.parse(line).shadow === undefined
    const changed = lines.map((line) =>
      late(line) ? line.replace('"policy":"threshold"', '"policy":"hpa"') : line,
    )
    writeFileSync(log, [run, ...changed].join('\n'))
    const { stdout } = await runCli(['replay', log, '--policy', 'hpa'])
    expect(stdout).toMatch(/200 s under threshold, then hpa, a decision every 2 s/)
  })

  it('takes the longest run of a log that several wrote', async () => {
    await record()
    const lines = readFileSync(log, 'utf8').trimEnd().split('\n')
    writeFileSync(log, [...lines.slice(0, 41), ...lines, ...lines.slice(0, 21)].join('\n'))
    const { status, stdout } = await runCli(['replay', log, '--policy', 'hpa'])
    expect(status).toBe(0)
    expect(stdout).toMatch(/decisions\.jsonl, the longest of 3 runs: 200 s under threshold/)
  })

  it('ends with what is whole when it is interrupted, and writes no file', async () => {
    const lines = Array.from({ length: 40_000 }, (_, i) => {
      const load = Math.round(3000 + 2000 * Math.sin(i / 900))
      return `{"time":${i},"action":"none","from":100,"to":100,"ready":100,"desired":100,"load":${load},"policy":"p","reason":"r"}\n`
    })
    writeFileSync(log, lines.join(''))
    const many = ['hpa', 'slo', 'knative', 'queueing', 'predictive', 'step', 'threshold']
    const policies = many.flatMap((name) => ['--policy', name])
    const { status, stderr } = await runCli(
      ['replay', log, ...policies, '--json', join(folder, 'out.json')],
      async (child) => {
        while (readdirSync(folder).length < 2) await new Promise((resolve) => setTimeout(resolve, 5))
        child.kill('SIGINT')
      },
    )
    expect(status).toBe(130)
    expect(stderr).toMatch(/interrupted; \d of 7 policies are whole/)
    expect(readdirSync(folder)).toEqual(['decisions.jsonl'])
  })

  it('says what is wrong, and leaves no file', async () => {
    await record()
    const before = readdirSync(folder)
    const wrong = async (...args: string[]) => {
      const { status, stderr } = await runCli(['replay', ...args])
      expect(status).toBe(2)
      return stderr
    }
    expect(await wrong(log, '--decisions', join(folder, 'x'))).toMatch(
      /--decisions: \d+ policies are replayed\n {2}allowed: together with one --policy/,
    )
    expect(await wrong(log, '--policy', 'magic')).toMatch(/"magic" is not a policy/)
    expect(await wrong(log, '--interval', '0')).toMatch(/--interval: 0 is not allowed/)
    expect(readdirSync(folder)).toEqual(before)
    const text = readFileSync(log, 'utf8')
    writeFileSync(log, text + text.slice(text.indexOf('\n') + 1))
    expect(await wrong(log)).toMatch(
      /a decision at 0 s follows one at 200 s\n {2}allowed: the log of one run/,
    )
    writeFileSync(log, '{"kind":"run"}\n')
    expect(await wrong(log)).toMatch(/decisions\.jsonl:1: this is not a decision/)
    writeFileSync(log, '')
    expect(await wrong(log)).toMatch(/0 of its decisions have a load\n {2}allowed: at least two/)
  }, 180_000)
})
