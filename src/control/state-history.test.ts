import { expect, it } from 'vitest'
import type { FleetSnapshot } from './control-target.ts'
import { DAY_FIELDS, type StateField, StateHistory } from './state-history.ts'

const snapshot = (time: number, p99Ms = 10): FleetSnapshot => ({
  time,
  load: time * 2,
  requestedLoad: time * 2,
  size: 2,
  ready: 2,
  servers: [],
  messagesPerSecond: 1,
  deliveriesPerSecond: 3,
  latency: { p50Ms: 1, p95Ms: 5, p99Ms },
  policy: 'predictive',
  usersPerServer: 15,
  forecast: { time: time + 90, expected: 1 / 3, low: 0, high: 9, confidence: 0.95 },
  paused: false,
  strategy: 'round-robin',
  limits: { minServers: 1, maxServers: 9 },
  interval: 1,
  alerts: [],
  loadCanBeSet: false,
})
const of = (row: readonly number[], field: StateField) => row[DAY_FIELDS.indexOf(field)]

it('keeps everything of a second, in thousandths', () => {
  const day = new StateHistory()
  day.add(snapshot(7))
  const [row] = day.after(-1, 10) as [number[]]
  expect(Object.fromEntries(DAY_FIELDS.map((field, i) => [field, row[i]]))).toEqual({
    time: 7,
    load: 14,
    requestedLoad: 14,
    size: 2,
    ready: 2,
    messagesPerSecond: 1,
    deliveriesPerSecond: 3,
    p50Ms: 1,
    p95Ms: 5,
    p99Ms: 10,
    usersPerServer: 15,
    shadowServers: Number.NaN,
    forecastTime: 97,
    expected: 0.333,
    low: 0,
    high: 9,
  })
})

it('forgets what is older than a day, and gives what came after a time', () => {
  const day = new StateHistory()
  for (let time = 0; time < 86_400 + 50; time++) day.add(snapshot(time))
  expect(day.after(-1, 86_400).map((row) => of(row, 'time'))).toEqual(
    Array.from({ length: 86_400 }, (_, i) => i + 50),
  )
  expect(day.after(86_440, 100).map((row) => of(row, 'time'))).toEqual(
    Array.from({ length: 9 }, (_, i) => i + 86_441),
  )
})

it('keeps the worst latency of what it leaves out, and the newest row', () => {
  const day = new StateHistory()
  for (let time = 0; time < 1000; time++) day.add(snapshot(time, time === 503 ? 900 : 10))
  const rows = day.after(-1, 100)
  expect(rows).toHaveLength(100)
  expect(of(rows.at(-1)!, 'time')).toBe(999)
  expect(rows.filter((row) => of(row, 'p99Ms') === 900)).toHaveLength(1)
})
