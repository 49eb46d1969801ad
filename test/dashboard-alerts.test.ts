import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import type { FleetSnapshot } from '../src/control/control-target.ts'
import { ALERTS, Alerts } from '../web/dashboard/alerts.ts'

const state = (time: number, more: Partial<FleetSnapshot> = {}): FleetSnapshot => ({
  time,
  interval: 1,
  load: 10,
  requestedLoad: 10,
  size: 2,
  ready: 2,
  servers: [],
  messagesPerSecond: 0,
  deliveriesPerSecond: 0,
  latency: { p50Ms: 1, p95Ms: 2, p99Ms: 3 },
  policy: 'threshold',
  paused: false,
  strategy: 'round-robin',
  limits: { minServers: 1, maxServers: 5 },
  loadCanBeSet: false,
  ...more,
})
const names = (alerts: Alerts, ...states: FleetSnapshot[]) =>
  states.map((each) => alerts.show(each).map(({ name }) => name))

it('alerts when the rules for Prometheus do', () => {
  const desired = { decision: { desired: 6, reason: 'x' } }
  expect(
    names(new Alerts(), state(0, desired), state(299, desired), state(300, desired), state(301)),
  ).toEqual([[], [], ['ConcertinaAtMaxServers'], []])
  const slow = { latency: { p50Ms: 1, p95Ms: 2, p99Ms: 501 } }
  expect(names(new Alerts(), state(0, slow), state(300, slow))).toEqual([[], ['ConcertinaSlow']])
  const rejected = [0, 0, 4, 4, 4].map((count, i) => state(i * 100, { rejected: count }))
  expect(names(new Alerts(), ...rejected)).toEqual([[], [], [], [], ['ConcertinaMessagesRefused']])
  const failures = new Alerts()
  const failed = (time: number, number: number) => ({ number, time, kind: 'failure', text: 'x' }) as const
  failures.add([failed(1, 1), failed(2, 2)], true)
  expect(failures.show(state(3))).toEqual([])
  failures.add([failed(3, 3)], false)
  expect(failures.show(state(4))).toEqual([{ name: 'ConcertinaServersFail', since: 4 }])
  expect(failures.show(state(700))).toEqual([])
})

it('has the numbers of those rules', () => {
  const file = parse(readFileSync('deploy/prometheus/alerts.yml', 'utf8'))
  const rules: { alert: string; expr: string; for?: string }[] = file.groups[0].rules
  const seconds = (text = '0s') => Number.parseInt(text, 10) * (text.endsWith('m') ? 60 : 1)
  for (const [name, alert] of Object.entries(ALERTS)) {
    const rule = rules.find((each) => each.alert === name)!
    expect(seconds(rule.for)).toBe(alert.for)
    if ('window' in alert) expect(rule.expr).toMatch(`[${alert.window / 60}m]`)
    if ('above' in alert) expect(rule.expr.trim()).toMatch(new RegExp(`> ${alert.above}$`))
  }
})
