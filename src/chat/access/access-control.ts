import { belongsTo, isPrivate, privateRoom } from '../../protocol/private-rooms.ts'
import type { Authenticator } from '../auth/authenticator.ts'
import { type Denied, DerivedIdentity, denied, type Identity, type RoomGrant } from '../auth/identity.ts'
import type { Namespaces } from '../rooms/namespaces.ts'
import type { ModerationState } from './moderation.ts'
import { SYSTEM_PREFIX } from './moderation-log.ts'

/**
 * Decides who may connect, join and send: by the token, by what moderators decided, by the options of the room, and by the
 * names that are reserved.
 */
export class AccessControl {
  /** May be replaced: users who are identified already stay who they are. */
  authenticator: Authenticator
  readonly #moderation: ModerationState
  readonly #namespaces: Namespaces

  constructor(authenticator: Authenticator, moderation: ModerationState, namespaces: Namespaces) {
    this.authenticator = authenticator
    this.#moderation = moderation
    this.#namespaces = namespaces
  }

  async identify(token: string | undefined, name: string | undefined): Promise<Identity | Denied> {
    const identity = await this.authenticator.identify(token, name)
    if ('denied' in identity) return identity
    const { user } = identity
    if (user.startsWith(SYSTEM_PREFIX)) return denied(`names do not begin with ${SYSTEM_PREFIX}`)
    const ban = this.#moderation.ban(user)
    if (ban) return denied(ban.reason === undefined ? 'you are banned' : `you are banned: ${ban.reason}`)
    return new Admitted(this, identity)
  }

  mayJoin(claims: Identity, room: string): boolean {
    const { user } = claims
    return this.#open(user, room) && (claims.mayJoin(room) || room === privateRoom(user))
  }

  maySend(claims: Identity, room: string): boolean {
    const { user } = claims
    return (
      this.#open(user, room) &&
      !this.#moderation.mute(user, room) &&
      claims.maySend(room) &&
      this.#mayPublish(room, claims.mayModerate(room))
    )
  }

  mayModerate(claims: Identity, room: string): boolean {
    return this.#open(claims.user, room) && claims.mayModerate(room)
  }

  /** What a token for one room allows its user there, now and until it expires. */
  async grant(token: string, user: string, room: string): Promise<RoomGrant | Denied> {
    if (!this.#open(user, room)) return denied('you may not join this room')
    const granted = await this.authenticator.grant(token, user, room)
    if ('denied' in granted) return granted
    const { tokenId: id, issuedAt } = granted
    const mayJoin = () => this.#open(user, room) && !this.#moderation.isRevoked({ user, id, issuedAt })
    return {
      room,
      expires: granted.expires,
      mayJoin,
      maySend: () =>
        granted.maySend && mayJoin() && !this.#moderation.mute(user, room) && this.#mayPublish(room, false),
    }
  }

  #open(user: string, room: string): boolean {
    return (
      !room.startsWith(SYSTEM_PREFIX) &&
      !this.#moderation.isClosed(room) &&
      !this.#moderation.ban(user, room) &&
      (!isPrivate(room) || belongsTo(room, user))
    )
  }

  #mayPublish(room: string, isModerator: boolean): boolean {
    const { publish } = this.#namespaces.of(room)
    return publish === 'everyone' || (publish === 'moderators' && isModerator)
  }
}

/** Who was let in, by what the token claims. */
class Admitted extends DerivedIdentity {
  readonly #access: AccessControl

  constructor(access: AccessControl, claims: Identity) {
    super(claims)
    this.#access = access
  }

  override mayJoin(room: string): boolean {
    return this.#access.mayJoin(this.original, room)
  }

  override maySend(room: string): boolean {
    return this.#access.maySend(this.original, room)
  }

  override mayModerate(room: string): boolean {
    return this.#access.mayModerate(this.original, room)
  }
}
