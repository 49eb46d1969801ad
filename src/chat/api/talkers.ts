import { ownString } from '../../base/own-string.ts'
import { SYSTEM_PREFIX } from '../access/moderation-log.ts'

/** A user who sent much recently, and the room of the last message. */
export interface Talker {
  readonly user: string
  readonly messages: number
  readonly room: string
}

/** Seconds over which messages are counted. */
export const TALK_SECONDS = 60
/** Users that are named at most. */
export const MAX_TALKERS = 50
const SLOTS = 6
const SLOT_MS = (TALK_SECONDS * 1000) / SLOTS
/** Users of one slot; beyond twice as many those with the fewest messages in it are forgotten. */
const MAX_USERS = 5000

/** What is counted of a user; counted up in place, since every message comes here. */
type Count = { -readonly [K in keyof Talker]: Talker[K] }

interface Slot {
  readonly number: number
  users: Map<string, Count>
}

/** Counts the messages of each user over the last minute, in bounded memory. */
export class TalkerMeter {
  readonly #now: () => number
  /** Oldest first. */
  #slots: Slot[] = []

  /** @param now milliseconds of a clock that never goes back */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** Counts a message; what the chat itself keeps in rooms of its own does not count. */
  count(user: string, room: string): void {
    if (room.startsWith(SYSTEM_PREFIX)) return
    const slot = this.#slot()
    const known = slot.users.get(user)
    if (known) {
      known.messages++
      if (known.room !== room) known.room = ownString(room)
      return
    }
    const own = ownString(user)
    slot.users.set(own, { user: own, messages: 1, room: ownString(room) })
    if (slot.users.size > 2 * MAX_USERS)
      slot.users = new Map(mostActive([slot.users.values()], MAX_USERS).map((each) => [each.user, each]))
  }

  /** Those who sent most in the last minute, in steps of ten seconds. */
  top(limit: number): Talker[] {
    this.#slot()
    return mostActive(
      this.#slots.map(({ users }) => users.values()),
      limit,
    )
  }

  #slot(): Slot {
    const number = Math.floor(this.#now() / SLOT_MS)
    const last = this.#slots.at(-1)
    if (last?.number === number) return last
    const slot: Slot = { number, users: new Map() }
    this.#slots = [...this.#slots.filter((each) => each.number > number - SLOTS), slot]
    return slot
  }
}

/** Adds up several counts, the newest last, and returns the users with most messages, most first. */
export function mostActive(counts: readonly Iterable<Talker>[], limit: number): Talker[] {
  const sums = new Map<string, Talker>()
  for (const each of counts)
    for (const { user, messages, room } of each)
      sums.set(user, { user, messages: messages + (sums.get(user)?.messages ?? 0), room })
  return [...sums.values()]
    .sort((a, b) => b.messages - a.messages || (a.user < b.user ? -1 : 1))
    .slice(0, limit)
}
