import type { HistoryPage, HistoryRequest, UnreadRequest, UnreadRooms } from '../../protocol/messages.ts'
import type { Identity } from '../auth/identity.ts'
import type { Room } from '../rooms/room.ts'
import { Rejection } from './rejection.ts'
import type { ServerContext } from './server-context.ts'

/** Messages of one page of history. */
const HISTORY_PAGE = 200

/** Older messages, for the members of a room. @throws {Rejection} */
export async function historyPage(
  { link, historyBounds }: ServerContext,
  joined: Room,
  { id, room, before, limit }: HistoryRequest,
): Promise<HistoryPage> {
  const { changes } = joined
  try {
    const floor = await historyBounds.floor(joined)
    const page = await link.readBefore(room, before, Math.min(limit, HISTORY_PAGE))
    const readable = page.entries.filter(({ seq }) => seq > floor)
    const messages = await changes.resolve(link, readable)
    const first = Math.max(page.first, changes.purgedTo + 1, floor + 1)
    return { type: 'history', id, room, messages, first }
  } catch (error) {
    throw Rejection.of(error)
  }
}

/** What the user has not read yet, of rooms that the user may join. @throws {Rejection} */
export async function unreadRooms(
  { readMarkers }: ServerContext,
  identity: Identity,
  { id, rooms }: UnreadRequest,
): Promise<UnreadRooms> {
  const { user } = identity
  const denied = rooms.find((room) => !identity.mayJoin(room))
  if (denied !== undefined) throw new Rejection('forbidden', `you may not join ${denied}`)
  try {
    const read = await readMarkers.of(user)
    const counted = rooms.map((room) => readMarkers.unread(user, room, read.get(room) ?? 0))
    return { type: 'unread', id, rooms: await Promise.all(counted) }
  } catch (error) {
    throw Rejection.of(error)
  }
}
