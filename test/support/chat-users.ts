import assert from 'node:assert/strict'
import { virtualClock } from '../../src/base/clock.ts'
import { exponential } from '../../src/base/distribution.ts'
import { signToken } from '../../src/chat/auth/sign.ts'
import { VirtualUsers } from '../../src/load/virtual-users.ts'
import { LocalEnvironment } from '../../src/pipeline/local-environment.ts'
import { UserTrafficSource } from '../../src/traffic/user-traffic-source.ts'
import { HistoryChecker } from '../../src/verify/checker.ts'
import { roomLogOf } from './cluster.ts'

/** Virtual users of a cluster around NATS, as many as `load` says at any moment, and what they saw. */
export function startUsers({
  url,
  name,
  load,
  secret,
}: {
  url: string
  name: string
  load: () => number
  /** Signs their tokens; without it they are anonymous. */
  secret?: string
}) {
  const rooms = new Set<string>()
  const outages: number[] = []
  const checker = new HistoryChecker()
  const users = new VirtualUsers({
    url,
    name,
    ...(secret !== undefined && { token: (user) => signToken(secret, { user }) }),
    onEvent: (event) => {
      if (event.type === 'join') rooms.add(event.room)
      checker.record(event)
    },
    onOutage: (from) => outages.push(from),
  })
  const ending = new AbortController()
  const traffic = new LocalEnvironment(name, { clock: virtualClock({ pace: 1 }) })
    .fromBatch(UserTrafficSource, {
      pattern: { duration: 1000, description: 'as many as are asked for', users: load },
      duration: 1000,
      thinkTime: exponential(1),
      session: exponential(1000),
      rooms: 4,
    })
    .sink(users)
    .submit({ signal: ending.signal })
  return {
    counts: users.counts,
    /** Users who were without a connection while `act` ran. */
    async cutOff(act: () => Promise<void>): Promise<number> {
      const began = performance.now()
      await act()
      return outages.filter((from) => from >= began).length
    },
    /** Lets them leave, and compares what they saw with the room log: nothing lost, doubled or out of order. */
    async check(broker: string): Promise<{ acked: number; delivered: number }> {
      ending.abort()
      await traffic
      await users.waitForDeliveries()
      users.end()
      const log = await roomLogOf(broker, { name, replicas: 1 }, rooms)
      const { findings, acked, delivered, lost, doubled, reordered, phantom, falseGaps } = checker.check(log)
      assert.deepEqual(findings, [])
      const wrong = { lost, doubled, reordered, phantom, falseGaps }
      assert.deepEqual(wrong, { lost: 0, doubled: 0, reordered: 0, phantom: 0, falseGaps: 0 })
      return { acked, delivered }
    },
    close() {
      ending.abort()
      users.end()
    },
  }
}
