/** Who a connection belongs to, and what it may do. */
export interface Identity {
  readonly user: string
  /** When the token expires, milliseconds since 1970. */
  readonly expires?: number | undefined
  /** The token's `jti`, by which it can be revoked. */
  readonly tokenId?: string | undefined
  /** The token's `iat`, milliseconds since 1970. */
  readonly issuedAt?: number | undefined
  mayJoin(room: string): boolean
  maySend(room: string): boolean
  /** Whether the user is a moderator of the room. */
  mayModerate(room: string): boolean
}

/**
 * An identity that differs from another in what it may do. A class, since closures for each connection would take several times
 * the memory.
 */
export abstract class DerivedIdentity implements Identity {
  protected readonly original: Identity

  constructor(original: Identity) {
    this.original = original
  }

  get user(): string {
    return this.original.user
  }

  get expires(): number | undefined {
    return this.original.expires
  }

  get tokenId(): string | undefined {
    return this.original.tokenId
  }

  get issuedAt(): number | undefined {
    return this.original.issuedAt
  }

  mayJoin(room: string): boolean {
    return this.original.mayJoin(room)
  }

  maySend(room: string): boolean {
    return this.original.maySend(room)
  }

  mayModerate(room: string): boolean {
    return this.original.mayModerate(room)
  }
}

/** What a `subscribe` token contains. */
export interface RoomClaims {
  readonly room: string
  readonly maySend: boolean
  /** Milliseconds since 1970. */
  readonly expires: number
  readonly tokenId?: string | undefined
  readonly issuedAt?: number | undefined
}

/** What a `subscribe` token allows beyond the token of the connection. */
export interface RoomGrant {
  readonly room: string
  /** Milliseconds since 1970. */
  readonly expires: number
  mayJoin(): boolean
  maySend(): boolean
}

/** Why a user is not let in. */
export interface Denied {
  readonly denied: string
  /** Whether the same attempt may succeed later: the issuer's keys cannot be fetched now, or the token is not valid yet. */
  readonly retry: boolean
  /** The token was good once: another one of the same user is needed. */
  readonly expired?: true
}

export const denied = (reason: string, retry = false): Denied => ({ denied: reason, retry })

export const expired: Denied = { denied: 'the token has expired', retry: false, expired: true }

/** Whether a room matches one of the patterns: names, or beginnings of names and `*`. */
export const matches = (patterns: readonly string[], room: string): boolean =>
  patterns.some((pattern) =>
    pattern.endsWith('*') ? room.startsWith(pattern.slice(0, -1)) : room === pattern,
  )
