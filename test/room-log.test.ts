import { expect, it } from 'vitest'
import {
  AutoScaler,
  constantLoad,
  constantTime,
  MemoryRoomLog,
  type RoomLog,
  runLive,
  thresholdPolicy,
} from '../src/index.ts'

it('runs a live fleet on a room log of the caller, and closes it at the end', async () => {
  const inner = new MemoryRoomLog()
  const appended: number[] = []
  let closed = 0
  const roomLog: RoomLog = {
    epoch: inner.epoch,
    durability: inner.durability,
    append: async (message) => {
      const result = await inner.append(message)
      appended.push(result.seq)
      return result
    },
    read: (...of) => inner.read(...of),
    readBefore: (...of) => inner.readBefore(...of),
    subscribe: (...of) => inner.subscribe(...of),
    unsubscribe: (room) => inner.unsubscribe(room),
    close: async () => {
      closed++
      await inner.close()
    },
  }
  const result = await runLive({
    roomLog,
    pattern: constantLoad({ users: 6 }),
    duration: 3,
    autoScaler: new AutoScaler({ policy: thresholdPolicy(), minServers: 1, maxServers: 2, interval: 1 }),
    traffic: { thinkTime: constantTime(0.5) },
  })
  expect(result.processedMessages).toBeGreaterThan(0)
  expect(appended.length).toBe(result.processedMessages)
  expect(closed).toBe(1)
}, 60_000)
