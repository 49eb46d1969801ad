import { randomUUID } from 'node:crypto'
import { z } from 'zod'
import { check } from '../../base/options.ts'
import type { MessageData } from '../../protocol/messages.ts'
import type { Tracer } from '../../telemetry/tracer.ts'
import type { ModerationAction } from '../access/moderation.ts'
import { type ModerationLog, SYSTEM_PREFIX } from '../access/moderation-log.ts'
import type { RoomLog } from '../log/room-log.ts'
import { appendOnce } from '../rooms/append-once.ts'
import { changeMessage, deletionId, purgeRoom } from '../rooms/change-message.ts'
import { RecentChanges } from '../rooms/recent-changes.ts'
import { checkDecision } from './decision.ts'
import type { ChatDirectory } from './directory.ts'
import { message, roomName } from './fields.ts'
import { TALK_SECONDS } from './talkers.ts'

/** The user whose messages the server API sends when it names no other. */
const SERVER_USER = `${SYSTEM_PREFIX}server`

export interface Publication {
  readonly body: string
  readonly data?: MessageData | undefined
  readonly user?: string | undefined
  /** Identifies the message: published again with the same id, it is in the room once. */
  readonly id?: string | undefined
}

export interface Published {
  readonly room: string
  readonly seq: number
  readonly id: string
  readonly duplicate: boolean
}

export interface RoomSummary {
  readonly room: string
  readonly members: number
}

export interface UserSummary {
  readonly user: string
  /** How many rooms the user is in. */
  readonly rooms: number
}

/** What a page of a list has. */
export interface ListOptions {
  /** Only names that begin like this. */
  readonly prefix: string
  /** Only names that contain this, in upper or lower case. */
  readonly search: string
  /** Only what follows the `next` of the page before. */
  readonly after: string
  readonly limit: number
}

/** By name, or those with the most members first. */
export type RoomOrder = 'name' | 'members'

const publication = z.strictObject(message)

/**
 * What the server API can do, whatever way it is asked. It is one more reader and writer of what the fleet shares.
 * Names and messages that are not allowed are INVALID_INPUT: an app may pass on what its users wrote.
 */
export class ChatService {
  readonly #log: RoomLog
  readonly #changes = new RecentChanges()
  readonly #moderation: ModerationLog
  readonly #directory: ChatDirectory
  readonly #tracer: Tracer | undefined

  constructor(log: RoomLog, moderation: ModerationLog, directory: ChatDirectory, tracer?: Tracer) {
    this.#log = log
    this.#moderation = moderation
    this.#directory = directory
    this.#tracer = tracer
  }

  get durability() {
    return this.#log.durability
  }

