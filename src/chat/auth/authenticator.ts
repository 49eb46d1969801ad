import type { CryptoKey, errors, FlattenedJWSInput, JWSHeaderParameters, JWTPayload } from 'jose'
import { isName } from '../../protocol/rules.ts'
import { type Denied, denied, expired, type Identity, matches, type RoomClaims } from './identity.ts'
import { Jwks, type JwksOptions, KeysUnavailable } from './jwks.ts'
import { type AuthOptions, checkAuthOptions, secretBytes } from './options.ts'

/** Algorithms of tokens that are verified with a public key; a secret verifies HS256 only, and never these. */
const PUBLIC_ALGORITHMS = ['RS256', 'ES256', 'EdDSA', 'Ed25519']

/** The token library is loaded only where tokens are verified: it is a third of what a server loads as it starts. */
const jose = () => import('jose')

const hasCode = (error: unknown, code: string) => (error as { code?: unknown } | undefined)?.code === code
const isExpired = (error: unknown) => hasCode(error, 'ERR_JWT_EXPIRED')
const isWrongClaim = (error: unknown): error is errors.JWTClaimValidationFailed =>
  hasCode(error, 'ERR_JWT_CLAIM_VALIDATION_FAILED')

/** Knows which tokens no longer count though they have not expired. */
export interface Revocations {
  /** @param issuedAt milliseconds since 1970 */
  isRevoked(token: { user: string; id?: string | undefined; issuedAt?: number | undefined }): boolean
}

/** The same for all anonymous users, who are many. */
const always = () => true
const never = () => false

const isPatterns = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'string')

/** A claim as room patterns: a list, or text with spaces between as in `scope`; `undefined` when it is neither. */
function patternsOf(value: unknown, otherwise: readonly string[]): readonly string[] | undefined {
  if (value === undefined) return otherwise
  if (typeof value === 'string') return value.split(' ').filter(Boolean)
  return isPatterns(value) ? value : undefined
}

/** Identifies users by their tokens, or by name where anonymous users are allowed. */
export class Authenticator {
  readonly #options: AuthOptions
  readonly #secrets: readonly Uint8Array[]
  readonly #publicKeys: readonly string[]
  readonly #imported = new Map<string, Promise<CryptoKey>>()
  readonly #jwks: Jwks | undefined
  readonly #revocations: Revocations | undefined

  /** @throws {ConcertinaError} INVALID_INPUT when no way to authenticate is configured, or an option is not allowed. */
  constructor(options: AuthOptions, revocations?: Revocations, jwks?: JwksOptions) {
    checkAuthOptions(options)
    const { secret, previousSecrets = [], publicKeys = [], jwksUrl } = options
    this.#options = options
    this.#secrets = [
      ...(secret === undefined ? [] : [secretBytes(secret)]),
      ...previousSecrets.map((each) => secretBytes(each)),
    ]
    this.#publicKeys = publicKeys
    this.#jwks = jwksUrl === undefined ? undefined : new Jwks(jwksUrl, jwks)
    this.#revocations = revocations
    if (this.#verifies) void jose()
  }

