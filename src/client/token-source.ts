import { timerMs } from '../base/timers.ts'
import { ChatError } from './chat-error.ts'

/** A token, or a function that returns a fresh one. */
export type Token = string | (() => string | Promise<string>)

/** Milliseconds that the function has for a token. */
const TOKEN_MS = 30_000
/** The renewal begins this long before the expiry, milliseconds, or at half the time that is left. */
const RENEW_EARLY_MS = 30_000
/** Shortest time between two renewals, milliseconds: a function may return the same token until it expires. */
const MIN_RENEWAL_MS = 1000

/** The token itself, or a fresh one; rejects when the function does, does not settle, or returns something else. */
export async function tokenOf(token: Token): Promise<string> {
  if (typeof token === 'string') return token
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<never>((_, reject) => {
    const error = new ChatError('unauthorized', `no token within ${TOKEN_MS / 1000} s`)
    timer = setTimeout(() => reject(error), TOKEN_MS)
  })
  try {
    const given: unknown = await Promise.race([token(), late])
    if (typeof given === 'string' && given !== '') return given
    throw new ChatError('unauthorized', 'what the function returned is no token')
  } finally {
    clearTimeout(timer)
  }
}

/** How long to wait until a token that expires in this many milliseconds is renewed. */
export function renewalMs(expiresInMs: number): number {
  const wait = expiresInMs - Math.min(RENEW_EARLY_MS, expiresInMs / 2)
  return Math.max(MIN_RENEWAL_MS, timerMs(wait))
}

/** Gets tokens, and renews the one in use before it expires. All times are relative: the client's own clock may be wrong. */
export class TokenSource {
  readonly #token: Token | undefined
  readonly #authenticate: (token: string) => Promise<{ expiresInMs?: number | undefined }>
  #timer: ReturnType<typeof setTimeout> | undefined

  /** @param authenticate gives the server a newer token; resolves with when that one expires */
  constructor(
    token: Token | undefined,
    authenticate: (token: string) => Promise<{ expiresInMs?: number | undefined }>,
  ) {
    this.#token = token
    this.#authenticate = authenticate
  }

  /** Whether another token can be had than the one that was rejected. */
  get renewable(): boolean {
    return typeof this.#token === 'function'
  }

  /** The token for a connection; rejects when the function does, or does not settle. */
  async get(): Promise<string | undefined> {
    return this.#token === undefined ? undefined : tokenOf(this.#token)
  }

  /** Renews the token in use in time. */
  renewBefore(expiresInMs: number | undefined): void {
    this.stop()
    if (expiresInMs === undefined || !this.renewable) return
    const expiresAt = performance.now() + expiresInMs
    this.#timer = setTimeout(() => void this.#renew(expiresAt), renewalMs(expiresInMs))
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  async #renew(expiresAt: number): Promise<void> {
    const timer = this.#timer
    let left: number | undefined = expiresAt - performance.now()
    try {
      const token = await this.get()
      if (token !== undefined && timer === this.#timer) left = (await this.#authenticate(token)).expiresInMs
    } catch {
      // It is tried again while the token in use is valid; after that the connection ends, and the next one asks again.
    }
    if (timer === this.#timer && (left === undefined || left > 0)) this.renewBefore(left)
  }
}
