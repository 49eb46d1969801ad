import { invalidInput } from '../base/errors.ts'
import type { ApiKeyOptions } from '../chat/api/keys.ts'
import { type AuthOptions, checkAuthOptions, verifiesTokens } from '../chat/auth/options.ts'
import type { ChatOptions } from '../chat/options.ts'
import type { ConfiguredOptions } from './config/config.ts'
import { environment } from './environment.ts'

/** Flags that say who may connect. */
export interface ChatFlags {
  anonymous?: boolean
  origin?: string[]
}

/** Who may connect: what the config says, the secret of the environment, `--anonymous`. */
export function authOf(flags: ChatFlags, configured: AuthOptions = {}): AuthOptions {
  const secret = environment('CONCERTINA_SECRET') ?? configured.secret
  const anonymous = flags.anonymous ?? configured.anonymous
  const auth: AuthOptions = { ...configured, ...(secret !== undefined && { secret }) }
  if (anonymous !== undefined) auth.anonymous = anonymous
  if (!verifiesTokens(auth) && !anonymous) {
    throw invalidInput(
      'auth',
      'no way to authenticate is configured',
      'CONCERTINA_SECRET or live.auth.secret (then `concertina token` makes tokens), live.auth.jwksUrl, or --anonymous',
    )
  }
  checkAuthOptions(auth)
  return auth
}

/** The keys of the server API: those of the config, and one of the environment for everything. */
export function apiKeysOf(configured: readonly ApiKeyOptions[] = []): readonly ApiKeyOptions[] | undefined {
  const key = environment('CONCERTINA_API_KEY')
  const keys = key === undefined ? configured : [...configured, { name: 'CONCERTINA_API_KEY', key }]
  return keys.length === 0 ? undefined : keys
}

/** Who may connect and what they may do, of flags and config: what can change without a restart. */
export function chatOf(flags: ChatFlags, { live = {} }: ConfiguredOptions): ChatOptions {
  const { connectionsPerSecond: _, connectionBurst: __, maxHeadBytes: ___, ...limits } = live.limits ?? {}
  return {
    auth: authOf(flags, live.auth),
    origins: flags.origin ?? live.origins,
    limits,
    namespaces: live.namespaces,
  }
}
