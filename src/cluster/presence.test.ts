import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { TalkerMeter } from '../chat/api/talkers.ts'
import type { Bus } from './broker.ts'
import { ClusterDirectory } from './directory.ts'
import { ClusterPresence } from './presence.ts'

const ends: (() => void)[] = []
beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  for (const end of ends.splice(0)) end()
  vi.useRealTimers()
})

/** A bus in this process. A connection to it that is cut neither sends nor hears anything. */
class Connections {
  readonly #listeners = new Set<{ bus: Bus; topic: string; listener: (text: string) => void }>()

  connect() {
    const listeners = this.#listeners
    const bus = {
      connected: true,
      publish(topic: string, text: string) {
        if (!bus.connected) return
        for (const each of listeners) if (each.topic === topic && each.bus.connected) each.listener(text)
      },
      subscribe(topic: string, listener: (text: string) => void) {
        const one = { bus, topic, listener }
        listeners.add(one)
        return () => listeners.delete(one)
      },
    }
    return bus
  }
}

function cluster() {
  const connections = new Connections()
  const server = (name: string, number: number) => {
    const bus = connections.connect()
    const presence = new ClusterPresence(bus, { name, number }, () => {}, new TalkerMeter())
    ends.push(() => presence.close())
    return { bus, presence }
  }
  const directoryBus = connections.connect()
  const directory = new ClusterDirectory(directoryBus)
  ends.push(() => directory.close())
  return { a: server('a', 1), b: server('b', 2), directory, directoryBus }
}

const seconds = (count: number) => vi.advanceTimersByTime(count * 1000)

it('forgets a room that emptied while it could not be heard, and nothing of those that are announced', () => {
  const { a, b, directory, directoryBus } = cluster()
  for (const room of ['left', 'kept']) {
    a.presence.enter(room)
    a.presence.present(room, 'ann', true)
    b.presence.enter(room)
    b.presence.present(room, 'bob', true)
  }
  seconds(3)
  expect(a.presence.roster('left').users?.toSorted()).toEqual(['ann', 'bob'])
  expect(directory.roster('left').members).toBe(2)

  a.bus.connected = false
  directoryBus.connected = false
  b.presence.leave('left')
  seconds(4)
  a.bus.connected = true
  directoryBus.connected = true
  seconds(1)
  expect(a.presence.roster('left').members).toBe(2)
  for (let i = 0; i < 40; i++) {
    seconds(1)
    expect(a.presence.roster('kept').members).toBe(2)
    expect(directory.roster('kept').members).toBe(2)
  }
  expect(a.presence.roster('left')).toEqual({ members: 1, users: ['ann'] })
  expect(directory.roster('left')).toEqual({ members: 1, users: ['ann'] })
})

it('keeps what was announced before the broker was away, however long', () => {
  const { a, b } = cluster()
  a.presence.enter('r')
  b.presence.enter('r')
  b.presence.present('r', 'bob', true)
  seconds(3)
  for (const { bus } of [a, b]) bus.connected = false
  seconds(100)
  for (const { bus } of [a, b]) bus.connected = true
  for (let i = 0; i < 40; i++) {
    seconds(1)
    expect(a.presence.roster('r').members).toBe(1)
  }
})

it('announces a room again and again, also while others before it come and go', () => {
  const { a, b } = cluster()
  for (let i = 0; i < 60; i++) a.presence.enter(`other ${i}`)
  a.presence.enter('r')
  a.presence.present('r', 'ann', true)
  b.presence.enter('r')
  for (let i = 0; i < 60; i++) {
    seconds(1)
    a.presence.leave(`other ${i}`)
    if (i > 0) expect(b.presence.roster('r').members).toBe(1)
  }
})
