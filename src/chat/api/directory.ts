import type { Talker } from './talkers.ts'

/** Who is in which room over the whole fleet, for those who administrate it. */
export interface PresenceDirectory {
  /** Every room with members, and how many. */
  rooms(): Iterable<readonly [room: string, members: number]>
  roster(room: string): { members: number; users?: readonly string[] }
  /** Every user who is known by name to be in some room, and in how many. */
  users(): Iterable<readonly [user: string, rooms: number]>
  /** The rooms that a user is in, and the servers that the user is connected to there. */
  roomsOf(user: string): { room: string; servers: number[] }[]
}

/** The same, and who sent most in the last minute. */
export interface ChatDirectory extends PresenceDirectory {
  talkers(limit: number): Talker[]
}

/** Counts for each user the rooms that have the user. */
export function countRooms(rooms: Iterable<Iterable<string>>): Map<string, number> {
  const counts = new Map<string, number>()
  for (const users of rooms) for (const user of users) counts.set(user, (counts.get(user) ?? 0) + 1)
  return counts
}
