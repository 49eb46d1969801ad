import { RateLimiter } from '../base/rate-limit.ts'
import { addressKey, TrustedProxies } from '../http/client-address.ts'
import { type ConnectionRates, connectionRateOf } from '../http/connection-rates.ts'
import { Origins } from '../http/origin.ts'

export interface EntryOptions extends ConnectionRates {
  /** Proxies whose `X-Forwarded-For` or `Forwarded` is believed; none by default. */
  trustedProxies?: readonly string[] | undefined
  /** Origins whose pages may connect; the fleet's own pages on this machine may anyway. */
  origins?: readonly string[] | undefined
}

/** Who may connect: the proxies that are believed, the origins of pages, and how many connections of one address. */
export class EntryRules {
  readonly #rates: RateLimiter
  #proxies: TrustedProxies
  #origins: Origins

  /** @throws {ConcertinaError} INVALID_INPUT, naming the option */
  constructor(options: EntryOptions) {
    this.#rates = new RateLimiter(...connectionRateOf(options))
    this.#proxies = new TrustedProxies(options.trustedProxies)
    this.#origins = new Origins(options.origins)
  }

  /**
   * Other rules apply from now on.
   * @throws {ConcertinaError} INVALID_INPUT; nothing has changed then
   */
  configure(options: EntryOptions): void {
    const origins = new Origins(options.origins)
    this.#proxies = new TrustedProxies(options.trustedProxies)
    this.#origins = origins
    this.#rates.configure(...connectionRateOf(options))
  }

  get proxies(): TrustedProxies {
    return this.#proxies
  }

  get origins(): Origins {
    return this.#origins
  }

  /** Counts a connection of this address. @returns whether it is one too many */
  isOverRate(address: string): boolean {
    return this.#rates.take(addressKey(address)) > 0
  }
}
