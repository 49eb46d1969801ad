import { expect, it } from 'vitest'
import { virtualClock } from '../base/clock.ts'
import { Fleet, type FleetOptions } from './fleet.ts'
import type { Provider, ServerLifecycle } from './provider.ts'
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

it('chooses first a server that still starts, which then never becomes ready', () => {
  const { clock, fleet, log } = simulated()
  fleet.begin(2)
  clock.advanceTo(1)
  fleet.scaleTo(3)
  fleet.scaleTo(2)
  clock.advanceTo(9)
  expect(log.slice(4)).toEqual(['1 3 starting', '1 3 stopped'])
  expect(fleet.ready.map((server) => server.id)).toEqual([1, 2])
})

it('chooses next the server with the fewest users, and the newest among equals', () => {
  const { fleet } = simulated()
  fleet.begin(4)
  ;[5, 1, 7, 1].forEach((users, i) => {
    fleet.servers[i]!.users = users
  })
  fleet.scaleTo(2)
  expect(fleet.servers.map((server) => server.state)).toEqual(['ready', 'draining', 'ready', 'draining'])
})

/** A fleet whose platform does only what the test says; launches are numbered refs. */
function scripted(options: FleetOptions = {}, platform: Partial<Provider> = {}) {
  const clock = virtualClock()
  const asked: string[] = []
  let lifecycle!: ServerLifecycle
  const note = (what: string) => asked.push(`${clock.now()} ${what}`)
  const fleet = new Fleet(
    clock,
    (given) => {
      lifecycle = given
      return {
        name: 'scripted',
        launch: (count) => note(`launch ${count}`),
        cancel: (count) => note(`cancel ${count}`),
        drain: (ref) => note(`drain ${ref}`),
        kill: (ref) => note(`kill ${ref}`),
        close: async () => {},
        ...platform,
      }
    },
    options,
  )
  const states = () => fleet.servers.map(({ id, ref, state }) => `${id} ${ref} ${state}`)
  return { clock, fleet, asked, lifecycle, states }
}

it('does not count a server that failed', () => {
  const { fleet, lifecycle } = scripted()
  fleet.scaleTo(2)
  for (const ref of ['a', 'b']) {
    lifecycle.starting(ref)
    lifecycle.ready(ref)
  }
  lifecycle.failed('a', 'killed')
  expect([fleet.desiredCount, fleet.ready.map((server) => server.id)]).toEqual([1, [2]])
  lifecycle.ready('a')
  expect(fleet.desiredCount).toBe(1)
})

it('replaces servers that fail, with growing delay when the new ones fail, too', () => {
  const { clock, fleet, lifecycle, asked } = scripted({ replaceFailed: true })
  fleet.scaleTo(1)
  for (const ref of ['a', 'b', 'c', 'd']) {
    clock.advanceTo(clock.now() + 10)
    lifecycle.starting(ref)
    lifecycle.failed(ref, 'no luck')
    expect([fleet.desiredCount, fleet.ready.length]).toEqual([1, 0])
  }
  expect(asked).toEqual(['0 launch 1', '10 launch 1', '21 launch 1', '32 launch 1'])
  clock.advanceTo(50)
  expect(asked.at(-1)).toBe('44 launch 1')
  lifecycle.starting('e')
  lifecycle.ready('e')
  clock.advanceTo(100)
  lifecycle.failed('e', 'sudden')
  expect(asked.at(-1)).toBe('100 launch 1')
  lifecycle.starting('f')
  lifecycle.failed('f', 'again')
  fleet.scaleTo(0)
  clock.advanceTo(200)
  expect([asked.length, fleet.desiredCount, fleet.servers.length]).toEqual([6, 0, 0])
})

it('replaces a server by another, and only one that takes users', () => {
  const { fleet, asked, lifecycle, states } = scripted()
  fleet.scaleTo(2)
  for (const ref of ['a', 'b']) lifecycle.starting(ref)
  lifecycle.ready('a')
  expect([fleet.replace(1), fleet.replace(1), fleet.replace(2)]).toEqual([true, false, false])
  expect(asked).toEqual(['0 launch 2', '0 launch 1', '0 drain a'])
  expect([states(), fleet.desiredCount]).toEqual([
    ['1 a draining', '2 b starting', '3 undefined starting'],
    2,
  ])
})

