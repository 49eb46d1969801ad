import fc from 'fast-check'
import { expect, it } from 'vitest'
import { planFollowing, planMoves } from './rebalance.ts'

const fleet = fc
  .array(fc.record({ users: fc.nat(500), weight: fc.constantFrom(1, 1, 2) }), { minLength: 1, maxLength: 12 })
  .map((servers) => servers.map((server, i) => ({ ...server, id: i + 1 })))

it('fills a new server from those that have most', () => {
  const servers = [40, 50, 0].map((users, i) => ({ id: i + 1, users, weight: 1 }))
  expect(planMoves(servers, 0.1, 100).moves).toEqual([
    { from: 2, to: 3, count: 20 },
    { from: 1, to: 3, count: 10 },
  ])
  expect(planMoves(servers, 0.1, 12).moves).toEqual([{ from: 2, to: 3, count: 12 }])
})

it('moves one user at a time where less than one a second may move', () => {
  const servers = [40, 0].map((users, i) => ({ id: i + 1, users, weight: 1 }))
  expect(planMoves(servers, 0.1, 0.2)).toEqual({ moves: [{ from: 1, to: 2, count: 1 }], seconds: 5 })
})

it('leaves alone what is within the deadband, or within two users', () => {
  expect(
    planMoves(
      [54, 50, 46].map((users, i) => ({ id: i + 1, users, weight: 1 })),
      0.1,
      100,
    ).moves,
  ).toEqual([])
  expect(
    planMoves(
      [3, 1, 2].map((users, i) => ({ id: i + 1, users, weight: 1 })),
      0.1,
      100,
    ).moves,
  ).toEqual([])
})

it('never moves more than it may, never overshoots, and comes to rest in one go when it may', () => {
  fc.assert(
    fc.property(fleet, fc.integer({ min: 1, max: 1000 }), (servers, most) => {
      const total = servers.reduce((sum, { users }) => sum + users, 0)
      const weight = servers.reduce((sum, each) => sum + each.weight, 0)
      const after = new Map(servers.map(({ id, users }) => [id, users]))
      const { moves } = planMoves(servers, 0.1, most)
      for (const { from, to, count } of moves) {
        after.set(from, after.get(from)! - count)
        after.set(to, after.get(to)! + count)
      }
      expect(moves.reduce((sum, { count }) => sum + count, 0)).toBeLessThanOrEqual(most)
      for (const { id, users, weight: own } of servers) {
        const target = (total * own) / weight
        const now = after.get(id)!
        expect(Math.abs(now - target)).toBeLessThanOrEqual(Math.abs(users - target) + 1e-9)
        expect(Math.sign(now - target) * Math.sign(users - target)).toBeGreaterThanOrEqual(0)
      }
      const still = servers.map((server) => ({ ...server, users: after.get(server.id)! }))
      if (moves.length > 0 && most === 1000 && total < 1000)
        expect(planMoves(still, 0.1, 1000).moves).toEqual([])
    }),
  )
})

it('lets no more users follow their rooms than may move, however many servers there are', () => {
  for (const [servers, most] of [
    [3, 50],
    [200, 50],
    [4, 0.5],
  ] as const) {
    const each = Array.from({ length: servers }, (_, i) => ({ id: i + 1, weight: 1, free: 100 }))
    const { count, seconds } = planFollowing('consistent-hash', each, most)
    expect((count * servers) / seconds).toBeCloseTo(most)
    expect(count).toBeGreaterThanOrEqual(1)
  }
})
