import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { configSchema } from '../src/cli/schema.ts'
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

interface Compared {
  traces: {
    floor: { attainable: { serverHours: number; overload: number } }
    judged: { policy: string; cost: number; result: { overload: number; serverHours: number } }[]
  }[]
}

describe('compare', () => {
  it('judges every policy beside the floor, as table, JSON and picture, and the same each time', async () => {
    const [json, svg] = [join(folder, 'out.json'), join(folder, 'out.svg')]
    const args = ['compare', '--trace', folder, '--target-servers', '20', '--json', json, '--svg', svg]
    const { status, stdout, stderr } = await runCli(args)
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^waves\.csv: the floor is \d+\.\d server-hours/)
    for (const kind of ['threshold', 'step', 'target-tracking', 'hpa', 'knative', 'queueing', 'predictive']) {
      expect(stdout).toMatch(new RegExp(`^${kind} +\\d+\\.\\d{3} % +\\d+\\.\\d\\d ×`, 'm'))
    }
    const { traces } = JSON.parse(readFileSync(json, 'utf8')) as Compared
    const [{ floor, judged }] = traces as [Compared['traces'][0]]
    for (const { cost, result } of judged) {
      expect(cost).toBeCloseTo(result.serverHours / floor.attainable.serverHours, 6)
      // Whoever keeps to the allowance cannot be cheaper than who had known the future.
      if (result.overload <= 0.001) expect(cost).toBeGreaterThanOrEqual(0.999)
    }
    expect(readFileSync(svg, 'utf8').match(/<circle [^>]*><title>/g)!.length).toBe(judged.length)
    expect((await runCli(args)).stdout).toBe(stdout)
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
      /"magic" is no policy\n {2}allowed: threshold, /,
    )
    expect(await wrong(...trace, '--interval', '0')).toMatch(/--interval: 0 is not allowed/)
    const json = join(folder, 'x.json')
    expect(await wrong(...trace, '--json', json, '--svg', '/nowhere/x.svg')).toMatch(
      /--svg \/nowhere\/x\.svg: cannot be written/,
    )
    expect(readdirSync(folder)).toEqual(['waves.csv'])
  })
})

it('tune prints a config to paste, tried on the rest of the trace', async () => {
  const { status, stdout } = await runCli([
    'tune',
    '--policy',
    'threshold',
    '--trace',
    join(folder, 'waves.csv'),
  ])
  expect(status).toBe(0)
  expect(stdout).toMatch(
    /on the first 70 % of the trace: \d+\.\d{3} % of user-time above capacity, \d+\.\d server-hours/,
  )
  expect(stdout).toMatch(/on the rest, which it has not seen: /)
  expect(configSchema.safeParse(parse(stdout))).toMatchObject({ success: true })
})
