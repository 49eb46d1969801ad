import { expect, it } from 'vitest'
import type { ChatLink } from '../link.ts'
import { MemoryRoomLog } from '../log/memory.ts'
import { LogUnavailable } from '../log/room-log.ts'
import { ChatServer } from '../server.ts'
import type { ModerationAction } from './moderation.ts'
import { ModerationLog } from './moderation-log.ts'

/** A log that cannot be subscribed to or read the first few times, as one of a broker that has no leader yet. */
class StartingLog extends MemoryRoomLog {
  failures = { subscribe: 0, read: 0 }

  override subscribe(...call: Parameters<MemoryRoomLog['subscribe']>) {
    if (this.failures.subscribe-- > 0) return Promise.reject(new LogUnavailable('timeout'))
    return super.subscribe(...call)
  }

  override read(...call: Parameters<MemoryRoomLog['read']>) {
    if (this.failures.read-- > 0) return Promise.reject(new LogUnavailable('timeout'))
    return super.read(...call)
  }
}

it('waits for a log that starts, and knows every decision of it once', async () => {
  const log = new StartingLog()
  const before = new ModerationLog(log)
  await before.start()
  await before.decide({ type: 'ban', user: 'ann' })
  before.close()

  log.failures = { subscribe: 2, read: 2 }
  const moderation = new ModerationLog(log)
  await moderation.start()
  expect([...moderation.state.active()]).toMatchObject([{ type: 'ban', user: 'ann' }])
  const later: ModerationAction[] = []
  moderation.actions.subscribe((action) => later.push(action))
  await moderation.decide({ type: 'mute', user: 'bob' })
  expect(later).toEqual([{ type: 'mute', user: 'bob' }])
  moderation.close()
})

it('closes the link of a chat server that cannot start', async () => {
  let closed = false
  const log = new StartingLog()
  log.subscribe = () => Promise.reject(new Error('broken'))
  const link = Object.assign(log, {
    present() {},
    typing() {},
    pending: 0,
    async close() {
      closed = true
    },
  })
  await expect(ChatServer.connect(1, async () => link as unknown as ChatLink, {})).rejects.toThrow('broken')
  expect(closed).toBe(true)
})
