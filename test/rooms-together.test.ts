import { afterEach, expect, it } from 'vitest'
import { ChatClient } from '../src/client/node.ts'
import type { Transport } from '../src/client/transport.ts'
import { scriptedFleet } from './support/scripted-fleet.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const ROOMS = 8
const MEMBERS = 4

async function startFleet(maxConnections = 20_000) {
  const { supervisor, desired } = scriptedFleet({
    strategy: 'consistent-hash',
    chat: { auth: { anonymous: true }, limits: { maxConnections } },
  })
  const url = `ws://127.0.0.1:${await supervisor.start()}/chat`
  closers.push(() => supervisor.stop())
  supervisor.run()
  const ready = (servers: number) =>
    expect.poll(() => supervisor.fleet.ready.length, { timeout: 20_000 }).toBe(servers)
  await ready(2)
  const connect = async (user: string, room: string, transport: Transport = 'websocket') => {
    const client = new ChatClient({ url, user, transport })
    closers.push(() => client.close())
    await client.join(room)
    return client
  }
  return { supervisor, desired, ready, connect }
}

const serversOf = (members: readonly ChatClient[]) => new Set(members.map(({ server }) => server))

it('keeps each room on one server when servers come and go, without a break', {
  timeout: 60_000,
}, async () => {
  const { supervisor, desired, ready, connect } = await startFleet()
  const rooms = await Promise.all(
    Array.from({ length: ROOMS }, (_, room) =>
      Promise.all(
        Array.from({ length: MEMBERS }, (_, i) =>
          connect(`user ${i}`, `room ${room}`, i === 0 ? 'sse' : 'websocket'),
        ),
      ),
    ),
  )
  const states = new Set<string>()
  for (const client of rooms.flat()) client.on('status', ({ state }) => states.add(state))
  const together = () => rooms.every((members) => serversOf(members).size === 1)
  expect(together()).toBe(true)
  expect(supervisor.moves).toBe(0)

  desired.servers = 3
  await ready(3)
  const newest = Math.max(...supervisor.fleet.ready.map(({ id }) => id))
  const moved = () => rooms.filter((members) => serversOf(members).has(newest)).length
  await expect.poll(() => together() && moved() > 0, { timeout: 20_000 }).toBe(true)
  const followers = moved() * MEMBERS
  expect(moved()).toBeLessThan(ROOMS)
  await expect.poll(() => supervisor.moves, { timeout: 5000 }).toBe(followers)

  desired.servers = 2
  await ready(2)
  await expect.poll(together, { timeout: 20_000 }).toBe(true)
  expect([...states]).toEqual(['moved'])
  for (const [room, [first]] of rooms.entries()) await first!.send(`room ${room}`, 'hello')
})

it('moves no more users to a server than it has places for', { timeout: 60_000 }, async () => {
  const { supervisor, desired, ready, connect } = await startFleet(10)
  const members = await Promise.all(Array.from({ length: 14 }, (_, i) => connect(`user ${i}`, 'large room')))
  const sizes = () =>
    supervisor.fleet.ready
      .map(({ id }) => members.filter(({ server }) => server === id).length)
      .sort((a, b) => b - a)
  expect(sizes()).toEqual([10, 4])
  desired.servers = 3
  await ready(3)
  await new Promise((resolve) => setTimeout(resolve, 4000))
  expect(sizes()[0]).toBe(10)
  const before = supervisor.moves
  await new Promise((resolve) => setTimeout(resolve, 4000))
  expect(supervisor.moves).toBe(before)
})
