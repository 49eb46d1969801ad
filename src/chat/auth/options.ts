import { z } from 'zod'
import { invalidInput, shown, withoutUser } from '../../base/errors.ts'
import { check, option, optionSet, within } from '../../base/options.ts'
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

/** Characters of a secret at least. */
const SECRET_LENGTH = 32

const secretText = z.string().min(SECRET_LENGTH)
const oneOrMore = z.union([z.string(), z.array(z.string()).min(1)])

/** What a config file may say of it. */
export const authOptions = optionSet({
  secret: option(secretText, 'signs tokens; or the variable CONCERTINA_SECRET'),
  previousSecrets: option(
    z.array(secretText),
    'secrets that still verify tokens and sign none, while a secret is rotated',
  ),
  publicKeys: option(z.array(z.string()), 'PEM keys that verify RS256, ES256 and EdDSA tokens'),
  jwksUrl: option(z.string(), "address of the issuer's key set"),
  issuer: option(oneOrMore, 'accepted values of iss; any'),
  audience: option(oneOrMore, 'accepted values of aud; any'),
  leewaySeconds: option(
    z.number().min(0).max(300),
    'seconds that the clocks of issuer and server may differ',
    5,
  ),
  claims: option(
    z.strictObject({
      user: option(z.string(), 'name of the claim', 'sub'),
      rooms: option(z.string(), 'name of the claim', 'rooms'),
      readOnly: option(z.string(), 'name of the claim', 'readOnly'),
      moderate: option(z.string(), 'name of the claim', 'moderate'),
    }),
    'names of the claims, where those of the issuer differ',
  ),
  defaultRooms: option(z.array(z.string()), 'rooms of a token without that claim; every room'),
  anonymous: option(z.boolean(), 'accepts users without a token', false),
})

/** The bytes of a secret. @throws {ConcertinaError} INVALID_INPUT when it is too short. */
export function secretBytes(secret: string): Uint8Array {
  if (secret.length < SECRET_LENGTH)
    throw invalidInput('secret', 'it is too short', `at least ${SECRET_LENGTH} characters`)
  return new TextEncoder().encode(secret)
}

/** Whether tokens can be verified at all. */
export function verifiesTokens({ secret, publicKeys, jwksUrl }: AuthOptions): boolean {
  return secret !== undefined || jwksUrl !== undefined || (publicKeys?.length ?? 0) > 0
}

/** @throws {ConcertinaError} INVALID_INPUT when nothing authenticates, or an option is not allowed. */
export function checkAuthOptions(options: AuthOptions): void {
  within('auth', () => check(authOptions.schema, options))
  const { jwksUrl, previousSecrets = [], publicKeys = [], secret } = options
  if (!verifiesTokens(options) && !options.anonymous) {
    throw invalidInput(
      'auth',
      'no way to authenticate is configured',
      'a secret, publicKeys or jwksUrl that verifies tokens, or anonymous: true',
    )
  }
  if (previousSecrets.length > 0 && secret === undefined)
    throw invalidInput('previousSecrets', 'there is no current secret', 'secret with it')
  for (const [i, pem] of publicKeys.entries()) {
    if (!pem.includes('BEGIN PUBLIC KEY'))
      throw invalidInput(`publicKeys[${i}]`, 'it is not a public key', 'PEM: -----BEGIN PUBLIC KEY----- …')
  }
  if (jwksUrl === undefined) return
  const allowed = 'an https address, or http on this machine'
  const repeated = shown(withoutUser(jwksUrl))
  if (!URL.canParse(jwksUrl)) throw invalidInput('jwksUrl', `${repeated} is not an address`, allowed)
  const url = new URL(jwksUrl)
  if (url.username || url.password)
    throw invalidInput('jwksUrl', 'it has a user name in it, which no request may have', allowed)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopbackName(url.host)))
    throw invalidInput('jwksUrl', `${repeated} is not safe`, allowed)
}
