import type {
  AuthRequest,
  ClientMessage,
  HelloRequest,
  JoinRequest,
  MarkRequest,
  TypingRequest,
} from '../../protocol/messages.ts'
import type { Identity } from '../auth/identity.ts'
import type { Room } from '../rooms/room.ts'
import type { Grants } from './grants.ts'
import type { Memberships } from './memberships.ts'
import { MessageSender } from './message-sender.ts'
import { Rejection, unauthorized } from './rejection.ts'
import type { Replies } from './replies.ts'
import { historyPage, unreadRooms } from './room-reader.ts'
import type { ServerContext } from './server-context.ts'
import { OVERLOADED } from './shedding.ts'

/** Milliseconds in which a user who types is shown once. */
const TYPING_MS = 1000

/** What a user may ask for once it is known who it is. */
type RoomRequest = Exclude<ClientMessage, HelloRequest | AuthRequest>

/** Whether a connection's messages are accepted now. */
interface Admission {
  /** Milliseconds after which to try again, for a message that is then rejected; costs little. */
  overload(): number | undefined
}

/** The requests of one connection about rooms. */
export class RoomRequests {
  readonly #context: ServerContext
  readonly #rooms: Memberships
  readonly #grants: Grants
  readonly #replies: Replies
  readonly #sender: MessageSender
  readonly #admission: Admission
  /** When the user was last shown to type in each room; made with the first. */
  #typed: Map<string, number> | undefined

  constructor(
    context: ServerContext,
    rooms: Memberships,
    grants: Grants,
    replies: Replies,
    admission: Admission,
  ) {
    this.#context = context
    this.#rooms = rooms
    this.#grants = grants
    this.#replies = replies
    this.#sender = new MessageSender(context)
    this.#admission = admission
  }

  /**
   * Returns what the next request has to wait for.
   * @throws {Rejection}
   */
  handle(identity: Identity, request: RoomRequest): Promise<void> | undefined {
    const replies = this.#replies
    switch (request.type) {
      case 'join':
        return this.#join(identity, request)
      case 'leave':
        this.#rooms.leave(request.room)
        replies.send({ type: 'left', id: request.id, room: request.room })
        return
      case 'send':
      case 'edit':
      case 'delete':
      case 'invite': {
        const room = this.#joined(request.room)
        const retryMs = this.#admission.overload()
        if (retryMs !== undefined) {
          replies.reject(request, { code: 'overloaded', message: OVERLOADED, retryMs })
          return
        }
        // Many may be in flight at once.
        this.#sender.send(identity, room, request).then(
          (ack) => {
            replies.accepted()
            replies.send(ack)
          },
          (error: unknown) => replies.fail(request, error),
        )
        return
      }
      case 'typing':
        this.#typing(identity, request)
        return
      case 'history':
        return historyPage(this.#context, this.#joined(request.room), request).then((page) =>
          replies.send(page),
        )
      case 'mark':
        return this.#mark(identity, request)
      case 'unread':
        return unreadRooms(this.#context, identity, request).then((rooms) => replies.send(rooms))
      case 'ping':
        replies.send({ type: 'pong', id: request.id })
    }
  }

  #joined(name: string): Room {
    const room = this.#rooms.room(name)
    if (!room) throw new Rejection('not-joined', 'join the room first')
    return room
  }

  async #join(identity: Identity, request: JoinRequest): Promise<void> {
    const { room, token } = request
    if (token !== undefined) {
      const grant = await this.#context.auth.grant(token, identity.user, room)
      if (this.#rooms.closed) return
      if ('denied' in grant) throw unauthorized(grant)
      this.#grants.add(grant)
    }
    await this.#rooms.join(identity, request, this.#grants.expiresInMs(room))
    this.#replies.accepted()
  }

  #typing(identity: Identity, { id, room }: TypingRequest): void {
    this.#joined(room)
    if (!identity.maySend(room)) throw new Rejection('forbidden', 'you may not send to this room')
    const now = performance.now()
    this.#typed ??= new Map()
    if (now - (this.#typed.get(room) ?? -Infinity) >= TYPING_MS) {
      this.#typed.set(room, now)
      this.#context.link.typing(room, identity.user)
    }
    this.#replies.send({ type: 'ok', id })
  }

  async #mark({ user }: Identity, { id, room, seq }: MarkRequest): Promise<void> {
    this.#joined(room)
    const wait = this.#context.rates.take(user)
    if (wait > 0) throw new Rejection('rate-limited', 'too many messages', Math.ceil(wait * 1000))
    await this.#context.readMarkers.mark(user, room, seq).catch((error: unknown) => {
      throw Rejection.of(error)
    })
    this.#replies.send({ type: 'ok', id })
  }
}