  /** @throws {IdTaken} when the id was used for another message of the room. */
  async publish(room: string, given: Publication): Promise<Published> {
    checkRoom(room)
    const { body, data, user = SERVER_USER, id = randomUUID() } = check(publication, given, 'the message')
    const began = performance.now()
    const message = { room, user, id, body, ...(data && { extras: { data } }) }
    const { seq, duplicate } = await appendOnce(this.#log, message)
    const span = this.#tracer?.ofMessage(message)
    span?.end('message publish', { began, attributes: { 'concertina.room': room } })
    return { room, seq, id, duplicate }
  }

  /** The newest messages before a place, oldest first. */
  async history(room: string, before: number, limit: number) {
    checkRoom(room)
    const { entries, first, head } = await this.#log.readBefore(room, before, limit)
    const changes = this.#changes.of(room)
    const messages = await changes.resolve(this.#log, entries)
    return { room, messages, first: Math.max(first, changes.purgedTo + 1), head }
  }

  /** Replaces a message's body and data, whichever user sent it. */
  async edit(room: string, seq: number, given: Publication): Promise<Published> {
    checkRoom(room)
    checkPlace(seq)
    const { body, data, user = SERVER_USER, id = randomUUID() } = check(publication, given, 'the message')
    const change = { room, seq, user, id, edit: { body, data } }
    const { seq: place, duplicate } = await changeMessage(this.#log, this.#changes.of(room), change)
    return { room, seq: place, id, duplicate }
  }

  /** Deletes a message, whichever user sent it; its place stays. */
  async delete(room: string, seq: number): Promise<Published> {
    checkRoom(room)
    checkPlace(seq)
    const id = deletionId(seq)
    const change = { room, seq, user: SERVER_USER, id }
    const { seq: place, duplicate } = await changeMessage(this.#log, this.#changes.of(room), change)
    return { room, seq: place, id, duplicate }
  }

  /** Closes a room and hides everything in it for good. Opened again, it is empty. */
  async deleteRoom(room: string, reason?: string): Promise<void> {
    const more = reason === undefined ? {} : { reason }
    await this.decide({ type: 'close-room', room, ...more })
    await purgeRoom(this.#log, room, SERVER_USER, randomUUID())
  }

  /** Rooms with members, a page at a time. */
  rooms(options: ListOptions, order: RoomOrder): { rooms: RoomSummary[]; total: number; next?: string } {
    const { page, ...more } = pageOf(this.#visibleRooms(), options, order === 'members')
    return { rooms: page.map(([room, members]) => ({ room, members })), ...more }
  }

  /** Users who are in rooms and known by name there, a page at a time. */
  users(options: ListOptions): { users: UserSummary[]; total: number; next?: string } {
    const { page, ...more } = pageOf(this.#directory.users(), options, false)
    return { users: page.map(([user, rooms]) => ({ user, rooms })), ...more }
  }

  /** The users who sent the most messages recently, most first. */
  talkers(limit: number) {
    return { talkers: this.#directory.talkers(limit), seconds: TALK_SECONDS }
  }

  #visibleRooms(): (readonly [room: string, members: number])[] {
    return [...this.#directory.rooms()].filter(([room]) => !room.startsWith(SYSTEM_PREFIX))
  }

  /** Members of a room, by name where there are few, and what its log holds. */
  async room(room: string) {
    checkRoom(room)
    const { first, head } = await this.#log.readBefore(room, Number.MAX_SAFE_INTEGER, 0)
    return {
      room,
      ...this.#directory.roster(room),
      first,
      head,
      closed: this.#moderation.state.isClosed(room),
    }
  }

  user(user: string) {
    const { state } = this.#moderation
    const rooms = this.#directory.roomsOf(user)
    const ban = state.ban(user)
    const mute = state.mute(user)
    return { user, online: rooms.length > 0, rooms, ...(ban && { ban }), ...(mute && { mute }) }
  }

  /** Every ban, mute, revocation and closed room that holds now. */
  sanctions(): ModerationAction[] {
    return this.#moderation.state.active()
  }

  /** Resolves when the decision is in the log; every server of the fleet carries it out right after. */
  async decide(action: ModerationAction): Promise<void> {
    checkDecision(action)
    return this.#moderation.decide(action)
  }

  /** Sends a message to every room with members; resolves with their number. `id` makes it safe to repeat. */
  async announce(publication: Publication): Promise<number> {
    const id = publication.id ?? randomUUID()
    const rooms = this.#visibleRooms()
    await Promise.all(rooms.map(([room]) => this.publish(room, { ...publication, id })))
    return rooms.length
  }
}

const checkRoom = (room: string) => check(roomName, room, 'room')
const checkPlace = (seq: number) => check(z.number().int().positive(), seq, 'seq')

type Counted = readonly [name: string, count: number]

/**
 * One page of names with counts. `next` names the last entry of the page, so a page may follow also when that entry is gone.
 * @param byCount those with the highest count first, else by name
 */
function pageOf(
  all: Iterable<Counted>,
  { prefix, search, after, limit }: ListOptions,
  byCount: boolean,
): { page: Counted[]; total: number; next?: string } {
  const part = search.toLowerCase()
  const found = [...all].filter(
    ([name]) => name.startsWith(prefix) && (part === '' || name.toLowerCase().includes(part)),
  )
  const before = ([a, n]: Counted, [b, m]: Counted) => (byCount && m - n) || (a < b ? -1 : a > b ? 1 : 0)
  found.sort(before)
  const [, count = '', name = ''] = (byCount && /^(\d+):(.*)$/s.exec(after)) || ['', '0', after]
  const last: Counted = [name, Number(count)]
  const rest = after === '' ? found : found.filter((each) => before(last, each) < 0)
  const page = rest.slice(0, limit)
  const [lastName = '', lastCount = 0] = page.at(-1) ?? []
  const next = byCount ? `${lastCount}:${lastName}` : lastName
  return { page, total: found.length, ...(rest.length > page.length && page.length > 0 && { next }) }
}
