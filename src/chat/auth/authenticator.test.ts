import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { afterEach, describe, expect, it } from 'vitest'
import { Authenticator, type Revocations } from './authenticator.ts'
import type { Denied, Identity } from './identity.ts'
import type { JwksOptions } from './jwks.ts'
import type { AuthOptions } from './options.ts'
import { signSubscribeToken, signToken } from './sign.ts'

const SECRET = 'a secret of more than thirty-two characters'
const OTHER = 'quite another secret of the same sort, too'
const seconds = () => Math.floor(Date.now() / 1000)

type Keys = Awaited<ReturnType<typeof generateKeyPair>>
const token = (keys: Keys, alg: string, claims: JWTPayload = {}, kid?: string) =>
  new SignJWT({ sub: 'ann', exp: seconds() + 60, ...claims })
    .setProtectedHeader({ alg, ...(kid !== undefined && { kid }) })
    .sign(keys.privateKey)

const user = (identity: Identity | Denied) => ('denied' in identity ? identity.denied : identity.user)

/** An issuer that gives out the keys it has now, and counts how often it was asked. */
class Issuer {
  readonly keys = new Map<string, Keys>()
  requests = 0
  broken = false
  /** How it answers now, where that is not as it should. */
  answer: ((response: ServerResponse) => void) | undefined
  readonly #http: Server = createServer(async (_, response) => {
    this.requests++
    if (this.answer) {
      this.answer(response)
      return
    }
    if (this.broken) {
      response.writeHead(500).end()
      return
    }
    const keys = await Promise.all(
      [...this.keys].map(async ([kid, { publicKey }]) => ({ ...(await exportJWK(publicKey)), kid })),
    )
    response.end(JSON.stringify({ keys }))
  })

  async start(): Promise<string> {
    this.#http.listen(0, '127.0.0.1')
    await once(this.#http, 'listening')
    return `http://127.0.0.1:${(this.#http.address() as AddressInfo).port}/jwks.json`
  }

  stop(): void {
    this.#http.close()
    this.#http.closeAllConnections()
  }
}

const issuers: Issuer[] = []
afterEach(() => {
  for (const issuer of issuers.splice(0)) issuer.stop()
})

async function withIssuer(options: AuthOptions = {}, jwks: JwksOptions = {}, query = '') {
  const issuer = new Issuer()
  issuers.push(issuer)
  const first = await generateKeyPair('RS256')
  issuer.keys.set('first', first)
  const auth = new Authenticator({ jwksUrl: (await issuer.start()) + query, ...options }, undefined, jwks)
  return { issuer, auth, first }
}

describe('algorithms', () => {
  it.each(['RS256', 'ES256', 'EdDSA'])('verifies %s by a public key', async (alg) => {
    const keys = await generateKeyPair(alg, { extractable: true })
    const auth = new Authenticator({ publicKeys: [await exportSPKI(keys.publicKey)] })
    expect(user(await auth.identify(await token(keys, alg), undefined))).toBe('ann')
    const forged = await token(await generateKeyPair(alg), alg)
    expect(user(await auth.identify(forged, undefined))).toBe('the token is not valid')
  })

  it('never takes a public key for a secret, nor other algorithms', async () => {
    const keys = await generateKeyPair('RS256', { extractable: true })
    const pem = await exportSPKI(keys.publicKey)
    const auth = new Authenticator({ publicKeys: [pem], secret: SECRET })
    const confused = await new SignJWT({ sub: 'ann', exp: seconds() + 60 })
      .setProtectedHeader({ alg: 'HS256' })
      .sign(new TextEncoder().encode(pem))
    expect(user(await auth.identify(confused, undefined))).toBe('the token is not valid')
    const hs512 = await new SignJWT({ sub: 'ann', exp: seconds() + 60 })
      .setProtectedHeader({ alg: 'HS512' })
      .sign(new TextEncoder().encode(SECRET))
    expect(user(await auth.identify(hs512, undefined))).toBe('the token is not valid')
  })

  it('takes tokens of several public keys and of the secret side by side', async () => {
    const [rsa, ec] = await Promise.all([
      generateKeyPair('RS256', { extractable: true }),
      generateKeyPair('ES256', { extractable: true }),
    ])
    const publicKeys = [await exportSPKI(rsa.publicKey), await exportSPKI(ec.publicKey)]
    const auth = new Authenticator({ publicKeys, secret: SECRET })
    for (const each of [
      await token(rsa, 'RS256'),
      await token(ec, 'ES256'),
      await signToken(SECRET, { user: 'ann' }),
    ]) {
      expect(user(await auth.identify(each, undefined))).toBe('ann')
    }
  })
})