  get #verifies(): boolean {
    return this.#secrets.length > 0 || this.#publicKeys.length > 0 || this.#jwks !== undefined
  }

  /** The identity of a token, or of an anonymous name, or why it is denied. Never shows the token itself. */
  async identify(token: string | undefined, name: string | undefined): Promise<Identity | Denied> {
    if (token === undefined) {
      if (!this.#options.anonymous) return denied('a token is needed')
      if (name === undefined) return denied('a name is needed')
      return {
        user: this.#verifies ? `guest:${name}` : name,
        mayJoin: always,
        maySend: always,
        mayModerate: never,
      }
    }
    const verified = await this.#verify(token)
    if ('denied' in verified) return verified
    const { payload } = verified
    if (payload.use !== undefined) return denied('the token is for a room, not for a connection')
    const { claims = {}, defaultRooms = ['*'] } = this.#options
    const user = payload[claims.user ?? 'sub']
    const rooms = patternsOf(payload[claims.rooms ?? 'rooms'], defaultRooms)
    const readOnly = patternsOf(payload[claims.readOnly ?? 'readOnly'], [])
    const moderate = patternsOf(payload[claims.moderate ?? 'moderate'], [])
    if (!isName(user) || user.startsWith('guest:') || !rooms || !readOnly || !moderate)
      return denied('the token names no user, or no rooms')
    const revoked = this.#revoked(payload, user)
    if (revoked) return revoked
    return {
      user,
      expires: payload.exp! * 1000,
      ...(payload.jti !== undefined && { tokenId: payload.jti }),
      ...(payload.iat !== undefined && { issuedAt: payload.iat * 1000 }),
      mayJoin: (room) => matches(rooms, room) || matches(readOnly, room),
      maySend: (room) => matches(rooms, room),
      mayModerate: (room) => matches(moderate, room),
    }
  }

  /** What a `subscribe` token contains, when it is for this user and this room; otherwise why it is denied. */
  async grant(token: string, user: string, room: string): Promise<RoomClaims | Denied> {
    const verified = await this.#verify(token)
    if ('denied' in verified) return verified
    const { payload } = verified
    if (payload.use !== 'subscribe' || payload.sub !== user || payload.room !== room)
      return denied('the token is for another room or user')
    const { exp, iat, jti: tokenId, send = true } = payload
    if (typeof send !== 'boolean') return denied('the token does not say whether the user may send')
    const issuedAt = iat === undefined ? undefined : iat * 1000
    return (
      this.#revoked(payload, user) ?? {
        room,
        maySend: send,
        expires: exp! * 1000,
        tokenId,
        issuedAt,
      }
    )
  }

  #revoked({ jti, iat }: JWTPayload, user: string): Denied | undefined {
    const issuedAt = iat === undefined ? undefined : iat * 1000
    return this.#revocations?.isRevoked({ user, id: jti, issuedAt })
      ? denied('the token was revoked')
      : undefined
  }

  async #verify(token: string): Promise<{ payload: JWTPayload } | Denied> {
    if (!this.#verifies) return denied('tokens are not accepted here')
    try {
      const payload = await this.#verifyByAnyKey(token)
      const { jti, exp, iat } = payload
      // What is not a number ends never, and what is not text could not be revoked.
      if ((jti !== undefined && typeof jti !== 'string') || !Number.isFinite(exp) || iat === Infinity)
        return denied('the token is not valid')
      // The leeway lets a token be used a little early, never late.
      return exp! * 1000 <= Date.now() ? expired : { payload }
    } catch (error) {
      if (error instanceof KeysUnavailable) return denied(error.message, true)
      if (isExpired(error)) return expired
      if (!isWrongClaim(error)) return denied('the token is not valid')
      if (error.claim === 'nbf') return denied('the token is not valid yet', true)
      return denied(
        error.claim === 'iss' || error.claim === 'aud'
          ? `the token is from another issuer or for another audience (${error.claim})`
          : 'the token is not valid',
      )
    }
  }

  #import(pem: string, algorithm: string): Promise<CryptoKey> {
    const name = `${algorithm} ${pem}`
    const known = this.#imported.get(name) ?? jose().then(({ importSPKI }) => importSPKI(pem, algorithm))
    this.#imported.set(name, known)
    return known
  }

  /** Tries each key that may have signed the token; the first one's error counts when none did. */
  async #verifyByAnyKey(token: string): Promise<JWTPayload> {
    const { jwtVerify } = await jose()
    const { issuer, audience, leewaySeconds = 5 } = this.#options
    const common = {
      clockTolerance: leewaySeconds,
      requiredClaims: ['exp', ...(this.#options.claims?.user === undefined ? ['sub'] : [])],
      ...(issuer !== undefined && { issuer: typeof issuer === 'string' ? issuer : [...issuer] }),
      ...(audience !== undefined && { audience: typeof audience === 'string' ? audience : [...audience] }),
    }
    const tries: (() => Promise<JWTPayload>)[] = this.#secrets.map((secret) => async () => {
      const { payload } = await jwtVerify(token, secret, { ...common, algorithms: ['HS256'] })
      return payload
    })
    const byPublicKey = (find: (header: JWSHeaderParameters, jws: FlattenedJWSInput) => Promise<CryptoKey>) =>
      tries.push(async () => {
        const { payload } = await jwtVerify(token, find, { ...common, algorithms: PUBLIC_ALGORITHMS })
        return payload
      })
    for (const pem of this.#publicKeys) byPublicKey(({ alg }) => this.#import(pem, alg!))
    if (this.#jwks) byPublicKey(this.#jwks.find)
    let unsigned: unknown
    for (const attempt of tries) {
      try {
        return await attempt()
      } catch (error) {
        // Only a wrong key is worth another try: what a key signed says why it is not accepted.
        if (isExpired(error) || isWrongClaim(error)) throw error
        if (unsigned === undefined || error instanceof KeysUnavailable) unsigned = error
      }
    }
    throw unsigned
  }
}
