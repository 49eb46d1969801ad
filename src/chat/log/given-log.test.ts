import { describe, expect, it } from 'vitest'
import { Faults } from '../../base/faults.ts'
import { silentLogger } from '../../base/logger.ts'
import { GivenLog } from './given-log.ts'
import { MemoryRoomLog } from './memory.ts'
import { LogOverloaded, LogUnavailable, type RoomLog } from './room-log.ts'

const MESSAGE = { room: 'A', user: 'ann', id: '1', body: 'x' }
const CALLS: Record<string, (log: RoomLog) => Promise<unknown>> = {
  append: (log) => log.append(MESSAGE),
  read: (log) => log.read('A', 0, 10),
  readBefore: (log) => log.readBefore('A', 10, 10),
  subscribe: (log) => log.subscribe('A', () => {}),
}

function given(method: string, fails: () => unknown) {
  const faults = new Faults(silentLogger)
  return { log: new GivenLog(Object.assign(new MemoryRoomLog(), { [method]: fails }), faults), faults }
}

const boom = () => {
  throw new Error('boom')
}
const FAILURES: Record<string, [fails: () => unknown, why: RegExp]> = {
  throws: [boom, /boom/],
  rejects: [async () => boom(), /boom/],
  'answers nothing': [() => undefined, /undefined is not an answer/],
  'answers what is not an answer': [async () => ({ seq: 'one' }), /is not an answer/],
}

describe('a room log of an app', () => {
  for (const [method, call] of Object.entries(CALLS))
    it.each(Object.entries(FAILURES))(`fails one request when its ${method} %s`, async (_, [fails, why]) => {
      const { log, faults } = given(method, fails)
      await expect(call(log)).rejects.toThrow(LogUnavailable)
      await expect(call(log)).rejects.toThrow(why)
      expect([...faults.counts]).toEqual([[`the room log (${method})`, 2]])
    })

  it('fails a request that is never answered', { timeout: 60_000 }, async () => {
    const { log } = given('append', () => new Promise(() => {}))
    await expect(log.append(MESSAGE)).rejects.toThrow(/no answer in time/)
  })

  it('may say that it is overloaded', async () => {
    const { log, faults } = given('append', async () => {
      throw new LogOverloaded('too much', 100)
    })
    await expect(log.append(MESSAGE)).rejects.toMatchObject({ name: 'LogOverloaded', retryMs: 100 })
    expect(faults.counts.size).toBe(0)
  })

  it.each(['throws', 'rejects'])('harms nobody when its unsubscribe %s', async (how) => {
    const { log, faults } = given('unsubscribe', FAILURES[how]![0])
    log.unsubscribe('A')
    await expect.poll(() => faults.counts.size).toBe(1)
  })
})
