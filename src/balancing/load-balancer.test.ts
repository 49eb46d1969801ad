import { expect, it } from 'vitest'
import { virtualClock } from '../base/clock.ts'
import { silentLogger } from '../base/logger.ts'
import { seededRng } from '../base/rng.ts'
import { Fleet } from '../fleet/fleet.ts'
import { simulatedProvider } from '../fleet/providers/simulated.ts'
import type { RoutedMessage } from '../pipeline/items.ts'
import { LoadBalancer, type LoadBalancerOptions } from './load-balancer.ts'

function balanced(options: LoadBalancerOptions = {}, size = 3, drainWindow = 0) {
  const clock = virtualClock()
  const fleet = new Fleet(clock, simulatedProvider(clock, { startupDelay: 2, drainWindow }))
  fleet.begin(size)
  const balancer = new LoadBalancer(options, drainWindow)
  balancer.open({ clock, fleet, rng: seededRng(1), logger: silentLogger })
  const join = (user: number, room = user) =>
    balancer.execute({ kind: 'join', time: clock.now(), user, room })
  const leave = (user: number) => balancer.execute({ kind: 'leave', time: clock.now(), user, room: 0 })
  const route = (user: number, room = user) =>
    (balancer.execute({ kind: 'message', time: clock.now(), user, room }) as RoutedMessage).server
  const users = () => fleet.servers.map((server) => server.users)
  return { clock, fleet, balancer, join, leave, route, users }
}

it('keeps a user on its server, and tracks how many each has', () => {
  const { join, leave, route, users } = balanced()
  for (let user = 0; user < 10; user++) join(user)
  expect(users()).toEqual([4, 3, 3])
  expect([1, 2, 3].map(() => route(5)!.id)).toEqual([3, 3, 3])
  leave(0)
  expect(users()).toEqual([3, 3, 3])
})

it('routes every message by itself when configured so', () => {
  const { route, users } = balanced({ routing: 'message' })
  expect([0, 0, 0, 0].map((user) => route(user)!.id)).toEqual([1, 2, 3, 1])
  expect(users()).toEqual([0, 0, 0])
})

it('moves a share of the users to a server once it is ready, and not before', () => {
  const { clock, fleet, balancer, join, users } = balanced()
  for (let user = 0; user < 12; user++) join(user)
  clock.advanceTo(1)
  fleet.scaleTo(4)
  clock.advanceTo(2.9)
  expect(users()).toEqual([4, 4, 4, 0])
  clock.advanceTo(3)
  expect(users()).toEqual([3, 3, 3, 3])
  expect(balancer.moves).toBe(3)
})

it('lets a draining server keep its users for the drain window, and end before when they have left', () => {
  const { clock, fleet, balancer, join, leave, route, users } = balanced({}, 3, 60)
  for (let user = 0; user < 9; user++) join(user)
  fleet.scaleTo(1)
  expect([fleet.servers.map(({ state }) => state), users()]).toEqual([
    ['ready', 'draining', 'draining'],
    [3, 3, 3],
  ])
  for (let user = 9; user < 12; user++) join(user)
  expect(users()).toEqual([6, 3, 3])
  expect(route(1)!.id).toBe(2)
  clock.advanceTo(20)
  for (const user of [2, 5, 8]) leave(user)
  clock.advanceTo(22)
  expect([fleet.servers.map(({ id }) => id), balancer.moves]).toEqual([[1, 2], 0])
  clock.advanceTo(59)
  expect([users(), balancer.moves]).toEqual([[6, 3], 0])
  clock.advanceTo(61)
  expect([users(), balancer.moves]).toEqual([[9], 3])
})

it('gives a draining server nothing new and moves its users', () => {
  const { fleet, join, route, users } = balanced()
  for (let user = 0; user < 9; user++) join(user)
  const home = route(0)!
  fleet.scaleTo(2)
  const draining = fleet.servers.filter((server) => server.state === 'draining')
  expect(draining).toHaveLength(1)
  expect(draining[0]!.users).toBe(0)
  for (let user = 9; user < 15; user++) join(user)
  expect(draining[0]!.users).toBe(0)
  expect(users().reduce((a, b) => a + b)).toBe(15)
  expect(home.id === draining[0]!.id || route(0)!.id === home.id).toBe(true)
  for (let user = 0; user < 15; user++) expect(route(user)!.state).toBe('ready')
})

it('sends messages nowhere while no server is ready, and places users once one is', () => {
  const { clock, fleet, join, route } = balanced({}, 0)
  clock.advanceTo(1)
  join(0)
  expect(route(0)).toBeUndefined()
  fleet.scaleTo(1)
  clock.advanceTo(3)
  expect(route(0)!.users).toBe(1)
})

it('changes its strategy while running', () => {
  const { balancer, route } = balanced({ routing: 'message' })
  expect(new Set([1, 2, 3].map((user) => route(user, 7)!.id)).size).toBe(3)
  balancer.setStrategy('consistent-hash')
  expect(balancer.strategy).toBe('consistent-hash')
  expect(new Set([1, 2, 3].map((user) => route(user, 7)!.id)).size).toBe(1)
  expect(() => balancer.setStrategy('best' as never)).toThrow(/"best" is not known/)
  expect(balancer.strategy).toBe('consistent-hash')
})

it('keeps the users of a room together with consistent-hash, also when servers come and go', () => {
  const { clock, fleet, join, route } = balanced({ strategy: 'consistent-hash' })
  for (let user = 0; user < 60; user++) join(user, user % 6)
  for (const size of [5, 2, 7]) {
    fleet.scaleTo(size)
    clock.advanceTo(clock.now() + 2)
    for (let room = 0; room < 6; room++) {
      expect(new Set([0, 1, 2, 3].map((i) => route(room + 6 * i, room)!.id)).size).toBe(1)
    }
  }
})