describe('tokens that are made wrongly', () => {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const signed = (payload: string, header: object = { alg: 'HS256' }) => {
    const text = `${part(header)}.${Buffer.from(payload).toString('base64url')}`
    return `${text}.${createHmac('sha256', SECRET).update(text).digest('base64url')}`
  }
  const auth = new Authenticator({ secret: SECRET, audience: 'chat' })
  const claims = (more: string) => `{"sub":"ann","aud":"chat","exp":${seconds() + 60}${more}}`
  const says = async (text: string) => user(await auth.identify(text, undefined))

  it('counts one that is right', async () => {
    expect(await says(signed(claims('')))).toBe('ann')
    expect(await says(signed(claims(',"aud":["shop","chat"],"jti":"t1","iat":1')))).toBe('ann')
  })

  it.each([
    ['"exp":"tomorrow"'],
    ['"exp":null'],
    ['"exp":1e400'],
    ['"exp":[9999999999]'],
    ['"iat":"yesterday"'],
    ['"iat":1e400'],
    ['"nbf":"now"'],
    ['"aud":["shop"]'],
    ['"aud":{"0":"chat"}'],
    ['"jti":7'],
    ['"jti":["t1"]'],
    ['"sub":7'],
    ['"sub":["ann"]'],
    ['"sub":"\\u0000"'],
    ['"rooms":{"0":"*"}'],
    ['"rooms":[1]'],
    ['"moderate":true'],
  ])('denies %s', async (claim) => {
    expect(await says(signed(claims(`,${claim}`)))).toMatch(/^the token (is|names|does)/)
  })

  it.each([
    ['not signed', `${part({ alg: 'none' })}.${Buffer.from(claims('')).toString('base64url')}.`],
    ['of an unknown extension', signed(claims(''), { alg: 'HS256', crit: ['b64'], b64: false })],
    ['no object', signed('[]')],
    ['no JSON', signed('{')],
    ['of a header that is not an object', `${part('x')}.${part({})}.AAAA`],
    ['encrypted', 'a.b.c.d.e'],
    ['empty', ''],
    ['long', 'x'.repeat(8000)],
  ])('denies one that is %s', async (_, text) => {
    expect(await says(text)).toBe('the token is not valid')
  })

  it('lets nobody send by a subscribe token that does not say it as true or false', async () => {
    const forRoom = (send: string) => signed(claims(`,"use":"subscribe","room":"vip"${send}`))
    expect(await auth.grant(forRoom(''), 'ann', 'vip')).toMatchObject({ maySend: true })
    for (const send of ['"no"', '0', 'null'])
      expect(await auth.grant(forRoom(`,"send":${send}`), 'ann', 'vip')).toHaveProperty('denied')
  })
})

describe('secrets', () => {
  it('accepts tokens of the previous secret while it is configured', async () => {
    const old = await signToken(OTHER, { user: 'ann' })
    const rotating = new Authenticator({ secret: SECRET, previousSecrets: [OTHER] })
    expect(user(await rotating.identify(old, undefined))).toBe('ann')
    const rotated = new Authenticator({ secret: SECRET })
    expect(user(await rotated.identify(old, undefined))).toBe('the token is not valid')
  })
})

