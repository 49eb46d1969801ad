import type { RoomMessage } from '../../protocol/messages.ts'
import type { RoomLog } from '../log/room-log.ts'
import type { Namespaces } from './namespaces.ts'
import type { Room } from './room.ts'

/** The place before the last `count` messages of a room. */
export async function placeBefore(log: RoomLog, room: Room, count: number): Promise<number> {
  const { head } = room
  if (count === 0 || head === 0) return head
  const recent = room.placeBefore(count)
  if (recent !== undefined) return recent
  let place = head
  for (let left = count; left > 0; ) {
    const { entries } = await log.readBefore(room.name, place + 1, left)
    if (entries.length === 0) break
    place = entries[0]!.prevSeq
    left -= entries.length
  }
  return place
}

/** How far back the users of a room can read. */
export class HistoryBounds {
  readonly #log: RoomLog
  readonly #namespaces: Namespaces
  /** Places up to which everything was too old when it was last looked; they only rise. */
  readonly #tooOld = new WeakMap<Room, number>()

  constructor(log: RoomLog, namespaces: Namespaces) {
    this.#log = log
    this.#namespaces = namespaces
  }

  /** The place up to which users no longer read the room; 0 where there is no bound. */
  async floor(room: Room): Promise<number> {
    const { historyMessages, historySeconds } = this.#namespaces.of(room.name)
    const byCount = historyMessages === undefined ? 0 : await placeBefore(this.#log, room, historyMessages)
    const byAge = historySeconds === undefined ? 0 : await this.#olderThan(room, historySeconds)
    return Math.max(byCount, byAge)
  }

  /** The place of the last message older than `ageSeconds`, found by bisection. */
  async #olderThan(room: Room, ageSeconds: number): Promise<number> {
    const since = Date.now() - ageSeconds * 1000
    let low = this.#tooOld.get(room) ?? 0
    // Most often nothing became too old since it was last looked.
    let middle = low
    for (let high = room.head; low < high; middle = Math.floor((low + high) / 2)) {
      const [entry] = (await this.#log.read(room.name, middle, 1)).entries
      if (!entry) high = middle
      else if ((JSON.parse(entry.payload.toString()) as RoomMessage).time >= since) high = middle
      else low = entry.seq
    }
    this.#tooOld.set(room, low)
    return low
  }
}
