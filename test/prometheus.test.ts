import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ChatClient } from '../src/client/node.ts'
import { notFound } from '../src/live/control-http.ts'
import { startControlPlane } from '../src/live/control-plane.ts'
import { liveControl } from '../src/live/live-control.ts'
import { Supervisor } from '../src/live/supervisor.ts'
import { AutoScaler } from '../src/scaling/auto-scaler.ts'
import { Prometheus, promtool, requirePrometheus, SHIPPED } from './support/prometheus.ts'

const TOKEN = 'a-token-for-scrapes'
const USERS = 12
const MESSAGES = 60
const SLOW = { timeout: 20_000, interval: 200 }

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')

interface Panel {
  readonly title: string
  readonly datasource: { readonly uid: string }
  readonly targets: readonly { readonly expr: string }[]
}
const dashboard = JSON.parse(read('deploy/grafana/concertina.json')) as {
  schemaVersion: number
  panels: Panel[]
}
const expressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
const alerts = readFileSync(join(SHIPPED, 'alerts.yml'), 'utf8')

describe.skipIf(!requirePrometheus())('Prometheus and a live fleet', { timeout: 60_000 }, () => {
  const desired = { servers: 2 }
  const clients: ChatClient[] = []
  let folder: string
  let supervisor: Supervisor
  let plane: Awaited<ReturnType<typeof startControlPlane>>
  let prometheus: Prometheus

  const metrics = async () => {
    const headers = { authorization: `Bearer ${TOKEN}` }
    return (await fetch(`${plane.url}metrics`, { headers })).text()
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'prometheus-'))
    const policy = { name: 'scripted', evaluate: () => ({ ...desired, reason: 'scripted' }) }
    const autoScaler = new AutoScaler({ policy, minServers: 2, maxServers: 3, cooldown: 0, interval: 0.1 })
    const options = { gateway: { port: 0 }, autoScaler, data: join(folder, 'rooms') }
    supervisor = new Supervisor(options, createServer(notFound))
    const port = await supervisor.start()
    plane = await startControlPlane(
      liveControl(supervisor, autoScaler),
      { port: 0, token: TOKEN },
      supervisor,
    )
    supervisor.run()
    prometheus = await Prometheus.start(folder, plane.port, TOKEN)
    for (let i = 0; i < USERS; i++) {
      const client = new ChatClient({ url: `ws://127.0.0.1:${port}/chat`, user: `user ${i}` })
      clients.push(client)
      await client.join('room')
    }
  }, 60_000)

  afterAll(async () => {
    for (const client of clients) client.close()
    await prometheus?.stop()
    plane?.close()
    await supervisor?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  it('has the right values', async () => {
    for (let i = 0; i < MESSAGES; i++) await clients[i % USERS]!.send('room', `message ${i}`)
    const value = (expr: string) => expect.poll(() => prometheus.query(expr), SLOW)
    await value('concertina_users').toEqual([USERS])
    await value('concertina_servers{state="ready"}').toEqual([2])
    await value('concertina_messages_total').toEqual([MESSAGES])
    await value('concertina_message_latency_seconds_count').toEqual([MESSAGES])
    await value('concertina_deliveries_total').toEqual([MESSAGES * USERS])
    await value('concertina_server_startup_seconds_count').toEqual([2])
    await value('concertina_room_log_commit_seconds_count > 0').toHaveLength(1)
    await value('concertina_rooms_resumed_total').toEqual([0])
    await value('up{job="concertina"}').toEqual([1])
    const latency = 'histogram_quantile(0.99, concertina_message_latency_seconds_bucket)'
    const [p99] = await prometheus.query(latency)
    expect(p99).toBeGreaterThan(0)
    expect(p99).toBeLessThan(1)
  })

  it('sees what the policy desires, what the limits leave of it, and that users move', async () => {
    desired.servers = 7
    const value = (expr: string) => expect.poll(() => prometheus.query(expr), SLOW)
    await value('concertina_policy_servers').toEqual([7])
    await value('concertina_servers_max').toEqual([3])
    await value('concertina_servers{state="ready"}').toEqual([3])
    await value('concertina_scaling_decisions_total{action="scale_up"}').toEqual([1])
    await value('concertina_rooms_resumed_total > 0').toHaveLength(1)
    await value('concertina_server_startup_seconds_count').toEqual([3])
    await value('count(concertina_server_users)').toEqual([3])
    supervisor.autoScaler.policy.paused = true
    await value('concertina_autoscaler_paused').toEqual([1])
    supervisor.autoScaler.policy.paused = false
    desired.servers = 2
    await value('count(concertina_server_users)').toEqual([2])
    await value('concertina_message_latency_seconds_count').toEqual([MESSAGES])
  })

  it('finds nothing to complain about', async () => {
    expect(promtool(['check', 'metrics'], await metrics())).toEqual({ status: 0, said: '' })
    expect(promtool(['check', 'rules', 'alerts.yml'])).toMatchObject({ status: 0 })
    expect(promtool(['check', 'config', join(folder, 'prometheus.yml')])).toMatchObject({ status: 0 })
  })

  it('raises each alert when it should, and none over a fleet that does well', async () => {
    expect(promtool(['test', 'rules', 'alerts.test.yml'])).toMatchObject({ status: 0 })
    const shipped = alerts.match(/(?<=alert: )\w+/g)!
    expect(shipped.length).toBeGreaterThanOrEqual(4)
    type Rules = { groups: { rules: { name: string; health: string; state: string }[] }[] }
    const states = async () => {
      const { groups = [] } = (await prometheus.ask<Rules>('rules')) ?? {}
      return groups.flatMap(({ rules }) => rules.map(({ name, health, state }) => [name, health, state]))
    }
    await expect.poll(states, SLOW).toEqual(shipped.map((name) => [name, 'ok', 'inactive']))
  })

  it('has data for every curve of the Grafana dashboard', async () => {
    expect(dashboard.schemaVersion).toBeGreaterThanOrEqual(36)
    for (const { datasource } of dashboard.panels) expect(datasource.uid).toBe(`\${datasource}`)
    const expand = (expr: string) => expr.replaceAll('$__rate_interval', '1m').replaceAll('$instance', '.*')
    for (const expr of expressions)
      await expect.poll(() => prometheus.query(expand(expr)), { ...SLOW, message: expr }).not.toEqual([])
  })

  it('queries nothing that the fleet does not export', async () => {
    const exposed = new Set((await metrics()).match(/^concertina_\w+/gm))
    const named = (text: string) => [...new Set(text.match(/\bconcertina_\w+/g))]
    expect(named(expressions.join(' ')).length).toBeGreaterThan(15)
    expect(named(expressions.join(' ')).filter((name) => !exposed.has(name))).toEqual([])
    expect(named(alerts).filter((name) => !exposed.has(name))).toEqual([])
    const types = new Map(
      [...(await metrics()).matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name, type]) => [name, type]),
    )
    const table = [...read('docs/fleet.md').matchAll(/^\| `(concertina_\w+)(?:\{\w+\})?` \| (\w+) \|/gm)]
    const documented = table.map(([, name, type]) => [name, type])
    const own = [...types].filter(([name]) => !name!.startsWith('concertina_supervisor_'))
    expect(documented.toSorted()).toEqual(own.toSorted())
  })
})