describe('claims', () => {
  it('requires the configured issuer and audience', async () => {
    const auth = new Authenticator({ secret: SECRET, issuer: ['https://id.example/'], audience: 'chat' })
    const said = async (issuer?: string, audience?: string) =>
      user(
        await auth.identify(
          await signToken(SECRET, { user: 'ann', ...(issuer && { issuer }), ...(audience && { audience }) }),
          undefined,
        ),
      )
    expect(await said('https://id.example/', 'chat')).toBe('ann')
    expect(await said('https://evil.example/', 'chat')).toContain('another issuer')
    expect(await said('https://id.example/', 'shop')).toContain('another audience')
    expect(await said()).toContain('another issuer')
  })

  it('lets a token be used a little before its time, never after it', async () => {
    const auth = new Authenticator({ secret: SECRET })
    const sign = (claims: JWTPayload) =>
      new SignJWT({ sub: 'ann', exp: seconds() + 60, ...claims })
        .setProtectedHeader({ alg: 'HS256' })
        .sign(new TextEncoder().encode(SECRET))
    expect(user(await auth.identify(await sign({ nbf: seconds() + 2 }), undefined))).toBe('ann')
    expect(user(await auth.identify(await sign({ nbf: seconds() + 60 }), undefined))).toBe(
      'the token is not valid yet',
    )
    expect(user(await auth.identify(await sign({ exp: seconds() - 1 }), undefined))).toBe(
      'the token has expired',
    )
  })

  it('reads the claims of an issuer that names them otherwise', async () => {
    const auth = new Authenticator({
      secret: SECRET,
      claims: { user: 'email', rooms: 'https://app.example/rooms' },
      defaultRooms: ['lobby'],
    })
    const sign = (claims: JWTPayload) =>
      new SignJWT({ exp: seconds() + 60, ...claims })
        .setProtectedHeader({ alg: 'HS256' })
        .sign(new TextEncoder().encode(SECRET))
    const of = async (claims: JWTPayload) => {
      const identity = await auth.identify(await sign(claims), undefined)
      if ('denied' in identity) return identity.denied
      return [identity.user, ...['lobby', 'a', 'b1'].filter((room) => identity.maySend(room))].join(' ')
    }
    expect(await of({ email: 'ann@x.org' })).toBe('ann@x.org lobby')
    expect(await of({ email: 'ann@x.org', 'https://app.example/rooms': 'a b*' })).toBe('ann@x.org a b1')
    expect(await of({ sub: 'ann' })).toContain('names no user')
    expect(await of({ email: 'ann', 'https://app.example/rooms': 7 })).toContain('names no user')
  })

  it('keeps tokens for rooms and tokens for connections apart', async () => {
    const auth = new Authenticator({ secret: SECRET })
    const forRoom = await signSubscribeToken(SECRET, { user: 'ann', room: 'vip', send: false })
    expect(user(await auth.identify(forRoom, undefined))).toContain('for a room')
    expect(await auth.grant(forRoom, 'ann', 'vip')).toMatchObject({ room: 'vip', maySend: false })
    expect(await auth.grant(forRoom, 'bob', 'vip')).toHaveProperty('denied')
    expect(await auth.grant(forRoom, 'ann', 'other')).toHaveProperty('denied')
    expect(await auth.grant(await signToken(SECRET, { user: 'ann' }), 'ann', 'vip')).toHaveProperty('denied')
  })

  it('denies what was revoked, by token and by user', async () => {
    const ids = new Set<string>()
    const before = new Map<string, number>()
    const revocations: Revocations = {
      isRevoked: ({ user, id, issuedAt = 0 }) => ids.has(id ?? '') || issuedAt < (before.get(user) ?? 0),
    }
    const auth = new Authenticator({ secret: SECRET }, revocations)
    const signed = await signToken(SECRET, { user: 'ann', id: 't1' })
    expect(user(await auth.identify(signed, undefined))).toBe('ann')
    ids.add('t1')
    expect(user(await auth.identify(signed, undefined))).toBe('the token was revoked')
    ids.clear()
    before.set('ann', Date.now() + 1000)
    expect(user(await auth.identify(signed, undefined))).toBe('the token was revoked')
  })
})

