import { expect, it } from 'vitest'
import { DAY_FIELDS, type StateField } from '../src/control/state-history.ts'
import { History } from '../web/dashboard/history.ts'

function add(history: History, values: Partial<Record<StateField, number>>): void {
  const row = { load: 10, requestedLoad: 10, ready: 2, usersPerServer: 15, p99Ms: 5, ...values }
  history.add(DAY_FIELDS.map((field) => (row as Partial<Record<StateField, number>>)[field] ?? null))
}

it('shows what had been expected for each time, and what is expected to come', () => {
  const history = new History(DAY_FIELDS)
  // Ten seconds ahead it expects ten times the time of its making.
  for (let time = 0; time <= 30; time++)
    add(history, { time, forecastTime: time + 10, expected: time * 10, low: time * 9, high: time * 11 })
  const { now, from, to, columns } = history.view(300)
  expect([now, from, to]).toEqual([30, 0, 40])
  const at = (time: number) => {
    const i = columns.time.indexOf(time)
    return [columns.load[i], columns.expected[i], columns.low[i], columns.high[i]]
  }
  expect(at(5)).toEqual([10, null, null, null])
  expect(at(20)).toEqual([10, 100, 90, 110])
  expect(at(30)).toEqual([10, 200, 180, 220])
  expect(at(40)).toEqual([null, 300, 270, 330])
})

it('forgets what is expected with the policy that expected it', () => {
  const history = new History(DAY_FIELDS)
  add(history, { time: 1, forecastTime: 21, expected: 50, low: 40, high: 60 })
  add(history, { time: 2, forecastTime: 7, expected: 30, low: 20, high: 40 })
  expect(history.view(300).columns.time).toEqual([1, 2, 7])
  add(history, { time: 3 })
  expect(history.view(300).columns.time).toEqual([1, 2, 3])
})

it('shows capacity in users where that is known, and servers where it is not', () => {
  const history = new History(DAY_FIELDS)
  add(history, { time: 1, shadowServers: 3 })
  add(history, { time: 2, usersPerServer: Number.NaN, shadowServers: 3 })
  const { columns } = history.view(300)
  expect(columns.capacity).toEqual([30, null])
  expect(columns.servers).toEqual([null, 2])
  expect(columns.shadowCapacity).toEqual([45, null])
  expect(columns.shadowServers).toEqual([null, 3])
})

it('keeps a day of ten updates a second small, with its peaks of load and latency', () => {
  const history = new History(DAY_FIELDS)
  let added = 0
  for (let time = 0; time < 100_000; time += time < 99_000 ? 1 : 0.1) {
    add(history, {
      time,
      load: Math.floor(time) === 99_700 ? 99 : 10,
      p99Ms: Math.floor(time) === 50_000 ? 500 : 5,
    })
    added++
  }
  expect(added).toBeGreaterThan(100_000)
  const day = history.view(86_400)
  expect(day.columns.time.length).toBeLessThan(1100)
  expect(day.from).toBeGreaterThanOrEqual(100_000 - 86_401)
  expect(Math.max(...day.columns.load.map(Number))).toBe(99)
  expect(Math.max(...day.columns.p99.map(Number))).toBe(500)
  // What is newest is drawn with a moment for about a pixel.
  const minutes = history.view(300).columns.time as number[]
  expect(minutes.length).toBeGreaterThan(450)
  expect(Math.max(...minutes.slice(1).map((time, i) => time - minutes[i]!))).toBeLessThan(0.7)
  expect(history.last!.time).toBe(minutes.at(-1))
})
