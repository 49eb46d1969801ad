import type {
  CryptoKey,
  createLocalJWKSet,
  FlattenedJWSInput,
  JSONWebKeySet,
  JWSHeaderParameters,
} from 'jose'
import { rootMessage } from '../../base/errors.ts'
import { timeoutSignal } from '../../base/timeout-signal.ts'
import { responseText } from '../../http/response-text.ts'

export interface JwksOptions {
  /** Milliseconds between two requests to the issuer at least, whatever `kid`s arrive; default 30,000. */
  cooldownMs?: number
  /** Age after which the keys are fetched again while the known ones serve; default 10 minutes. */
  maxAgeMs?: number
  /** Age after which the known keys are no longer used, even if the issuer cannot be reached; default 24 hours. */
  staleMs?: number
  /** Milliseconds that the issuer has to answer; default 5,000. */
  timeoutMs?: number
  /** Called each time that the keys cannot be fetched, with what is wrong in words for a log. */
  onFailure?: (message: string) => void
}

/** The issuer's keys cannot be fetched: tokens can be neither accepted nor rejected. */
export class KeysUnavailable extends Error {
  override readonly name = 'KeysUnavailable'
}

const MAX_BYTES = 1 << 20

type KeySet = ReturnType<typeof createLocalJWKSet>

/**
 * An issuer's keys by URL: cached, fetched again when they are old or a token names a key that is not known (the issuer
 * rotated its keys), at most once per cooldown, so that forged tokens cannot make this server flood the issuer. An issuer
 * that is away rejects no token while the known keys are not too old.
 */
export class Jwks {
  readonly #url: string
  readonly #options: Required<JwksOptions>
  #keys: KeySet | undefined
  #fetchedAt = -Infinity
  #triedAt = -Infinity
  #fetching: Promise<void> | undefined

  constructor(url: string, options: JwksOptions = {}) {
    this.#url = url
    this.#options = {
      cooldownMs: 30_000,
      maxAgeMs: 600_000,
      staleMs: 86_400_000,
      timeoutMs: 5000,
      onFailure: () => {},
      ...options,
    }
  }

  /** The key that a token's header names. @throws {KeysUnavailable} or jose's error for an unknown key. */
  readonly find = async (header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> => {
    const age = performance.now() - this.#fetchedAt
    if (!this.#keys || age > this.#options.staleMs) {
      await this.#refresh(!this.#keys)
      if (!this.#keys || performance.now() - this.#fetchedAt > this.#options.staleMs)
        throw new KeysUnavailable("the issuer's keys cannot be fetched")
    } else if (age > this.#options.maxAgeMs) {
      void this.#refresh()
    }
    try {
      return await this.#keys(header, token)
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'ERR_JWKS_NO_MATCHING_KEY') throw error
      const before = this.#keys
      await this.#refresh()
      if (this.#keys === before) throw error
      return this.#keys(header, token)
    }
  }

  /** Fetches the keys unless that was tried a moment ago; never rejects. `soon`: without any key a second is enough. */
  #refresh(soon = false): Promise<void> {
    const cooldown = soon ? Math.min(1000, this.#options.cooldownMs) : this.#options.cooldownMs
    if (!this.#fetching && performance.now() - this.#triedAt >= cooldown) {
      this.#triedAt = performance.now()
      this.#fetching = this.#fetch()
        .catch((error: unknown) => this.#options.onFailure(this.#whatIsWrong(error)))
        .finally(() => {
          this.#fetching = undefined
        })
    }
    return this.#fetching ?? Promise.resolve()
  }

  /** Without what an address or an answer may have of secrets. */
  #whatIsWrong(error: unknown): string {
    const { origin, pathname } = new URL(this.#url)
    const why = error instanceof SyntaxError ? 'the answer is not JSON' : rootMessage(error)
    const effect = this.#keys
      ? 'those that are known are used'
      : 'tokens that they would verify are rejected for now'
    return `The keys of ${origin}${pathname} cannot be fetched (${why}); ${effect}`
  }

  async #fetch(): Promise<void> {
    const response = await fetch(this.#url, {
      headers: { accept: 'application/json' },
      redirect: 'error',
      signal: timeoutSignal(this.#options.timeoutMs),
    })
    if (!response.ok) throw new Error(`status ${response.status}`)
    const text = await responseText(response, MAX_BYTES)
    const { createLocalJWKSet } = await import('jose')
    this.#keys = createLocalJWKSet(JSON.parse(text) as JSONWebKeySet)
    this.#fetchedAt = performance.now()
  }
}
