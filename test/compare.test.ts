import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { candidateOf } from '../src/backtest/evaluate.ts'
import { searchSpace } from '../src/backtest/search-space.ts'
import { TaskPool } from '../src/backtest/task-pool.ts'
import { tune as searchBest } from '../src/backtest/tuning.ts'
import { evaluationOf } from '../src/cli/evaluation-flags.ts'
import { textWidth } from '../src/report/styled.ts'
import { runCli } from './run-cli.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'compare-'))
  const rows = Array.from(
    { length: 289 },
    (_, i) => `${i * 600},${Math.round(500 + 400 * Math.sin((i / 72) * Math.PI))}`,
  )
  writeFileSync(join(folder, 'waves.csv'), ['t_seconds,value', ...rows].join('\n'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const NAMED = `policies:
  always-forty:
    policy: { kind: schedule, entries: [{ cron: '* * * * *', servers: 40 }] }
  floored:
    policy:
      kind: max
      policies:
        - { kind: queueing, usersPerServer: 30 }
        - { kind: schedule, entries: [{ cron: '* * * * *', servers: 20 }] }
    scaleDownStabilization: 600
autoScaler: { interval: 15, maxServers: 60 }
server: { startupDelay: 45, concurrency: 8 }
`

interface Result {
  overload: number
  serverHours: number
  latency: { p50Ms: number; p95Ms: number; p99Ms: number }
}
interface Compared {
  traces: {
    floor: { attainable: { serverHours: number; overload: number } }
    evaluated: { policy: string; cost: number; result: Result }[]
  }[]
}

// Each run is a process of its own: several of them need their time on a busy machine.
describe('compare', { timeout: 120_000 }, () => {
  it('judges every policy beside the floor, as table, JSON and picture, and the same each time', async () => {
    const [json, svg] = [join(folder, 'out.json'), join(folder, 'out.svg')]
    const args = ['compare', '--trace', folder, '--target-servers', '20', '--json', json, '--svg', svg]
    const { status, stdout, stderr } = await runCli(args)
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^waves\.csv: the floor is \d+\.\d server-hours/)
    for (const kind of ['threshold', 'step', 'target-tracking', 'hpa', 'knative', 'queueing', 'predictive']) {
      expect(stdout).toMatch(new RegExp(`^${kind} +\\d+\\.\\d{3} % +\\d+\\.\\d\\d ×`, 'm'))
    }
    expect(stdout).toMatch(/^slo: within on [01] of 1, \d+\.\d\d ×, \d+ changes and \d+ moves a day$/m)
    const { traces } = JSON.parse(readFileSync(json, 'utf8')) as Compared
    const [{ floor, evaluated }] = traces as [Compared['traces'][0]]
    for (const { cost, result } of evaluated) {
      expect(cost).toBeCloseTo(result.serverHours / floor.attainable.serverHours, 6)
      // A policy within the allowance cannot be cheaper than one that knows the future.
      if (result.overload <= 0.001) expect(cost).toBeGreaterThanOrEqual(0.999)
    }
    expect(
      evaluated.every(({ result: { latency } }) => latency.p50Ms > 30 && latency.p99Ms >= latency.p95Ms),
    ).toBe(true)
    expect(readFileSync(svg, 'utf8').match(/<circle [^>]*><title>/g)!.length).toBe(evaluated.length)
    expect(await runCli(args)).toEqual({ status, stdout, stderr })
  })

  it('prints what docs/compare.md shows', async () => {
    const docs = readFileSync(new URL('../docs/compare.md', import.meta.url), 'utf8')
    const [, command, shown] =
      /npx concertina (compare --trace examples.*)\n```\n\n```\n([\s\S]*?)\n```/.exec(docs)!
    expect(command).toMatch(/--copies 3/)
    expect(await runCli(command!.split(' '))).toEqual({ status: 0, stdout: `${shown}\n`, stderr: '' })
  })

  it('says what is wrong, and leaves no file', async () => {
    const wrong = async (...args: string[]) => {
      const { status, stderr } = await runCli(['compare', ...args])
      expect(status).toBe(2)
      return stderr
    }
    const trace = ['--trace', join(folder, 'waves.csv')]
    expect(await wrong()).toMatch(/--trace/)
    expect(await wrong('--trace', '/nowhere')).toMatch(/--trace \/nowhere: cannot be read \(ENOENT\)/)
    expect(await wrong(...trace, '--policy', 'magic')).toMatch(
      /"magic" is not a policy\n {2}allowed: threshold, /,
    )
    expect(await wrong(...trace, '--interval', '0')).toMatch(/--interval: 0 is not allowed/)
    const json = join(folder, 'x.json')
    expect(await wrong(...trace, '--json', json, '--svg', '/nowhere/x.svg')).toMatch(
      /--svg \/nowhere\/x\.svg: cannot be written/,
    )
    expect(readdirSync(folder)).toEqual(['waves.csv'])
  })

  it('takes policies by name, and the conditions, from a config', async () => {
    const config = join(folder, 'policies.yaml')
    writeFileSync(config, NAMED)
    const json = join(folder, 'out.json')
    const args = ['compare', '--trace', join(folder, 'waves.csv'), '--config', config, '--json', json]
    const run = (...more: string[]) => runCli([...args, ...more])
    const { status, stdout } = await run('--policy', 'always-forty', '--policy', 'floored', '--policy', 'hpa')
    expect([status, stdout.match(/^(always-forty|floored|hpa) /gm)?.length]).toEqual([0, 3])
    const { settings, traces } = JSON.parse(readFileSync(json, 'utf8')) as Compared & { settings: object }
    expect(settings).toMatchObject({ provisioningDelay: 45, interval: 15, messages: { concurrency: 8 } })
    const [forty, floored] = traces[0]!.evaluated
    expect(forty!.result.serverHours).toBeCloseTo((40 * 288 * 600) / 3600, 6)
    expect(floored!.result.serverHours).toBeGreaterThan(20 * 48)
    const all = (await run()).stdout
    for (const policy of ['predictive', 'slo', 'always-forty', 'floored'])
      expect(all).toMatch(new RegExp(`^${policy} `, 'm'))
    const wrong = await run('--policy', 'floor')
    expect([wrong.status, wrong.stderr]).toEqual([
      2,
      expect.stringMatching(/"floor" is not a policy\n.*slo, .*always-forty, floored/),
    ])
    writeFileSync(config, NAMED.replace('usersPerServer: 30', 'usersPerServer: -1'))
    expect((await run()).stderr).toMatch(
      /policies\.yaml:8:\d+: policies\.floored\.policy\.policies\.0\.usersPerServer: -1 is not/,
    )
    writeFileSync(config, NAMED.replace('always-forty', 'hpa'))
    expect((await run()).stderr).toMatch(/policies\.yaml:2:3: policies\.hpa: this is the name of a kind/)
  })

  it('writes one page with the picture, a chart for each trace, all figures, the settings and how to repeat it', async () => {
    const config = join(folder, 'policies.yaml')
    const report = join(folder, 'out.html')
    writeFileSync(config, NAMED)
    writeFileSync(join(folder, 'again.csv'), readFileSync(join(folder, 'waves.csv')))
    const policies = ['--policy', 'hpa', '--policy', 'floored']
    const { status, stdout } = await runCli([
      'compare',
      '--trace',
      folder,
      '--config',
      config,
      ...policies,
      '--report',
      report,
    ])
    expect(status).toBe(0)
    expect(stdout).toMatch(/^median of 2 traces, and on how many overload was at most 0\.1 %$/m)
    const html = readFileSync(report, 'utf8')
    expect(html.match(/<svg /g)!.length).toBe(3)
    expect(html.match(/aria-label="Servers"/g)!.length).toBe(2)
    expect(html.match(/<td>floored<\/td>/g)!.length).toBe(3)
    expect(html).toMatch(/A server holds<\/td><td>30 users/)
    expect(html).toMatch(/<pre>concertina compare --trace .*--policy floored/)
    expect(html).toMatch('always-forty:')
    expect(html).not.toMatch(/<script|href=|src=|NaN|Infinity|undefined/)
  })

  it('writes its tables and its report in Chinese, in columns of equal width', async () => {
    const report = join(folder, 'zh.html')
    const svg = join(folder, 'zh.svg')
    const { status, stdout } = await runCli([
      'compare',
      ...['--trace', join(folder, 'waves.csv'), '--policy', 'hpa', '--policy', 'threshold', '--copies', '1'],
      ...['--lang', 'zh', '--report', report, '--svg', svg, '--price', '0.1', '--reserved', '4@0.06'],
      ...['--spot', '0.5@0.03', '--metric-delay', '5'],
    ])
    expect(status).toBe(0)
    const lines = stdout.split('\n')
    const head = lines.findIndex((line) => line.startsWith('策略'))
    expect(new Set(lines.slice(head, head + 3).map(textWidth)).size).toBe(1)
    expect(stdout).toMatch(/^hpa：1 段中 [01] 段达标，/m)
    expect(stdout).toMatch(/^p50、p95、p99、被拒绝：/m)
    const html = readFileSync(report, 'utf8')
    expect(html).toMatch('<html lang="zh-CN">')
    expect(html).toMatch(
      '<td>按需 0.1、预留 4 台，0.06、其余的 50 % 为竞价，0.03，每台每天被收回 0.1 次</td>',
    )
    expect(html).not.toMatch(/NaN|undefined|\[object/)
    // What is left in English are names: of files, of policies, and the command.
    const text = (page: string) =>
      page.replace(/<style>[\s\S]*?<\/style>|<pre>[\s\S]*|<title>[^<]*|<[^>]*>/g, ' ')
    const names = /^(Concertina|waves|csv|hpa|threshold|docs|compare|md|SPEC|ms)$/
    for (const page of [html, readFileSync(svg, 'utf8')])
      expect(
        text(page)
          .match(/[a-z]{2,}/gi)!
          .filter((word) => !names.test(word)),
      ).toEqual([])
  })

  it('looks at copies of each trace, at prices, and at a restart in the middle, and puts the best first', async () => {
    writeFileSync(join(folder, 'LICENCE.txt'), 'free "to use')
    const world = ['--start-up-tail', '20', '--metric-delay', '30', '--servers-per-node', '4']
    const prices = [
      '--price',
      '0.1',
      '--business-hours',
      '8-18@0.2',
      '--reserved',
      '4@0.06',
      '--spot',
      '0.5@0.03',
      '--interruptions',
      '5',
    ]
    const json = join(folder, 'out.json')
    const { status, stdout, stderr } = await runCli([
      'compare',
      ...['--trace', folder, '--overload', '0.02', '--copies', '2', '--restart', 'forget', '--json', json],
      ...['--policy', 'queueing', '--policy', 'hpa', ...world, ...prices],
    ])
    expect([status, stderr]).toEqual([
      0,
      expect.stringMatching(/^concertina: left out, since it is not a trace: .*LICENCE/),
    ])
    expect(stdout).toMatch(/^policy +overload +cost +on copies +a month .* restart +taken +peak/m)
    const row = String.raw`\d\.\d{3} % +\d\.\d\d × +\d\.\d{3} – \d\.\d{3} %, \d\.\d\d – \d\.\d\d × +\d+\.\d\d `
    expect(stdout).toMatch(
      new RegExp(`^queueing +${row}.*\n^hpa +${row}|^hpa +${row}.*\n^queueing +${row}`, 'm'),
    )
    expect(stdout).toMatch(/^restart: servers in the hour after/m)
    expect(stdout).toMatch(/; of copies on [012] of 2, \d\.\d\d ×$/m)
    const { traces } = JSON.parse(readFileSync(json, 'utf8')) as Compared
    const [queueing, hpa] = traces[0]!.evaluated
    expect(queueing!.result).not.toEqual(hpa!.result)
    const wrong = async (...args: string[]) =>
      (await runCli(['compare', '--trace', join(folder, 'waves.csv'), ...args])).stderr
    expect(await wrong('--spot', '0.5@0.03')).toMatch(/--spot: needs --price/)
    expect(await wrong('--business-hours', '8-18@2')).toMatch(/--business-hours: needs --price/)
    expect(await wrong('--price', '1', '--business-hours', '18-8@2')).toMatch(
      /"18-8@2" is not a time of day at a price\n {2}allowed: FROM-TO@PRICE/,
    )
    expect(await wrong('--price', '1', '--reserved', '4')).toMatch(
      /"4" is not an amount at a price\n {2}allowed: AMOUNT@PRICE/,
    )
    expect(await wrong('--node-delay', '4')).toMatch(/--node-delay: needs --servers-per-node/)
    expect(await wrong('--copies', '-1')).toMatch(/--copies: -1 is not allowed/)
  })

  it('interrupted, prints what is whole and leaves neither a file nor a thread', async () => {
    const rows = Array.from({ length: 40_000 }, (_, i) => `${i * 600},${500 + (i % 100)}`)
    writeFileSync(join(folder, 'zz-long.csv'), ['t_seconds,value', ...rows].join('\n'))
    const before = readdirSync(folder)
    const files = ['--json', join(folder, 'x.json'), '--report', join(folder, 'x.html')]
    const { status, stdout, stderr } = await runCli(
      ['compare', '--trace', folder, '--policy', 'hpa', '--policy', 'slo', ...files],
      async (child) => {
        while (readdirSync(folder).length < before.length + files.length / 2) await setTimeout(20)
        await setTimeout(2500)
        child.kill('SIGINT')
      },
    )
    expect([status, stderr]).toEqual([130, expect.stringMatching(/interrupted; [01] of 2 traces are whole/)])
    expect(stdout).not.toMatch('zz-long')
    expect(readdirSync(folder)).toEqual(before)
  })
})

describe('tune', { timeout: 120_000 }, () => {
  const tune = (...args: string[]) => runCli(['tune', '--trace', join(folder, 'waves.csv'), ...args])

  it('prints a config that simulate takes, tried on the rest of the trace', async () => {
    const { status, stdout } = await tune('--policy', 'queueing')
    expect(status).toBe(0)
    expect(stdout).toMatch(
      /on the first 70 % of the trace: \d+\.\d{3} % of user-time above capacity, \d+\.\d server-hours/,
    )
    expect(stdout).toMatch(/on the rest, which it has not seen: /)
    const config = join(folder, 'tuned.yaml')
    writeFileSync(config, stdout)
    const again = await runCli(['simulate', '--config', config, '--json'])
    expect([again.status, again.stderr]).toEqual([0, ''])
  })

  it('searches what it is given, and finds the cheapest within the allowance of exactly that', async () => {
    const search = ['--search', 'target=10,20,25,200', '--search', 'scaleDownStabilization=none,600']
    const { stdout } = await tune('--policy', 'hpa', '--train', '1', '--overload', '0.01', ...search)
    expect(stdout).toMatch(/^# The cheapest of 8 settings$/m)
    expect(stdout).not.toMatch('has not seen')
    expect(stdout).toMatch(/at the edge of what was tried|target: 2[05]/)
    expect(parse(stdout)).toMatchObject({ autoScaler: { policy: { kind: 'hpa', target: 25 } } })
  })

  it('takes values that only go together, and not with what is usual', async () => {
    const { status, stdout } = await tune(
      ...['--policy', 'threshold', '--search', 'scaleUpThreshold=10', '--search', 'scaleDownThreshold=5'],
    )
    expect(status).toBe(0)
    expect(parse(stdout).autoScaler.policy).toMatchObject({ scaleUpThreshold: 10, scaleDownThreshold: 5 })
  })

  it('gives the same answer with one thread and with three', async () => {
    const settings = evaluationOf({}).settings
    const hpa = candidateOf('hpa', settings)
    const space = searchSpace(hpa.policy, settings)
    const found = async (workers: number) => {
      const pool = new TaskPool({ workers })
      const input = { file: join(folder, 'waves.csv') }
      return searchBest(pool, input, hpa, { ...settings, interval: 120 }, space, { rounds: 2 }).finally(() =>
        pool.close(),
      )
    }
    const [one, three] = await Promise.all([found(1), found(3)])
    expect(one).toEqual(three)
    expect(one!.within).toBe(true)
    expect(one!.tried).toBeGreaterThan(216)
  })

  it('says what is wrong', async () => {
    const wrong = async (...args: string[]) => {
      const { status, stderr } = await tune(...args)
      expect(status).toBe(2)
      return stderr
    }
    expect(await wrong('--policy', 'slo')).toMatch(
      /nothing that is usually searched for slo\n {2}allowed: --search/,
    )
    expect(await wrong('--policy', 'hpa', '--search', 'aim=1')).toMatch(
      /hpa has no such option\n {2}allowed: .*target/,
    )
    expect(await wrong('--policy', 'hpa', '--search', 'target=20', '--search', 'target=30')).toMatch(
      /--search: target is given twice\n {2}allowed: all values of an option at once/,
    )
    expect(await wrong('--policy', 'hpa', '--interval', '1e-9')).toMatch(
      /--interval: 1e-9 s make 1e\+14 decisions in \d+ s\n {2}allowed: at least 0\.0012 s here/,
    )
    expect(await wrong('--policy', 'hpa', '--search', 'target=x')).toMatch(/"x" is not a number/)
    expect(await wrong('--policy', 'hpa', '--train', '2')).toMatch(/--train: 2 is not allowed/)
  })
})
