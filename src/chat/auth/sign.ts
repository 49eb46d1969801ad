import { SignJWT } from 'jose'
import { z } from 'zod'
import { invalidInput } from '../../base/errors.ts'
import { option, optionSet } from '../../base/options.ts'
import { isName } from '../../protocol/rules.ts'
import { secretBytes } from './options.ts'

/** What a token has by default. */
export const signOptions = optionSet({
  expiresIn: option(z.number(), 'seconds until it expires', 3600),
})

/** What a token contains. A room pattern is a name, or the beginning of one and `*`. */
export interface TokenClaims {
  /** The user's name. */
  user: string
  /** Rooms to join and send to; default: every one. */
  rooms?: readonly string[]
  /** Rooms to join only. */
  readOnly?: readonly string[]
  /** Rooms in which the user is a moderator; default: none. */
  moderate?: readonly string[]
  /** Seconds until it expires; default: one hour. */
  expiresIn?: number
  /** Names the token, so that it can be revoked alone. */
  id?: string
  issuer?: string
  audience?: string
}

/** A token that admits one user to one room, whatever the token of the connection allows. */
export interface SubscribeClaims {
  user: string
  room: string
  /** Whether the user may send there; default true. */
  send?: boolean
  /** Seconds until the room is left; default: one hour. */
  expiresIn?: number
  id?: string
  issuer?: string
  audience?: string
}

function checkName(where: string, name: string): void {
  if (!isName(name))
    throw invalidInput(where, `${JSON.stringify(name)} is not allowed`, '1 to 128 characters')
}

type Common = Pick<TokenClaims, 'user' | 'expiresIn' | 'id' | 'issuer' | 'audience'>

function sign(secret: string, payload: Record<string, unknown>, claims: Common): Promise<string> {
  const { user, id, issuer, audience } = claims
  const { expiresIn } = signOptions.parse(signOptions.given(claims))
  checkName('user', user)
  const token = new SignJWT(payload)
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(user)
    .setIssuedAt()
    .setExpirationTime(Math.floor(Date.now() / 1000) + expiresIn)
  if (id !== undefined) token.setJti(id)
  if (issuer !== undefined) token.setIssuer(issuer)
  if (audience !== undefined) token.setAudience(audience)
  return token.sign(secretBytes(secret))
}

/** Signs a token for a user. */
export async function signToken(secret: string, claims: TokenClaims): Promise<string> {
  const { rooms, readOnly, moderate } = claims
  return sign(secret, { rooms, readOnly, moderate }, claims)
}

/** Signs a token that admits a user to one room: goes into `join`. */
export async function signSubscribeToken(secret: string, claims: SubscribeClaims): Promise<string> {
  checkName('room', claims.room)
  return sign(secret, { use: 'subscribe', room: claims.room, send: claims.send ?? true }, claims)
}
