import type { IncomingMessage } from 'node:http'
import { BlockList, isIP, isIPv4 } from 'node:net'
import { invalidInput } from '../base/errors.ts'

/** An address as it is compared: IPv4 within IPv6 is IPv4, without a zone. */
const plain = (address: string) => address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')

const familyOf = (address: string) => (isIPv4(address) ? 'ipv4' : 'ipv6')

/** Proxies that are believed when they say whom they speak for. */
export class TrustedProxies {
  readonly #list = new BlockList()
  readonly #none: boolean

  /**
   * @param list addresses and ranges, such as `127.0.0.1`, `10.0.0.0/8` or `fd00::/8`
   * @throws {ConcertinaError} INVALID_INPUT, naming the entry.
   */
  constructor(list: readonly string[] = []) {
    this.#none = list.length === 0
    for (const [i, text] of list.entries()) {
      const [address = '', prefix, more] = text.split('/')
      const bits = prefix === undefined ? undefined : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN
      const most = isIPv4(address) ? 32 : 128
      if (isIP(address) === 0 || more !== undefined || (bits !== undefined && !(bits <= most))) {
        throw invalidInput(
          `trustedProxies[${i}]`,
          `${JSON.stringify(text.slice(0, 100))} is not an address`,
          'an address or a range, such as 127.0.0.1 or 10.0.0.0/8',
        )
      }
      if (bits === undefined) this.#list.addAddress(address, familyOf(address))
      else this.#list.addSubnet(address, bits, familyOf(address))
    }
  }

  trusts(address: string): boolean {
    if (this.#none) return false
    const peer = plain(address)
    return isIP(peer) !== 0 && this.#list.check(peer, familyOf(peer))
  }

  /** The client of a request: its peer, or whom that speaks for as a trusted proxy. */
  addressOf({
    headers,
    socket: { remoteAddress = '' },
  }: Pick<IncomingMessage, 'headers' | 'socket'>): string {
    if (!this.trusts(remoteAddress)) return remoteAddress
    const named = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
    return this.client(named) ?? remoteAddress
  }

  /**
   * The client that a trusted proxy speaks for, by `X-Forwarded-For` or else `Forwarded` (RFC 7239): the last address that is not
   * a trusted proxy's itself; `undefined` when they name none.
   */
  client(headers: Readonly<Record<string, string | undefined>>): string | undefined {
    const forwarded = headers['x-forwarded-for']?.split(',') ?? forwardedFor(headers.forwarded ?? '')
    let client: string | undefined
    for (const text of forwarded.reverse()) {
      const address = withoutPort(text.trim().replace(/^"|"$/g, ''))
      if (isIP(address) === 0) break
      client = address
      if (!this.trusts(address)) break
    }
    return client
  }
}

function forwardedFor(header: string): string[] {
  return [...header.matchAll(/(?:^|[;,\s])for=("[^"]*"|[^;,\s]*)/gi)].map((match) => match[1]!)
}

function withoutPort(text: string): string {
  const bracketed = /^\[([^\]]+)\](?::\d+)?$/.exec(text)
  if (bracketed) return plain(bracketed[1]!)
  return plain(text.replace(/^([\d.]+):\d+$/, '$1'))
}

/** What a limit for each address counts by: an IPv4 address, or the network of an IPv6 one (its first 64 bits). */
export function addressKey(address: string): string {
  const peer = plain(address)
  if (isIP(peer) !== 6) return peer
  const [head = '', tail] = peer.toLowerCase().split('::')
  const first = head.split(':').filter(Boolean)
  const last = tail === undefined ? [] : tail.split(':').filter(Boolean)
  const groups = [...first, ...Array<string>(Math.max(0, 8 - first.length - last.length)).fill('0'), ...last]
  return groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')
}
