import { expect, it } from 'vitest'
import { virtualClock } from '../base/clock.ts'
import { Fleet } from './fleet.ts'
import type { ServerLifecycle } from './provider.ts'
import { simulatedProvider } from './providers/simulated.ts'

function simulated(startupDelay = 3) {
  const clock = virtualClock()
  const fleet = new Fleet(clock, simulatedProvider(clock, { startupDelay }))
  const log: string[] = []
  fleet.onChange(({ id, state }) => log.push(`${clock.now()} ${id} ${state}`))
  return { clock, fleet, log }
}

it('walks each server through its states in virtual time', () => {
  const { clock, fleet, log } = simulated()
  fleet.begin(1)
  clock.advanceTo(10)
  fleet.scaleTo(2)
  expect([fleet.desiredCount, fleet.ready.length]).toEqual([2, 1])
  clock.advanceTo(13)
  expect(fleet.ready.length).toBe(2)
  fleet.servers[1]!.work = {
    inFlight: () => 1,
    busyUntil: () => 15,
    totals: () => ({ messages: 1, busySeconds: 1, concurrency: 1, queued: 0 }),
  }
  fleet.scaleTo(1)
  clock.advanceTo(20)
  expect(log).toEqual([
    '0 1 starting',
    '0 1 ready',
    '10 2 starting',
    '13 2 ready',
    '13 2 draining',
    '15 2 stopped',
  ])
  expect(fleet.servers.map((server) => server.id)).toEqual([1])
})

it('takes first a server that still starts, which then never becomes ready', () => {
  const { clock, fleet, log } = simulated()
  fleet.begin(2)
  clock.advanceTo(1)
  fleet.scaleTo(3)
  fleet.scaleTo(2)
  clock.advanceTo(9)
  expect(log.slice(4)).toEqual(['1 3 starting', '1 3 stopped'])
  expect(fleet.ready.map((server) => server.id)).toEqual([1, 2])
})

it('takes next the server with the fewest users, and the newest among equals', () => {
  const { fleet } = simulated()
  fleet.begin(4)
  ;[5, 1, 7, 1].forEach((users, i) => {
    fleet.servers[i]!.users = users
  })
  fleet.scaleTo(2)
  expect(fleet.servers.map((server) => server.state)).toEqual(['ready', 'draining', 'ready', 'draining'])
})

it('does not count a server that failed', () => {
  let lifecycle!: ServerLifecycle
  const fleet = new Fleet(virtualClock(), (given) => {
    lifecycle = given
    return {
      name: 'stub',
      launch: (id) => given.ready(id),
      drain: () => {},
      kill: () => {},
      close: async () => {},
    }
  })
  fleet.scaleTo(2)
  lifecycle.failed(1, 'killed')
  expect([fleet.desiredCount, fleet.ready.map((server) => server.id)]).toEqual([1, [2]])
  lifecycle.ready(1)
  expect(fleet.desiredCount).toBe(1)
})

it('replaces servers that fail, later and later when the new ones fail, too', () => {
  const clock = virtualClock()
  const launched: string[] = []
  let lifecycle!: ServerLifecycle
  const fleet = new Fleet(
    clock,
    (given) => {
      lifecycle = given
      return {
        name: 'stub',
        launch: (id) => void launched.push(`${clock.now()} ${id}`),
        drain: () => {},
        kill: () => {},
        close: async () => {},
      }
    },
    { replaceFailed: true },
  )
  fleet.scaleTo(1)
  for (let id = 1; id <= 4; id++) {
    clock.advanceTo(clock.now() + 10)
    lifecycle.failed(id, 'no luck')
    expect([fleet.desiredCount, fleet.ready.length]).toEqual([1, 0])
  }
  expect(launched).toEqual(['0 1', '10 2', '21 3', '32 4'])
  clock.advanceTo(50)
  expect(launched.at(-1)).toBe('44 5')
  lifecycle.ready(5)
  clock.advanceTo(100)
  lifecycle.failed(5, 'out of the blue')
  expect(launched.at(-1)).toBe('100 6')
  lifecycle.failed(6, 'again')
  fleet.scaleTo(0)
  clock.advanceTo(200)
  expect([launched.length, fleet.desiredCount, fleet.servers.length]).toEqual([6, 0, 0])
})
