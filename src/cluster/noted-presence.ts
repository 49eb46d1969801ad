import { randomUUID } from 'node:crypto'
import type { Logger } from '../base/logger.ts'
import { pause } from '../base/pause.ts'
import { OUTBOX_ROOM, type OutboxLog } from '../chat/hooks/outbox.ts'
import type { RoomLog } from '../chat/log/room-log.ts'
import type { RoomMessage } from '../protocol/messages.ts'
import type { ClusterDirectory } from './directory.ts'

type RosterSource = Pick<ClusterDirectory, 'isComplete' | 'changes' | 'roster' | 'rooms'>

/** Who was in a room when webhooks were last notified of it. */
type NotedRoom = readonly [room: string, users: readonly string[]]

/** One entry of the log beside the outbox. */
interface Page {
  readonly rooms: readonly NotedRoom[]
  /** The place from which on there is every room. */
  readonly from?: number
}

const NOTED_ROOM = `${OUTBOX_ROOM}/presence`
const ROUND_MS = 200
const RETRY_MS = 1000
/** Rooms of one entry, and users in them, at most. */
const PAGE_ROOMS = 100
const PAGE_USERS = 1000
/** Entries beyond those that hold every room once, after which every room is written again. */
const EXTRA_PAGES = 1000

/** What the last leader noted, and how many entries that took. */
export async function readNoted(
  log: RoomLog,
): Promise<{ rooms: Map<string, ReadonlySet<string>>; pages: number }> {
  const rooms = new Map<string, ReadonlySet<string>>()
  let pages = 0
  let from = 0
  for (let before = Number.MAX_SAFE_INTEGER; before > from; ) {
    const { entries } = await log.readBefore(NOTED_ROOM, before, 100)
    for (const { seq, payload } of entries.toReversed()) {
      if (seq < from) break
      const page = JSON.parse((JSON.parse(payload.toString()) as RoomMessage).body) as Page
      from = Math.max(from, page.from ?? 0)
      pages++
      // The newest entry of a room counts.
      for (const [room, users] of page.rooms) if (!rooms.has(room)) rooms.set(room, new Set(users))
    }
    before = entries[0]?.seq ?? 0
  }
  for (const [room, users] of rooms) if (users.size === 0) rooms.delete(room)
  return { rooms, pages }
}

/**
 * Notes for webhooks who came to rooms and left them, while this process leads. Who was there then is kept in the room log, so that
 * the next leader notes what happened meanwhile: users who are there and were not have come, and those who were and are not have left. Where
 * that is not known to have been kept it is noted again.
 */
export class NotedPresence {
  readonly #log: OutboxLog
  readonly #directory: RosterSource
  readonly #logger: Logger
  readonly #changed = new Set<string>()
  #noted: Map<string, ReadonlySet<string>> | undefined
  #pages = 0

  constructor(log: OutboxLog, directory: RosterSource, logger: Logger) {
    this.#log = log
    this.#directory = directory
    this.#logger = logger
  }

  /** Resolves once the term has ended, and nothing more is written. */
  async run(term: AbortSignal): Promise<void> {
    const changed = (room: string) => {
      if (this.#log.wantsPresence(room)) this.#changed.add(room)
    }
    const unsubscribe = this.#directory.changes.subscribe(changed)
    for (let failures = 0; !term.aborted; ) {
      try {
        if (!this.#noted) {
          const { rooms, pages } = await readNoted(this.#log)
          this.#noted = rooms
          this.#pages = pages
          for (const room of rooms.keys()) changed(room)
          for (const [room] of this.#directory.rooms()) changed(room)
        }
        await this.#note(this.#noted)
        failures = 0
        await pause(ROUND_MS, term)
      } catch (error) {
        if (failures++ === 0)
          this.#logger.warn(`Webhooks: who comes and leaves cannot be kept yet: ${(error as Error).message}`)
        await pause(RETRY_MS, term)
      }
    }
    unsubscribe()
  }

  async #note(noted: Map<string, ReadonlySet<string>>): Promise<void> {
    const changes = [...this.#changed].flatMap((room) => this.#changeOf(room, noted.get(room)))
    // They are looked at again then: also where this fails.
    for (const { room } of changes) this.#changed.add(room)
    for (const part of parts(changes, ({ users }) => users.size)) {
      await Promise.all(
        part.map(({ room, joined, left, users }) =>
          this.#log.presence(room, joined, left, left.length > 0 && users.size === 0),
        ),
      )
      await this.#write({ rooms: part.map(({ room, users }) => [room, [...users]]) })
      for (const { room, users } of part) {
        if (users.size === 0) noted.delete(room)
        else noted.set(room, users)
      }
    }
    if (this.#pages > EXTRA_PAGES + noted.size / PAGE_ROOMS) await this.#writeAnew(noted)
  }

  /** What is to be noted of a room, which stays among the changed ones while not all of that is known. */
  #changeOf(room: string, before: ReadonlySet<string> = new Set()) {
    this.#changed.delete(room)
    const { users } = this.#directory.roster(room)
    if (!users) return []
    const now = new Set(users)
    const joined = users.filter((user) => !before.has(user))
    const missing = [...before].filter((user) => !now.has(user))
    // They may be where this process has not heard from yet.
    const left = this.#directory.isComplete ? missing : []
    if (left.length < missing.length) {
      this.#changed.add(room)
      for (const user of missing) now.add(user)
    }
    return joined.length + left.length > 0 ? [{ room, joined, left, users: now }] : []
  }

  async #writeAnew(noted: ReadonlyMap<string, ReadonlySet<string>>): Promise<void> {
    this.#pages = 0
    const from = await this.#write({ rooms: [] })
    const rooms = [...noted].map(([room, users]) => [room, [...users]] as const)
    for (const part of parts(rooms, ([, users]) => users.length)) await this.#write({ rooms: part })
    await this.#write({ rooms: [], from })
  }

  async #write(page: Page): Promise<number> {
    const message = { room: NOTED_ROOM, user: OUTBOX_ROOM, id: randomUUID(), body: JSON.stringify(page) }
    const { seq } = await this.#log.append(message)
    this.#pages++
    return seq
  }
}

/** The same in parts that fit into an entry. */
function* parts<T>(all: readonly T[], usersOf: (each: T) => number): Iterable<T[]> {
  let part: T[] = []
  let users = 0
  for (const each of all) {
    const more = usersOf(each)
    if (part.length === PAGE_ROOMS || (part.length > 0 && users + more > PAGE_USERS)) {
      yield part
      part = []
      users = 0
    }
    part.push(each)
    users += more
  }
  if (part.length > 0) yield part
}