it('gives its launches the servers that appear, oldest first, and adopts those it did not ask for', () => {
  const { fleet, lifecycle, states } = scripted()
  expect(lifecycle.starting('found')).toBe(1)
  lifecycle.ready('found')
  fleet.scaleTo(3)
  expect(lifecycle.starting('x')).toBe(2)
  expect(lifecycle.starting('x')).toBe(2)
  lifecycle.starting('y')
  lifecycle.starting('by-hand')
  expect(states()).toEqual(['1 found ready', '2 x starting', '3 y starting', '4 by-hand starting'])
  expect(fleet.desiredCount).toBe(4)
})

it('takes back launches that have no server yet', () => {
  const { fleet, asked, lifecycle } = scripted()
  fleet.scaleTo(3)
  lifecycle.starting('a')
  fleet.scaleTo(0)
  expect(asked).toEqual(['0 launch 3', '0 cancel 1', '0 cancel 1', '0 drain a'])
})

it('counts what a platform reports as coming, so that a replacement is not launched twice', () => {
  const { fleet, asked, lifecycle, states } = scripted({ replaceFailed: true }, { replacesFailed: true })
  fleet.scaleTo(2)
  lifecycle.starting('a')
  lifecycle.ready('a')
  lifecycle.coming(1)
  expect(fleet.desiredCount).toBe(2)
  lifecycle.failed('a', 'evicted')
  lifecycle.coming(2)
  expect(states()).toEqual(['2 undefined starting', '3 undefined starting'])
  lifecycle.starting('b')
  lifecycle.coming(0)
  expect([states(), asked]).toEqual([['2 b starting'], ['0 launch 2']])
})

it('follows a platform that ends a server by itself, and one that takes it back into service', () => {
  const { fleet, lifecycle, states } = scripted()
  lifecycle.starting('a')
  lifecycle.ready('a')
  lifecycle.draining('a')
  expect([fleet.desiredCount, fleet.ready.length]).toEqual([0, 0])
  lifecycle.ready('a')
  expect(states()).toEqual(['1 a ready'])
  lifecycle.draining('a')
  lifecycle.stopped('a')
  expect(states()).toEqual([])
})

it.each(['throws', 'rejects'])('continues when a provider %s, and asks again', async (how) => {
  const clock = virtualClock()
  const problems: string[] = []
  let life!: ServerLifecycle
  let broken = true
  let launched = 0
  const orFail = (act: () => void): void | Promise<void> => {
    if (!broken) act()
    else if (how === 'rejects') return Promise.reject(undefined)
    else throw undefined
  }
  const provider: Provider = {
    name: 'guest',
    launch: (count) =>
      orFail(() => {
        for (let i = 0; i < count; i++) life.starting(`s${++launched}`)
        for (let i = 0; i < count; i++) life.ready(`s${launched - i}`)
      }),
    cancel: () => orFail(() => {}),
    drain: (ref) => orFail(() => life.stopped(ref)),
    kill: (ref) => orFail(() => life.failed(ref, 'killed')),
    close: () => Promise.reject(new Error('no')),
  }
  const options = { replaceFailed: true, onProblem: (problem: string) => problems.push(problem) }
  const fleet = new Fleet(
    clock,
    (given) => {
      life = given
      return provider
    },
    options,
  )
  const settle = () => new Promise(setImmediate)
  fleet.begin(2)
  await settle()
  for (let i = 1; i < 10; i++) {
    clock.advanceTo(i)
    await settle()
  }
  expect([fleet.desiredCount, fleet.ready.length, problems[0]]).toEqual([
    2,
    0,
    'cannot launch 2 servers: undefined',
  ])
  broken = false
  clock.advanceTo(100)
  expect(fleet.ready.length).toBe(2)

  broken = true
  const [one, two] = fleet.ready.map(({ id }) => id)
  expect([fleet.drain(two!), fleet.kill(one!)]).toEqual([true, true])
  await settle()
  expect([fleet.ready.length, problems.slice(-2)]).toEqual([
    2,
    ['cannot drain s2: undefined', 'cannot kill s1: undefined'].map((each) =>
      expect.stringMatching(each.replace(/s\d/, 's\\d')),
    ),
  ])
  fleet.scaleTo(1)
  await settle()
  expect(fleet.ready.length).toBe(2)
  broken = false
  fleet.scaleTo(1)
  expect(fleet.ready.length).toBe(1)
  await fleet.close()
  expect(problems.at(-1)).toBe('cannot release: no')
})
