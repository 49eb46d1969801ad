import { expect, it } from 'vitest'
import { MemoryRoomLog } from '../log/memory.ts'
import { changeMessage } from './change-message.ts'
import { RoomChanges } from './room-changes.ts'

/** A log that hears of what another process appended only when it is read from behind it. */
function lateLog(room: string) {
  const log = new MemoryRoomLog()
  const read = log.read.bind(log)
  let isLate = true
  log.read = async (name, after, limit) => {
    if (name !== room || !isLate) return read(name, after, limit)
    if (after > 0) isLate = false
    return isLate ? { first: 1, head: 0, entries: [] } : read(name, after, limit)
  }
  return log
}

const edit = { room: 'r', user: 'ann', id: 'e', edit: { body: 'better' }, author: 'ann' }

it('edits a message that another server has just appended', async () => {
  const log = lateLog('r')
  const { seq } = await log.append({ room: 'r', user: 'ann', id: '1', body: 'good' })
  const { seq: place } = await changeMessage(log, new RoomChanges('r'), { ...edit, seq })
  expect(place).toBe(seq + 1)
})

it('rejects the edit of a message that there is not', async () => {
  const editing = changeMessage(lateLog('r'), new RoomChanges('r'), { ...edit, seq: 1 })
  await expect(editing).rejects.toMatchObject({ code: 'not-found' })
})

it('lets members learn of a deletion whose id names another message', async () => {
  const log = new MemoryRoomLog()
  const { seq } = await log.append({ room: 'r', user: 'ann', id: '1', body: 'wrong' })
  await log.append({ room: 'r', user: 'ann', id: '2', body: 'right' })
  const changes = new RoomChanges('r')
  const deletion = { room: 'r', user: 'ann', id: '2', seq, author: 'ann' }
  expect(await changeMessage(log, changes, deletion)).toEqual({ seq: 3, duplicate: false })
  expect(await changeMessage(log, changes, deletion)).toEqual({ seq: 3, duplicate: true })
  const { entries } = await log.read('r', 2, 10)
  expect(entries.map(({ payload }) => JSON.parse(payload.toString()))).toMatchObject([{ deletes: seq }])
})
