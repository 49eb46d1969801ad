/**
 * What moderators and the server API decide about users and rooms. Each decision is an entry of one log that every server of
 * the fleet follows, so that all of them agree, and a server that starts later knows what was decided before.
 */
export type ModerationAction =
  /** Keeps a user out of a room, or out of the chat. `until` is in milliseconds since 1970; without it for good. */
  | { type: 'ban'; user: string; room?: string; until?: number; reason?: string }
  | { type: 'unban'; user: string; room?: string }
  /** Lets a user read only. */
  | { type: 'mute'; user: string; room?: string; until?: number; reason?: string }
  | { type: 'unmute'; user: string; room?: string }
  /** Tokens of the user that were issued before `before` (milliseconds since 1970) no longer count. */
  | { type: 'revoke-user'; user: string; before: number }
  /** The token no longer counts; after `until` it has expired and need not be remembered. */
  | { type: 'revoke-token'; id: string; until: number }
  /** Ends the user's connections, or the user's stay in one room, once. */
  | { type: 'kick'; user: string; room?: string; reason?: string }
  /** No user may join or send; who is in the room leaves it. */
  | { type: 'close-room'; room: string; reason?: string }
  | { type: 'open-room'; room: string }

/** A user who is kept out of, or may not send to, a room or (without `room`) the chat. */
export interface Sanction {
  readonly user: string
  readonly room?: string
  readonly until?: number
  readonly reason?: string
}

const keyOf = (user: string, room: string | undefined) => `${user}\u0000${room ?? ''}`
/** Expired decisions are forgotten after this many new ones at the latest. */
const SWEEP = 1000

/** The decisions that hold now. */
export class ModerationState {
  readonly #bans = new Map<string, Sanction>()
  readonly #mutes = new Map<string, Sanction>()
  readonly #revokedUsers = new Map<string, number>()
  readonly #revokedTokens = new Map<string, number>()
  readonly #closed = new Map<string, string | undefined>()
  #applied = 0

  apply(action: ModerationAction): void {
    switch (action.type) {
      case 'ban':
      case 'mute': {
        const { type, ...sanction } = action
        const sanctions = type === 'ban' ? this.#bans : this.#mutes
        sanctions.set(keyOf(action.user, action.room), sanction)
        break
      }
      case 'unban':
        this.#bans.delete(keyOf(action.user, action.room))
        break
      case 'unmute':
        this.#mutes.delete(keyOf(action.user, action.room))
        break
      case 'revoke-user':
        this.#revokedUsers.set(action.user, Math.max(action.before, this.#revokedUsers.get(action.user) ?? 0))
        break
      case 'revoke-token':
        this.#revokedTokens.set(action.id, action.until)
        break
      case 'close-room':
        this.#closed.set(action.room, action.reason)
        break
      case 'open-room':
        this.#closed.delete(action.room)
        break
      case 'kick':
        break
    }
    if (++this.#applied % SWEEP === 0) this.#sweep()
  }

  #sweep(): void {
    const now = Date.now()
    for (const sanctions of [this.#bans, this.#mutes])
      for (const [key, { until = Infinity }] of sanctions) if (until <= now) sanctions.delete(key)
    for (const [id, until] of this.#revokedTokens) if (until <= now) this.#revokedTokens.delete(id)
  }

  /** The ban that keeps the user out of the room, or (without `room`) out of the chat. */
  ban(user: string, room?: string): Sanction | undefined {
    return find(this.#bans, user, room)
  }

  mute(user: string, room?: string): Sanction | undefined {
    return find(this.#mutes, user, room)
  }

  isClosed(room: string): boolean {
    return this.#closed.has(room)
  }

  isRevoked({
    user,
    id,
    issuedAt,
  }: {
    user: string
    id?: string | undefined
    issuedAt?: number | undefined
  }) {
    if (id !== undefined && (this.#revokedTokens.get(id) ?? 0) > Date.now()) return true
    const before = this.#revokedUsers.get(user)
    // A token that does not say when it was issued may be an old one.
    return before !== undefined && (issuedAt ?? 0) < before
  }

  /** What holds now, as actions that lead here again. */
  active(): ModerationAction[] {
    this.#sweep()
    return [
      ...[...this.#bans.values()].map((each) => ({ type: 'ban' as const, ...each })),
      ...[...this.#mutes.values()].map((each) => ({ type: 'mute' as const, ...each })),
      ...[...this.#revokedUsers].map(([user, before]) => ({ type: 'revoke-user' as const, user, before })),
      ...[...this.#revokedTokens].map(([id, until]) => ({ type: 'revoke-token' as const, id, until })),
      ...[...this.#closed].map(([room, reason]) => ({
        type: 'close-room' as const,
        room,
        ...(reason !== undefined && { reason }),
      })),
    ]
  }
}

function find(
  sanctions: ReadonlyMap<string, Sanction>,
  user: string,
  room: string | undefined,
): Sanction | undefined {
  if (sanctions.size === 0) return undefined
  const now = Date.now()
  for (const key of room === undefined
    ? [keyOf(user, undefined)]
    : [keyOf(user, undefined), keyOf(user, room)]) {
    const sanction = sanctions.get(key)
    if (sanction && (sanction.until ?? Infinity) > now) return sanction
  }
  return undefined
}
