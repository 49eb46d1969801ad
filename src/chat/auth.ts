import { errors, jwtVerify, SignJWT } from 'jose'
import { invalidInput } from '../base/errors.ts'
import { isName } from '../protocol/messages.ts'

export interface AuthOptions {
  /** Signs tokens (HMAC-SHA-256): at least 32 characters. Without it there are no tokens. */
  secret?: string
  /** Whether users without a token may come, under any name; no unless told. Beside tokens they are `guest:` + name. */
  anonymous?: boolean
}

/** Who a connection belongs to, and what it may do. */
export interface Identity {
  readonly user: string
  /** Milliseconds since 1970. */
  readonly expires?: number
  mayJoin(room: string): boolean
  maySend(room: string): boolean
}

/** What a token says. A room pattern is a name, or the beginning of one and `*`. */
export interface TokenClaims {
  /** The user's name. */
  user: string
  /** Rooms to join and send to; every one unless told. */
  rooms?: readonly string[]
  /** Rooms to join only. */
  readOnly?: readonly string[]
  /** Seconds until it expires; one hour unless told. */
  expiresIn?: number
}

const matches = (patterns: readonly string[], room: string) =>
  patterns.some((pattern) =>
    pattern.endsWith('*') ? room.startsWith(pattern.slice(0, -1)) : room === pattern,
  )

const isPatterns = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'string')

function keyOf(secret: string): Uint8Array {
  if (secret.length < 32) throw invalidInput('secret', 'it is too short', 'at least 32 characters')
  return new TextEncoder().encode(secret)
}

/** Makes a token for a user. */
export async function signToken(secret: string, claims: TokenClaims): Promise<string> {
  const { user, rooms, readOnly, expiresIn = 3600 } = claims
  if (!isName(user))
    throw invalidInput('user', `${JSON.stringify(user)} is not allowed`, '1 to 128 characters')
  return new SignJWT({ rooms, readOnly })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(user)
    .setIssuedAt()
    .setExpirationTime(Math.floor(Date.now() / 1000) + expiresIn)
    .sign(keyOf(secret))
}

/** Tells who may come in. */
export class Authenticator {
  readonly #key: Uint8Array | undefined
  readonly #anonymous: boolean

  /** @throws {ConcertinaError} INVALID_INPUT when nobody could ever come in, or the secret is too short. */
  constructor(options: AuthOptions) {
    this.#key = options.secret === undefined ? undefined : keyOf(options.secret)
    this.#anonymous = options.anonymous ?? false
    if (!this.#key && !this.#anonymous) {
      throw invalidInput('auth', 'nobody could come in', 'a secret that signs tokens, or anonymous: true')
    }
  }

  /** The identity of a token, or of an anonymous name; a string says why not. Never tells of the token itself. */
  async identify(token: string | undefined, name: string | undefined): Promise<Identity | string> {
    if (token === undefined) {
      if (!this.#anonymous) return 'a token is needed'
      if (name === undefined) return 'a name is needed'
      return { user: this.#key ? `guest:${name}` : name, mayJoin: () => true, maySend: () => true }
    }
    if (!this.#key) return 'tokens are not taken here'
    try {
      const { payload } = await jwtVerify(token, this.#key, {
        algorithms: ['HS256'],
        requiredClaims: ['exp', 'sub'],
      })
      const { sub, exp, rooms = ['*'], readOnly = [] } = payload
      if (!isName(sub) || sub.startsWith('guest:') || !isPatterns(rooms) || !isPatterns(readOnly)) {
        return 'the token does not say who and where'
      }
      return {
        user: sub,
        expires: exp! * 1000,
        mayJoin: (room) => matches(rooms, room) || matches(readOnly, room),
        maySend: (room) => matches(rooms, room),
      }
    } catch (error) {
      return error instanceof errors.JWTExpired ? 'the token has expired' : 'the token is not valid'
    }
  }
}
