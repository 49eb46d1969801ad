import { afterEach, expect, it } from 'vitest'
import { silentLogger } from '../base/logger.ts'
import { Signal } from '../base/signal.ts'
import { OUTBOX_ROOM, type RoomHappening } from '../chat/hooks/outbox.ts'
import { outboxOf } from '../chat/hooks/webhooks.ts'
import { MemoryRoomLog } from '../chat/log/memory.ts'
import { LogUnavailable } from '../chat/log/room-log.ts'
import type { RoomMessage } from '../protocol/messages.ts'
import { NotedPresence, readNoted } from './noted-presence.ts'

const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

const WEBHOOK = { url: 'http://127.0.0.1:1/', secret: 'a secret of thirty-two characters' }

/** Rooms and their members, as the servers of a cluster announce them. */
class Members {
  readonly #rooms = new Map<string, string[]>()
  isComplete = true
  readonly changes = new Signal<string>()

  rooms = () => [...this.#rooms].map(([room, users]) => [room, users.length] as const)

  roster = (room: string) => {
    const users = this.#rooms.get(room) ?? []
    return { members: users.length, users }
  }

  set(room: string, ...users: string[]): void {
    this.#rooms.set(room, users)
    this.changes.emit(room)
  }
}

/** Leads until the returned function is called. */
function lead(log: MemoryRoomLog, members: Members) {
  const term = new AbortController()
  const running = new NotedPresence(outboxOf(log, [WEBHOOK]), members, silentLogger).run(term.signal)
  const end = () => {
    term.abort()
    return running
  }
  ends.push(end)
  return end
}

async function notedIn(log: MemoryRoomLog): Promise<string[]> {
  const { entries } = await log.readBefore(OUTBOX_ROOM, Number.MAX_SAFE_INTEGER, 1000)
  return entries.map(({ payload }) => {
    const { type, user, room } = JSON.parse(
      (JSON.parse(payload.toString()) as RoomMessage).body,
    ) as RoomHappening
    return [type, user, room].filter(Boolean).join(' ')
  })
}

const events = (log: MemoryRoomLog) => expect.poll(() => notedIn(log), { timeout: 15_000 })

it('notes what happened between two terms, once, and a leave only when all servers have announced', async () => {
  const log = new MemoryRoomLog()
  const members = new Members()
  const endOfFirst = lead(log, members)
  members.set('r', 'ann', 'bob')
  members.set('s', 'cid')
  await events(log).toEqual(['join ann r', 'join bob r', 'join cid s'])
  await expect.poll(async () => (await readNoted(log)).rooms.size).toBe(2)
  await endOfFirst()
  members.set('s')
  const later = new Members()
  later.isComplete = false
  lead(log, later)
  later.set('r', 'bob', 'dan')
  await events(log).toEqual(['join ann r', 'join bob r', 'join cid s', 'join dan r'])
  later.isComplete = true
  await events(log).toHaveLength(7)
  expect((await notedIn(log)).slice(4).toSorted()).toEqual(['leave ann r', 'leave cid s', 'room-empty s'])
})

it('loses nothing while the room log takes nothing', async () => {
  const log = new MemoryRoomLog()
  const append = log.append.bind(log)
  let isDown = true
  let rejected = 0
  log.append = (message) => {
    if (!isDown) return append(message)
    rejected++
    return Promise.reject(new LogUnavailable('no leader'))
  }
  const members = new Members()
  lead(log, members)
  members.set('r', 'ann')
  await expect.poll(() => rejected).toBeGreaterThan(0)
  isDown = false
  await events(log).toEqual(['join ann r'])
})

it('keeps what it reads at the start of a term short', async () => {
  const log = new MemoryRoomLog()
  const members = new Members()
  const endOfFirst = lead(log, members)
  members.set('r', 'ann')
  members.set('gone')
  await events(log).toEqual(['join ann r'])
  const page = { room: `${OUTBOX_ROOM}/presence`, user: OUTBOX_ROOM }
  for (let i = 0; i < 1100; i++)
    await log.append({ ...page, id: `${i}`, body: JSON.stringify({ rooms: [[`old ${i}`, []]] }) })
  await endOfFirst()
  lead(log, members)
  const kept = async () => {
    const { rooms, pages } = await readNoted(log)
    return { rooms: [...rooms].map(([room, users]) => [room, ...users]), isShort: pages < 10 }
  }
  await expect.poll(kept, { timeout: 15_000 }).toEqual({ rooms: [['r', 'ann']], isShort: true })
  expect(await notedIn(log)).toEqual(['join ann r'])
})
