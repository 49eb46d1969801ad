/**
 * The app as an issuer of tokens: it signs for whoever it knows to be logged in, with a key that only it has. The chat needs the
 * public key alone. An app that keeps its key pair (here it is made again at each start) uses the same two functions.
 */
import { generateKeyPairSync, sign } from 'node:crypto'

const { privateKey, publicKey } = generateKeyPairSync('ed25519')
const ISSUER = 'https://shop.example'
const TOKEN_SECONDS = 600

const MODERATORS = ['mona']

/** Options for `createChat`: whose tokens count. */
export const auth = {
  publicKeys: [publicKey.export({ type: 'spki', format: 'pem' })],
  issuer: ISSUER,
}

/** A JWT for a user who is logged in. */
export function tokenFor(user) {
  const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const now = Math.floor(Date.now() / 1000)
  const claims = { iss: ISSUER, sub: user, iat: now, exp: now + TOKEN_SECONDS, rooms: ['orders', 'team-*'] }
  const text = `${part({ alg: 'EdDSA' })}.${part(claims)}`
  return `${text}.${sign(null, Buffer.from(text), privateKey).toString('base64url')}`
}

/** Who sends this request. Put the session of your app here: a header that anyone can write is for the example only. */
export const userOf = (request) => request.headers['x-user']

export const isModerator = (user) => MODERATORS.includes(user)
