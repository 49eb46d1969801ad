import { expect, it } from 'vitest'
import { MemoryRoomLog } from '../log/memory.ts'
import type { RoomLog } from '../log/room-log.ts'
import { RecentChanges } from './recent-changes.ts'
import { changesRoom, type RoomChange } from './room-changes.ts'

/** A log of which every entry that is read is counted. */
function counted() {
  const log = new MemoryRoomLog()
  const read = { entries: 0 }
  const counting = {
    read: async (room: string, after: number, limit: number) => {
      const page = await log.read(room, after, limit)
      read.entries += page.entries.length
      return page
    },
  } as RoomLog
  let changes = 0
  const change = (of: RoomChange) =>
    log.append({ room: changesRoom('r'), user: 'ann', id: `c${++changes}`, body: JSON.stringify(of) })
  return { log: counting, read, change }
}

it('read each change once, however often they are asked for', async () => {
  const { log, read, change } = counted()
  const recent = new RecentChanges()
  for (let seq = 1; seq <= 50; seq++) await change({ seq, deleted: true })
  await recent.of('r').refresh(log)
  expect(read.entries).toBe(50)
  await change({ seq: 51, deleted: true })
  for (let i = 0; i < 20; i++) await recent.of('r').refresh(log)
  expect(recent.of('r').isDeleted(51)).toBe(true)
  expect(read.entries).toBe(51)
})

it('show what was deleted before they were asked for to all who ask at once', async () => {
  const { log, change } = counted()
  const recent = new RecentChanges()
  await change({ seq: 1, deleted: true })
  const [first, second] = [recent.of('r'), recent.of('r')]
  const reading = first.refresh(log)
  await change({ seq: 2, deleted: true })
  const later = recent.of('r').refresh(log)
  await Promise.all([reading, later])
  expect([1, 2].map((seq) => second.isDeleted(seq))).toEqual([true, true])
})

it('keep the rooms that were asked for last', () => {
  const recent = new RecentChanges()
  const [kept, dropped] = [recent.of('kept'), recent.of('dropped')]
  for (let i = 0; i < 199; i++) {
    recent.of(`other ${i}`)
    recent.of('kept')
  }
  expect(recent.of('kept')).toBe(kept)
  expect(recent.of('dropped')).not.toBe(dropped)
})
