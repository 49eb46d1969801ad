import { describe, expect, it } from 'vitest'
import { seededRng } from '../base/rng.ts'
import { createStrategy } from './strategies.ts'
import { STRATEGY_NAMES, type StrategyName } from './strategy-names.ts'

interface Stub {
  id: number
  load: number
  weight: number
}

const servers = (n: number, weights: number[] = []): Stub[] =>
  Array.from({ length: n }, (_, i) => ({ id: i + 1, load: 0, weight: weights[i] ?? 1 }))

/** Places `n` users of as many rooms, each of whom stays; gives the server's index of each. */
function place(name: StrategyName, fleet: Stub[], n: number, seed = 1): number[] {
  const strategy = createStrategy(name, seededRng(seed))
  strategy.update?.(fleet)
  return Array.from({ length: n }, (_, user) => {
    const index = strategy.pick(fleet, { user, room: user })
    fleet[index]!.load++
    return index
  })
}

describe.each(STRATEGY_NAMES)('%s', (name) => {
  it('picks a server there is, also of one, and while servers come and go', () => {
    const strategy = createStrategy(name, seededRng(1))
    for (const n of [1, 5, 2, 9, 1]) {
      const fleet = servers(n)
      strategy.update?.(fleet)
      for (let user = 0; user < 200; user++) {
        const index = strategy.pick(fleet, { user, room: user % 7 })
        expect(fleet[index]).toBeDefined()
      }
    }
  })

  it('gives the same picks for the same seed', () => {
    expect(place(name, servers(7), 500)).toEqual(place(name, servers(7), 500))
  })

  it('leaves no server out', () => {
    expect(new Set(place(name, servers(5), 500)).size).toBe(5)
  })
})

it('round-robin spreads to within one', () => {
  const fleet = servers(7)
  place('round-robin', fleet, 100)
  expect(fleet.map((server) => server.load).sort()).toEqual([14, 14, 14, 14, 14, 15, 15])
})

it('least-loaded fills up who has least, and idle servers take turns', () => {
  const fleet = servers(3)
  fleet[0]!.load = 10
  place('least-loaded', fleet, 20)
  expect(fleet.map((server) => server.load)).toEqual([10, 10, 10])
  const idle = servers(3)
  const strategy = createStrategy('least-loaded', seededRng(1))
  expect([1, 2, 3, 4].map((user) => strategy.pick(idle, { user, room: 0 }))).toEqual([0, 1, 2, 0])
})

it('power-of-two is far more even than one random choice', () => {
  const fleet = servers(100)
  place('power-of-two', fleet, 10_000)
  const rng = seededRng(1)
  const random = new Array<number>(100).fill(0)
  for (let i = 0; i < 10_000; i++) random[rng.below(100)]!++
  const excess = Math.max(...fleet.map((server) => server.load)) - 100
  expect(excess).toBeLessThanOrEqual(4)
  expect(excess * 3).toBeLessThan(Math.max(...random) - 100)
})

it('weighted gives each its weight, evenly spread', () => {
  const picks = place('weighted', servers(3, [5, 1, 1]), 7)
  expect(picks).toEqual([0, 0, 1, 0, 2, 0, 0])
})

it('consistent-hash moves only the share of a server that joins', () => {
  const rooms = 20_000
  const before = place('consistent-hash', servers(9), rooms)
  const after = place('consistent-hash', servers(10), rooms)
  const moved = after.filter((index, room) => index !== before[room])
  expect(moved.every((index) => index === 9)).toBe(true)
  expect(moved.length / rooms).toBeGreaterThan(0.06)
  expect(moved.length / rooms).toBeLessThan(0.14)
})

it('names the strategies there are', () => {
  expect(() => createStrategy('random' as StrategyName, seededRng(1))).toThrow(
    /strategy: "random" is not known/,
  )
})
