import { invalidInput, requireNumber } from '../../base/errors.ts'
import { type KeysOf, requireKnown } from '../../base/known-keys.ts'
import { isLoopbackName } from '../../http/origin.ts'

/** Who may connect. Plain data: every server process receives a copy. */
export interface AuthOptions {
  /** Verifies tokens signed with HS256: at least 32 characters. */
  secret?: string
  /** Secrets that still verify tokens, but sign none: how a secret is rotated without rejecting anyone. */
  previousSecrets?: readonly string[]
  /** Public keys (PEM, SPKI) that verify tokens signed with RS256, ES256 or EdDSA. */
  publicKeys?: readonly string[]
  /** Address of the issuer's JSON Web Key Set; `https`, or `http` on this machine. */
  jwksUrl?: string
  /** Accepted values of `iss`; with it every token must have one. */
  issuer?: string | readonly string[]
  /** Accepted values of `aud`; with it every token must have one. */
  audience?: string | readonly string[]
  /** Seconds that the clocks of issuer and server may differ: a token may be used so much before its `nbf`; default 5. */
  leewaySeconds?: number
  /** Names of the claims, where the issuer's differ: `sub`, `rooms`, `readOnly` and `moderate` by default. */
  claims?: { user?: string; rooms?: string; readOnly?: string; moderate?: string }
  /** Rooms of a token without the claim `rooms`; default `["*"]`, every room. */
  defaultRooms?: readonly string[]
  /** Whether users without a token may connect, under any name; default false. Beside tokens they are `guest:` + name. */
  anonymous?: boolean
}

const AUTH_KEYS: KeysOf<AuthOptions> = {
  secret: true,
  previousSecrets: true,
  publicKeys: true,
  jwksUrl: true,
  issuer: true,
  audience: true,
  leewaySeconds: true,
  claims: true,
  defaultRooms: true,
  anonymous: true,
}
const CLAIM_KEYS: KeysOf<NonNullable<AuthOptions['claims']>> = {
  user: true,
  rooms: true,
  readOnly: true,
  moderate: true,
}

/** Characters of a secret at least. */
const SECRET_LENGTH = 32

/** The bytes of a secret. @throws {ConcertinaError} INVALID_INPUT when it is too short. */
export function secretBytes(secret: string, where = 'secret'): Uint8Array {
  if (secret.length < SECRET_LENGTH)
    throw invalidInput(where, 'it is too short', `at least ${SECRET_LENGTH} characters`)
  return new TextEncoder().encode(secret)
}

/** Whether tokens can be verified at all. */
export function verifiesTokens({ secret, publicKeys, jwksUrl }: AuthOptions): boolean {
  return secret !== undefined || jwksUrl !== undefined || (publicKeys?.length ?? 0) > 0
}

/** @throws {ConcertinaError} INVALID_INPUT when nothing authenticates, or an option is not allowed. */
export function checkAuthOptions(options: AuthOptions): void {
  requireKnown('auth', options, AUTH_KEYS)
  const { jwksUrl, leewaySeconds, previousSecrets = [], secret, claims = {} } = options
  requireKnown('auth.claims', claims, CLAIM_KEYS)
  if (!verifiesTokens(options) && !options.anonymous) {
    throw invalidInput(
      'auth',
      'no way to authenticate is configured',
      'a secret, publicKeys or jwksUrl that verifies tokens, or anonymous: true',
    )
  }
  if (previousSecrets.length > 0 && secret === undefined)
    throw invalidInput('previousSecrets', 'there is no current secret', 'secret with it')
  if (leewaySeconds !== undefined) requireNumber('leewaySeconds', leewaySeconds, { min: 0, max: 300 })
  if (jwksUrl === undefined) return
  const allowed = 'an https address, or http on this machine'
  if (!URL.canParse(jwksUrl))
    throw invalidInput('jwksUrl', `${JSON.stringify(jwksUrl)} is not an address`, allowed)
  const url = new URL(jwksUrl)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopbackName(url.host)))
    throw invalidInput('jwksUrl', `${JSON.stringify(jwksUrl)} is not safe`, allowed)
}
