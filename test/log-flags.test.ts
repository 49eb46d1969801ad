import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { runCli, startCli } from './run-cli.ts'

let folder: string
let trace: string
let decisions: string
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'log-flags-'))
  trace = join(folder, 'load.csv')
  const users = (i: number) => Math.round(300 - 200 * Math.cos((i / 90) * 2 * Math.PI))
  const rows = Array.from({ length: 91 }, (_, i) => `${1_748_822_400 + i * 60},${users(i)}`)
  writeFileSync(trace, `time,users\n${rows.join('\n')}\n`)
  decisions = join(folder, 'decisions.jsonl')
  await runCli(['simulate', '--quiet', '--decisions', decisions])
}, 120_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Commands that search for a while, each with what it is about. */
const SEARCHES: [name: string, args: () => string[], of: string][] = [
  ['compare', () => ['compare', '--trace', trace, '--policy', 'hpa', '--users-per-server', '50'], 'runs'],
  [
    'tune',
    () => [
      'tune',
      '--trace',
      trace,
      '--policy',
      'hpa',
      '--users-per-server',
      '50',
      '--search',
      'target=30,40',
    ],
    'settings',
  ],
  [
    'advise',
    () => [
      'advise',
      '--trace',
      trace,
      '--users-per-server',
      '50',
      '--provisioning-delay',
      '60',
      '--overload',
      '0.01',
    ],
    'runs',
  ],
  ['replay', () => ['replay', decisions, '--policy', 'hpa'], 'policies'],
]

describe.each(SEARCHES)('%s', { timeout: 180_000 }, (name, args, of) => {
  it('says how far it is in the form that is asked for, beside its result', async () => {
    const { status, stdout, stderr } = await runCli([
      ...args(),
      '--log-format',
      'json',
      '--log-level',
      'info',
    ])
    expect(status).toBe(0)
    expect(stdout).not.toBe('')
    const lines = stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines.at(-1)).toMatchObject({
      level: 'info',
      message: expect.stringMatching(new RegExp(`^\\d+ of \\d+ ${of}, `)),
    })
    const { done, of: all } = lines.at(-1)
    expect(done).toBe(all)
  })

  it('says nothing about that with --quiet, or when nothing is asked for', async () => {
    expect(await runCli(args())).toMatchObject({ status: 0, stderr: '' })
    const { status, stdout, stderr } = await runCli([...args(), '--quiet'])
    expect([status, stderr]).toEqual([0, ''])
    const isConfig = name === 'tune' || name === 'advise'
    if (isConfig) expect(parse(stdout)).toMatchObject({ autoScaler: { policy: {} } })
    else expect(stdout).toBe('')
  })
})

describe('demo', { timeout: 180_000 }, () => {
  const demo = ['demo', '--duration', '3', '--cooldown', '0', '--lang', 'en']

  it('prints nothing with --quiet, and still writes its files', async () => {
    const log = join(folder, 'demo.jsonl')
    expect(await runCli([...demo, '--quiet', '--decisions', log])).toMatchObject({
      status: 0,
      stdout: '',
      stderr: '',
    })
    expect(readFileSync(log, 'utf8').split('\n').length).toBeGreaterThan(3)
  })

  it('logs beside what it prints, in the form that is asked for', async () => {
    const { stdout, stderr } = await runCli([...demo, '--log-format', 'json'])
    expect(stdout).toMatch(/Concertina Auto-Scaling Chat System Demo[\s\S]*Total requests processed/)
    expect(stdout).not.toMatch(/Scaling up/)
    expect(JSON.parse(stderr.split('\n')[0]!)).toMatchObject({ level: 'info', action: 'scale_up' })
    expect((await runCli([...demo, '--log-level', 'error'])).stderr).toBe('')
  })

  it('takes no two that disagree', async () => {
    expect(await runCli([...demo, '--quiet', '--verbose'])).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/--quiet.*--verbose/),
    })
  })
})

describe('load', () => {
  it('says how far it is, and nothing with --quiet', async () => {
    const { child } = startCli([
      'serve',
      ...['--data', join(folder, 'rooms')],
      '--anonymous',
      '--port',
      '0',
      '--control-port',
      '0',
      '--log-format',
      'json',
    ])
    try {
      let log = ''
      child.stdout!.on('data', (chunk) => {
        log += chunk
      })
      await expect.poll(() => log, { timeout: 60_000 }).toMatch(/Dashboard/)
      const { port } = JSON.parse(log.split('\n')[0]!) as { port: number }
      const load = [
        'load',
        '--url',
        `ws://127.0.0.1:${port}/chat`,
        '--duration',
        '2',
        '--base-rate',
        '3',
        '--peak-rate',
        '3',
      ]
      const verbose = await runCli([...load, '--log-format', 'json', '--verbose'])
      expect([verbose.status, verbose.stdout]).toEqual([0, expect.stringMatching(/Virtual users/)])
      expect(JSON.parse(verbose.stderr.trim().split('\n').at(-1)!)).toMatchObject({
        message: expect.stringMatching(/^\d+ of 2 s: \d+ users, \d+ of \d+ messages acknowledged$/),
        duration: 2,
      })
      expect(await runCli([...load, '--quiet'])).toMatchObject({ status: 0, stdout: '', stderr: '' })
    } finally {
      child.kill('SIGKILL')
    }
  }, 180_000)
})
