import { invalidInput, shown } from '../base/errors.ts'

const LOOPBACK = /^(localhost|127(\.\d{1,3}){3}|\[::1\]|::1)$/i
/** An origin of a list: scheme, host, port; the host may begin with `*.`. */
const ORIGIN = /^([a-z][a-z0-9+.-]*):\/\/(\*\.)?([^\s/?#@*:[\]]+|\[[0-9a-f:.]+\])(:\d{1,5})?\/?$/i

const nameOf = (host: string) => (host === '::1' ? host : host.replace(/:\d+$/, ''))

/** Whether this is a name of the machine itself. */
export function isLoopbackName(host: string): boolean {
  return LOOPBACK.test(nameOf(host))
}

/** As browsers write it: lower case, without the default port, without a slash; `undefined` for what is not an origin. */
function normalised(origin: string): string | undefined {
  const match = ORIGIN.exec(origin.trim())
  if (!match) return undefined
  const [, scheme, wildcard = '', name, port = ''] = match
  const host = `${name}${port}`
  if (!/^https?$/i.test(scheme!)) return `${scheme}://${wildcard}${host}`.toLowerCase()
  try {
    return `${scheme!.toLowerCase()}://${wildcard}${new URL(`${scheme}://${host}`).host}`
  } catch {
    return undefined
  }
}

interface RequestOrigin {
  readonly origin?: string | undefined
  readonly host?: string | undefined
}

/** Whether the page of a browser is from this very server, under the name that the request was made to. */
export function isSameOrigin({ origin = '', host = '' }: RequestOrigin): boolean {
  const own = normalised(origin)
  return own !== undefined && (own === normalised(`http://${host}`) || own === normalised(`https://${host}`))
}

/** Origins whose pages may connect. */
export class Origins {
  readonly #exact = new Set<string>()
  /** Scheme and the end of the host, with its dot. */
  readonly #wildcards: { readonly scheme: string; readonly end: string }[] = []
  readonly #any: boolean

  /**
   * @param list such as `https://chat.example.org`, `https://*.example.org`, or `*` for every page
   * @throws {ConcertinaError} INVALID_INPUT, naming the entry.
   */
  constructor(list: readonly string[] = [], where = 'origins') {
    if (!Array.isArray(list))
      throw invalidInput(
        where,
        `${shown(list)} is not allowed`,
        'a list, such as ["https://chat.example.org"]',
      )
    this.#any = list.includes('*')
    for (const [i, text] of list.entries()) {
      if (text === '*') continue
      const origin = normalised(text)
      if (origin === undefined) {
        throw invalidInput(
          `${where}[${i}]`,
          `${JSON.stringify(text.slice(0, 100))} is not an origin`,
          'scheme and host, such as https://chat.example.org or https://*.example.org, without a path',
        )
      }
      const [scheme, host] = origin.split('://') as [string, string]
      if (host.startsWith('*.')) this.#wildcards.push({ scheme, end: host.slice(1) })
      else this.#exact.add(origin)
    }
  }

  /**
   * Whether a browser's page may connect: one from an origin of the list, or one that this very server gave it under a name
   * of this machine (any other name could belong to another site that points here). Clients other than browsers send no origin.
   */
  allows(headers: RequestOrigin): boolean {
    if (headers.origin === undefined || this.#any) return true
    const origin = normalised(headers.origin)
    if (origin === undefined) return false
    if (this.#exact.has(origin)) return true
    const [scheme, host] = origin.split('://') as [string, string]
    if (this.#wildcards.some((each) => each.scheme === scheme && host.endsWith(each.end))) return true
    return isLoopbackName(headers.host ?? '') && isSameOrigin(headers)
  }
}
