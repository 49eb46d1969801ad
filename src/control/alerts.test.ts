import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { parse } from 'yaml'
import { ALERTS, type AlertFigures, Alerts } from './alerts.ts'

const at = (time: number, more: Partial<AlertFigures> = {}): AlertFigures => ({
  time,
  p99Ms: 3,
  desired: 2,
  maxServers: 5,
  ...more,
})
const names = (alerts: Alerts, ...figures: AlertFigures[]) =>
  figures.map((each) => {
    alerts.evaluate(each)
    return alerts.active.map(({ name }) => name)
  })

it('alerts when the rules for Prometheus do', () => {
  const desired = { desired: 6 }
  expect(names(new Alerts(), at(0, desired), at(299, desired), at(300, desired), at(301))).toEqual([
    [],
    [],
    ['ConcertinaAtMaxServers'],
    [],
  ])
  const slow = { p99Ms: 501 }
  expect(names(new Alerts(), at(0, slow), at(300, slow))).toEqual([[], ['ConcertinaSlow']])
  const rejected = [0, 0, 4, 4, 4].map((count, i) => at(i * 100, { rejected: count }))
  expect(names(new Alerts(), ...rejected)).toEqual([[], [], [], [], ['ConcertinaMessagesRejected']])
  const failures = new Alerts()
  failures.failed(1)
  failures.failed(2)
  expect(names(failures, at(3))).toEqual([[]])
  failures.failed(3)
  failures.evaluate(at(4))
  expect(failures.active).toEqual([{ name: 'ConcertinaServersFail', since: 4 }])
  expect(names(failures, at(700))).toEqual([[]])
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