describe('JWKS', () => {
  it('fetches the keys once for many tokens, and again when the issuer rotates them', async () => {
    const { issuer, auth, first } = await withIssuer({}, { cooldownMs: 0 })
    const one = await token(first, 'RS256', {}, 'first')
    for (const identity of await Promise.all(Array.from({ length: 20 }, () => auth.identify(one, undefined))))
      expect(user(identity)).toBe('ann')
    expect(issuer.requests).toBe(1)
    const second = await generateKeyPair('ES256')
    issuer.keys.clear()
    issuer.keys.set('second', second)
    expect(user(await auth.identify(await token(second, 'ES256', {}, 'second'), undefined))).toBe('ann')
    expect(user(await auth.identify(one, undefined))).toBe('the token is not valid')
  })

  it('asks the issuer at most once in a while, however many unknown keys are named', async () => {
    const { issuer, auth, first } = await withIssuer()
    await auth.identify(await token(first, 'RS256', {}, 'first'), undefined)
    for (let i = 0; i < 50; i++) {
      expect(user(await auth.identify(await token(first, 'RS256', {}, `forged ${i}`), undefined))).toBe(
        'the token is not valid',
      )
    }
    expect(issuer.requests).toBe(1)
    expect(user(await auth.identify(await token(first, 'RS256', {}, 'first'), undefined))).toBe('ann')
  })

  it('serves with the known keys while the issuer is away', async () => {
    const { issuer, auth, first } = await withIssuer({}, { maxAgeMs: 0, cooldownMs: 0 })
    const one = await token(first, 'RS256', {}, 'first')
    await auth.identify(one, undefined)
    issuer.broken = true
    for (let i = 0; i < 3; i++) expect(user(await auth.identify(one, undefined))).toBe('ann')
    await expect.poll(() => issuer.requests).toBeGreaterThan(1)
  })

  it.each([
    [
      'answers nothing',
      /\(no answer in time\); tokens that they would verify are rejected for now$/,
      () => {},
    ],
    [
      'sends byte by byte',
      /\(no answer in time\)/,
      (response) => void setInterval(() => response.write(' '), 20).unref(),
    ],
    ['sends too much', /./, (response) => void response.end(`{"keys":[],"x":"${'x'.repeat(2 << 20)}"}`)],
    [
      'redirects',
      /\(unexpected redirect\)/,
      (response) => void response.writeHead(302, { location: '/elsewhere' }).end(),
    ],
    ['answers no JSON', /\(the answer is not JSON\)/, (response) => void response.end('<p>sign in</p>')],
    ['answers no keys', /./, (response) => void response.end('{"keys":"none"}')],
    ['answers null', /./, (response) => void response.end('null')],
  ] as [string, RegExp, (response: ServerResponse) => void][])(
    'denies for now while the issuer %s, and recovers',
    async (_, why, answer) => {
      const failures: string[] = []
      const onFailure = (message: string) => void failures.push(message)
      const { issuer, auth, first } = await withIssuer({}, { cooldownMs: 0, timeoutMs: 500, onFailure })
      const one = await token(first, 'RS256', {}, 'first')
      issuer.answer = answer
      expect(await auth.identify(one, undefined)).toMatchObject({ retry: true })
      expect(issuer.requests).toBe(1)
      expect(failures).toHaveLength(1)
      expect(failures[0]).toMatch(why)
      issuer.answer = undefined
      expect(user(await auth.identify(one, undefined))).toBe('ann')
    },
  )

  it('says why it cannot fetch the keys, without what is secret in the address', async () => {
    const failures: string[] = []
    const { issuer, auth, first } = await withIssuer(
      {},
      { maxAgeMs: 0, cooldownMs: 0, onFailure: (message) => void failures.push(message) },
      '?key=secret',
    )
    const one = await token(first, 'RS256', {}, 'first')
    await auth.identify(one, undefined)
    expect(failures).toEqual([])
    issuer.broken = true
    expect(user(await auth.identify(one, undefined))).toBe('ann')
    await expect.poll(() => failures, { timeout: 10_000 }).not.toEqual([])
    expect(failures[0]).toMatch(
      /^The keys of http:\/\/127\.0\.0\.1:\d+\/jwks\.json cannot be fetched \(status 500\); those that are known are used$/,
    )
  })

  it('says that the same token may be accepted later when no key could be fetched yet', async () => {
    const { issuer, auth, first } = await withIssuer({}, { cooldownMs: 0 })
    const one = await token(first, 'RS256', {}, 'first')
    issuer.broken = true
    expect(await auth.identify(one, undefined)).toMatchObject({ retry: true })
    issuer.broken = false
    expect(user(await auth.identify(one, undefined))).toBe('ann')
  })
})

describe('options', () => {
  it.each([
    [{}, 'no way to authenticate'],
    [{ secret: 'short' }, 'auth.secret: it is not allowed'],
    [{ secret: SECRET, previousSecrets: ['short'] }, 'previousSecrets[0]'],
    [{ previousSecrets: [SECRET], anonymous: true }, 'no current secret'],
    [{ jwksUrl: 'http://id.example/jwks' }, 'not safe'],
    [{ jwksUrl: 'nonsense' }, 'not an address'],
    [{ jwksUrl: 'https://ann:hunter2@id.example/jwks' }, 'it has a user name in it'],
    [{ jwksUrl: 'ftp://ann:hunter2@id.example' }, 'user name'],
    [{ jwksUrl: '//ann:hunter2@id.example' }, '"//id.example" is not an address'],
    [{ publicKeys: ['-----BEGIN PRIVATE KEY-----'] }, 'publicKeys[0]'],
    [{ secret: SECRET, leewaySeconds: -1 }, 'leewaySeconds'],
  ] as [AuthOptions, string][])('rejects %j', (options, message) => {
    expect(() => new Authenticator(options)).toThrow(message)
    expect(() => new Authenticator(options)).not.toThrow(/hunter2/)
  })
})
