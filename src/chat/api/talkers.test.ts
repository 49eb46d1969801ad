import { expect, it } from 'vitest'
import { TalkerMeter } from './talkers.ts'

it('counts the messages of the last minute', () => {
  let now = 5000
  const meter = new TalkerMeter(() => now)
  for (let i = 0; i < 3; i++) meter.count('ann', 'r')
  now += 30_000
  meter.count('bob', 'r')
  meter.count('ann', 's')
  meter.count('ann', '$read/ann')
  expect(meter.top(10)).toEqual([
    { user: 'ann', messages: 4, room: 's' },
    { user: 'bob', messages: 1, room: 'r' },
  ])
  expect(meter.top(1)).toHaveLength(1)
  now += 30_000
  expect(meter.top(10)).toEqual([
    { user: 'ann', messages: 1, room: 's' },
    { user: 'bob', messages: 1, room: 'r' },
  ])
  now += 60_000
  expect(meter.top(10)).toEqual([])
})

it('keeps those who send much when there are too many users to count', () => {
  const meter = new TalkerMeter(() => 0)
  for (let i = 0; i < 50; i++) meter.count('loud', 'r')
  for (let i = 0; i < 30_000; i++) meter.count(`user ${i}`, 'r')
  for (let i = 0; i < 50; i++) meter.count('loud', 'r')
  expect(meter.top(1)).toEqual([{ user: 'loud', messages: 100, room: 'r' }])
})
