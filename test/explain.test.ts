import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { parseTrace } from '../src/traffic/traces/trace.ts'
import { runCli } from './run-cli.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'explain-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

it('explains a log that simulate wrote, wholly or one line', async () => {
  const log = join(folder, 'events.jsonl')
  await runCli(['simulate', '--scale-up-threshold', '15', '--max-servers', '3', '--events', log])
  const { status, stdout } = await runCli(['explain', log])
  expect(status).toBe(0)
  expect(stdout.split('\n')[0]).toBe(
    'At 6 s, with 35 users, it went from 2 to 3 servers: threshold saw that 35 users on 2 servers are 17.5 a server, above the ' +
      'scale-up threshold of 15. (usersPerServer 17.5, scaleUpThreshold 15, scaleDownThreshold 10)',
  )
  const last = await runCli(['explain', log, '--line', '2'])
  expect(last.stdout).toBe(`${stdout.split('\n')[1]}\n`)
})

it('explains only what changed the fleet', async () => {
  const log = join(folder, 'decisions.jsonl')
  await runCli(['simulate', '--scale-up-threshold', '15', '--max-servers', '3', '--decisions', log])
  const all = (await runCli(['explain', log])).stdout.trim().split('\n')
  const changes = (await runCli(['explain', log, '--changes'])).stdout.trim().split('\n')
  expect(all.length).toBeGreaterThan(20)
  expect(changes).toEqual(all.filter((line) => !line.includes('it stayed at')))
  expect(changes.filter((line) => line.includes('it went from'))).toHaveLength(2)
})

it('explains in Chinese', async () => {
  const log = join(folder, 'decisions.jsonl')
  await runCli(['simulate', '--scale-up-threshold', '15', '--max-servers', '3', '--decisions', log])
  appendFileSync(log, '{"kind":"hand","time":31,"text":"server 2 is killed by hand"}\n')
  const { stdout } = await runCli(['explain', log, '--changes', '--lang', 'zh'])
  const lines = stdout.trim().split('\n')
  expect(lines[0]).toBe('一次运行：策略 threshold，每 1 s 决策一次，2 到 3 台服务器。')
  expect(lines[1]).toMatch(/^6 s，有 35 个用户，从 2 台变为 3 台服务器：threshold 看到 .+。/)
  expect(lines.at(-1)).toBe('31 s，由人工：服务器 2 由人工终止。')
})

it('says that a log is empty', async () => {
  const log = join(folder, 'empty.jsonl')
  writeFileSync(log, '')
  const { status, stdout, stderr } = await runCli(['explain', log])
  expect([status, stdout, stderr]).toEqual([0, '', `concertina: ${log}: it is empty\n`])
})

it('names the line that is not a decision', async () => {
  const log = join(folder, 'events.jsonl')
  writeFileSync(log, '{"time": 1}\n')
  expect(await runCli(['explain', log])).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(/events\.jsonl:1: this is not a decision/),
  })
  expect((await runCli(['explain', log, '--line', '7'])).stderr).toMatch(
    /--line: there is no line 7\n {2}allowed: 1 to 1/,
  )
  expect((await runCli(['explain', join(folder, 'none')])).stderr).toMatch(/cannot be read \(ENOENT\)/)
})

const answer = (result: unknown) =>
  JSON.stringify({ status: 'success', data: { resultType: 'matrix', result } })

it('replays the answer of a Prometheus range query', async () => {
  const file = join(folder, 'load.json')
  const values = Array.from({ length: 11 }, (_, i) => [1_700_000_000 + i * 10, String(10 * i)])
  writeFileSync(file, answer([{ metric: { job: 'chat' }, values }]))
  const { status, stdout } = await runCli(['simulate', '--trace', file, '--json'])
  expect(status).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ duration: 100, peakLoad: 100 })
})

it.each([
  [
    '{"status":"error","errorType":"bad_data","error":"parse error at 5"}',
    /load: Prometheus answered with an error: parse error at 5/,
  ],
  ['{"status":', /load: it is not JSON/],
  [answer([]), /load: it has no series/],
  [
    answer(
      [1, 2].map((n) => ({
        metric: { n: String(n) },
        values: [
          [1, '1'],
          [2, '2'],
        ],
      })),
    ),
    /it has 2 series: \{n="1"\} \| \{n="2"\}/,
  ],
  [
    answer([
      {
        metric: {},
        values: [
          [1, '1'],
          [2, 'NaN'],
        ],
      },
    ]),
    /load: there are fewer than two points with a value/,
  ],
  [
    answer([
      {
        metric: {},
        values: [
          [1, '1'],
          [1, '2'],
        ],
      },
    ]),
    /load: values\[1\]: time 1 is there twice, with different values/,
  ],
  [answer([{ metric: {}, values: 'x' }]), /load: data\.result\[0\]\.values/],
])('says what is wrong with %s', (text, wrong) => {
  expect(() => parseTrace(text, 'load')).toThrow(wrong)
})
