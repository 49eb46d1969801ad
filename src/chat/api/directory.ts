/** Who is in which room over the whole fleet, for those who administrate it. */
export interface PresenceDirectory {
  /** Every room with members, and how many. */
  rooms(): Iterable<readonly [room: string, members: number]>
  roster(room: string): { members: number; users?: readonly string[] }
  /** The rooms that a user is in, and the servers that the user is connected to there. */
  roomsOf(user: string): { room: string; servers: number[] }[]
}
