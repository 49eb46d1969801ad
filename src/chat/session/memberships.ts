import type { JoinRequest, RejectionCode } from '../../protocol/messages.ts'
import type { Identity } from '../auth/identity.ts'
import { decide } from '../hooks/hooks.ts'
import { placeBefore } from '../rooms/history-bounds.ts'
import type { Member, Room } from '../rooms/room.ts'
import { catchUp } from './catch-up.ts'
import type { Outbox } from './outbox.ts'
import { Rejection } from './rejection.ts'
import type { Replies } from './replies.ts'
import type { ServerContext } from './server-context.ts'

/** Milliseconds until a log that could not be read is tried again. */
const READ_AGAIN_MS = 1000

/** One for each room of each connection: a class, since two closures for each would take as much memory again. */
class LocalMember implements Member {
  readonly outbox: Outbox
  readonly room: Room
  readonly user: string
  seq: number
  live = false
  attempt = 0
  timer: NodeJS.Timeout | undefined
  readonly #memberships: Memberships

  constructor(memberships: Memberships, outbox: Outbox, room: Room, user: string, seq: number) {
    this.#memberships = memberships
    this.outbox = outbox
    this.room = room
    this.user = user
    this.seq = seq
  }

  onLagging(): void {
    void this.#memberships.fallBehind(this)
  }

  onMissed(): void {
    this.#memberships.catchUp(this)
  }
}

/** The rooms of one connection: joined, caught up with, and left. */
export class Memberships {
  readonly #context: ServerContext
  readonly #outbox: Outbox
  readonly #replies: Replies
  readonly #members = new Map<string, LocalMember>()
  #closed = false

  constructor(context: ServerContext, outbox: Outbox, replies: Replies) {
    this.#context = context
    this.#outbox = outbox
    this.#replies = replies
  }

  /** Whether the connection is gone, so that what was awaited comes to nothing. */
  get closed(): boolean {
    return this.#closed
  }

  has(room: string): boolean {
    return this.#members.has(room)
  }

  room(name: string): Room | undefined {
    return this.#members.get(name)?.room
  }

  /** Those it is in, the one that it joined first before the others. */
  get names(): Iterable<string> {
    return this.#members.keys()
  }

  /**
   * @param expiresInMs milliseconds until the token of the room expires, where there is one
   * @throws {Rejection}
   */
  async join(identity: Identity, request: JoinRequest, expiresInMs?: number): Promise<void> {
    const { user } = identity
    const { id, room: name, cursor, history = 0 } = request
    const { rooms, limits, link, hooks, namespaces, historyBounds, onHookFailure } = this.#context
    const { presence, maxMembers } = namespaces.of(name)
    if (!identity.mayJoin(name)) throw new Rejection('forbidden', 'you may not join this room')
    if (!this.has(name) && this.#members.size >= limits.maxRooms) {
      throw new Rejection('too-many-rooms', `at most ${limits.maxRooms} rooms`)
    }
    if (hooks?.beforeJoin) await decide(() => hooks.beforeJoin!({ room: name, user }), onHookFailure)
    const room = await rooms.enter(name).catch((error: unknown) => {
      throw Rejection.of(error)
    })
    let seq: number
    let floor: number
    let resumable: boolean
    try {
      resumable =
        cursor !== undefined && cursor.epoch === link.epoch && (await this.#exists(room, cursor.seq))
      floor = await historyBounds.floor(room)
      seq = resumable ? cursor!.seq : Math.max(floor, await placeBefore(link, room, history))
      // Who resumes was in the room already: a lost connection must not cost the place in it.
      if (!resumable && maxMembers !== undefined && !(await rooms.takePlace(user, name, maxMembers)))
        throw new Rejection('room-full', `at most ${maxMembers} users`)
    } catch (error) {
      rooms.left(room)
      throw Rejection.of(error)
    }
    if (this.#closed) {
      if (maxMembers !== undefined) rooms.leavePlace(user, name)
      rooms.left(room)
      return
    }
    if (resumable) this.#context.count('resumed')
    const { members, users } = room.roster
    this.#replies.send({
      type: 'joined',
      id,
      room: name,
      cursor: { epoch: link.epoch, seq },
      ...(cursor && !resumable && { reset: true }),
      head: Math.max(room.head, seq),
      members: presence ? members : 0,
      users: presence && users ? [...users] : undefined,
      expiresInMs,
    })
    if (seq < floor) this.#replies.send({ type: 'gap', room: name, from: seq + 1, to: floor })
    this.catchUp(this.#enter(room, user, Math.max(seq, floor)))
  }

  /** Leaves a room. Nothing happens when it is not joined. */
  leave(name: string): void {
    const member = this.#members.get(name)
    if (!member) return
    this.#members.delete(name)
    clearTimeout(member.timer)
    member.live = false
    member.room.members.delete(member)
    this.#context.rooms.present(name, member.user, false)
    this.#context.rooms.left(member.room)
  }

  /** Leaves the rooms that the user may not be in any more, and says so. */
  keepOnly(mayJoin: (room: string) => boolean, code: RejectionCode, message: string): void {
    for (const room of [...this.#members.keys()]) {
      if (mayJoin(room)) continue
      this.leave(room)
      this.#replies.send({ type: 'left', room, code, message })
    }
  }

  /** The connection is gone. */
  close(): void {
    this.#closed = true
    for (const room of [...this.#members.keys()]) this.leave(room)
  }

  /** Whether the log has come to a place; this server may know a little less of it than another. */
  async #exists(room: Room, seq: number): Promise<boolean> {
    return seq <= room.head || seq <= (await this.#context.link.read(room.name, seq, 1)).head
  }

  #enter(room: Room, user: string, seq: number): LocalMember {
    const known = this.#members.get(room.name)
    if (known) {
      this.#context.rooms.left(room) // it had entered already
      known.seq = seq
      return known
    }
    const member = new LocalMember(this, this.#outbox, room, user, seq)
    this.#members.set(room.name, member)
    room.members.add(member)
    this.#context.rooms.present(room.name, user, true)
    return member
  }

  /** Brings a member to the head of its room, from where it is pushed what comes. */
  catchUp(member: LocalMember): void {
    catchUp(member, this.#context.link, () => !this.#isMember(member)).catch(() => {
      if (!this.#isMember(member)) return
      // The log cannot be read now; it may be again.
      member.timer = setTimeout(() => this.catchUp(member), READ_AGAIN_MS)
    })
  }

  #isMember(member: LocalMember): boolean {
    return this.#members.get(member.room.name) === member
  }

  /** It was not pushed what its connection had no room for: when that was read, the rest comes from the log. */
  async fallBehind(member: LocalMember): Promise<void> {
    this.#context.count('lagging')
    await this.#outbox.drained()
    if (!this.#isMember(member)) return
    const { name, head } = member.room
    this.#replies.send({ type: 'lagging', room: name, from: member.seq + 1, to: head })
    this.catchUp(member)
  }
}
