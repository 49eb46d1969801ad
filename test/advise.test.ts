import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { runCli } from './run-cli.ts'
import { requireTerminal, Terminal } from './support/terminal.ts'

const folder = mkdtempSync(join(tmpdir(), 'concertina-advise-'))
const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}
/** Three hours; twice the users come and go. */
const users = (i: number) => Math.round(300 - 200 * Math.cos((i / 90) * 2 * Math.PI))
const trace = file(
  'load.csv',
  `time,other,online\n${Array.from({ length: 181 }, (_, i) => `${1_748_822_400 + i * 60},7,${users(i)}`).join('\n')}\n`,
)
const hpa = file(
  'hpa.yaml',
  `kind: HorizontalPodAutoscaler
metadata: { name: chat }
spec:
  minReplicas: 20
  maxReplicas: 40
  metrics: [{ type: Resource, resource: { name: cpu, target: { type: Utilization, averageUtilization: 50 } } }]
`,
)
const FACTS = ['--users-per-server', '50', '--provisioning-delay', '60', '--overload', '0.01']

interface Answer {
  recommended: string
  config: object
  forms: { title: string; text: string }[]
  ranked: { name: string; kept: number; copies: object[]; whole: { cost: number } }[]
  today: { copies: object[]; whole: { result: { averageServers: number } } }
}

it('says where a load may come from when there is none', async () => {
  const { status, stderr } = await runCli(['advise'])
  expect(stderr).toMatch(
    /^concertina: --trace: the load is missing\n {2}allowed: a file of how many users there were, such as a CSV from Grafana/,
  )
  expect(status).toBe(2)
})

it('recommends a policy with its config, the forms of the platforms, its cost beside today, and how sure that is', async () => {
  const args = ['advise', '--trace', trace, '--column', 'online', ...FACTS, '--current', hpa]
  const { status, stdout, stderr } = await runCli([...args, '--json', '--lang', 'zh'])
  expect(stderr).toMatch(/its target of 0.5 cpu is judged as 25 users a server/)
  expect(status).toBe(0)
  const answer = JSON.parse(stdout) as Answer
  const [best, ...others] = answer.ranked
  expect(answer.recommended).toBe(best!.name)
  expect(best!.copies).toHaveLength(7)
  // What runs today has 20 servers and more where 2 to 10 hold the users.
  expect(answer.today.whole.result.averageServers).toBeGreaterThanOrEqual(20)
  expect(answer.today.copies).toHaveLength(7)
  for (const other of others) if (other.copies.length > 0) expect(other.kept).toBeLessThanOrEqual(best!.kept)
  // What programs read is the same in every language.
  expect(answer.forms.map(({ title }) => title.split(':')[0])).toEqual(['Kubernetes', 'KEDA', 'AWS'])
  // Its own Kubernetes form is a file that import reads, its config one that simulate runs.
  const again = await runCli(['import', file('form.yaml', answer.forms[0]!.text), '--json'])
  expect(JSON.parse(again.stdout)).toMatchObject({
    config: { autoScaler: { policy: { kind: 'hpa', metric: 'users', target: 40 } } },
  })
  const config = file('config.json', JSON.stringify(answer.config))
  const run = await runCli(['simulate', '--config', config, '--duration', '5', '--json'])
  expect(run).toMatchObject({ status: 0, stderr: '' })
}, 300_000)

it('names the facts that are missing where it cannot ask', async () => {
  const { status, stderr } = await runCli(['advise', '--trace', trace, '--column', '3', '--overload', '0'])
  expect(status).toBe(2)
  expect(stderr).toMatch(/--users-per-server: is missing/)
  expect(stderr).toMatch(/--provisioning-delay/)
  expect(stderr).not.toMatch(/--overload \(/)
}, 30_000)

it.runIf(requireTerminal())(
  'asks on a terminal for what is not given',
  async () => {
    const terminal = new Terminal(110, 60, `advise --trace ${trace} --column online --price 0.5`)
    const seen = (pattern: RegExp) =>
      expect.poll(() => terminal.scrollback, { timeout: 120_000 }).toMatch(pattern)
    try {
      for (const [question, answer] of [
        [/How many users does a server hold\?/, '50'],
        [/How many seconds from launch/, 'many'],
        [/A number, please\.\s+How many seconds/, '60'],
        [/What share of user-time/, '1 %'],
      ] as const) {
        await seen(question)
        terminal.press(answer)
        terminal.press('Enter')
      }
      await seen(/A server holds 50 users and is ready after 60 s; 1\.000 % of user-time/)
      await seen(/Recommended: /)
      await seen(/status=0/)
    } finally {
      terminal.close()
    }
  },
  120_000,
)

it('speaks Chinese where it is asked to', { timeout: 180_000 }, async () => {
  const info = await runCli(['trace', 'info', trace, '--column', 'online', '--lang', 'zh'])
  expect(info.stdout).toContain('用户：列 online')
  expect(info.stdout).toContain('说明：时间是 1970 年以来的秒数')
  const args = ['advise', '--trace', trace, '--column', 'online', ...FACTS, '--lang', 'zh']
  const { stdout } = await runCli(args)
  expect(stdout).toMatch(/^负载：列 online，0\.1 天\n一台服务器容纳 50 个用户，60 秒后就绪；/)
  expect(stdout).toMatch(/\n推荐：[a-z-]+\n/)
  expect(stdout).not.toMatch(/server-hours|lower bound|overload/)
})
