import type { KeysOf } from '../base/known-keys.ts'
import type { RequestOptions } from '../base/requests.ts'
import type { ChatClientOptions } from './chat-client-options.ts'
import { ChatError } from './chat-error.ts'
import type { JoinOptions } from './client-room.ts'

const REQUEST: KeysOf<RequestOptions> = { signal: true, timeoutMs: true }
const JOIN: KeysOf<JoinOptions> = { ...REQUEST, cursor: true, history: true, token: true }
const CLIENT: KeysOf<ChatClientOptions> = {
  ...REQUEST,
  url: true,
  user: true,
  token: true,
  ackMs: true,
  maxQueued: true,
  transport: true,
  webSocketAgainMs: true,
  random: true,
}
const TRANSPORTS: readonly unknown[] = ['auto', 'websocket', 'sse', undefined]

const invalid = (message: string) => new ChatError('invalid', message)

/** In few words, since it is part of every page. */
function requireKnown<T extends object>(options: T, known: KeysOf<T>): void {
  const names = Object.keys(known)
  if (typeof options !== 'object' || options === null)
    throw invalid(`the options are not an object with ${names.join(', ')}`)
  const unknown = Object.keys(options).find((key) => !names.includes(key))
  if (unknown !== undefined)
    throw invalid(`${unknown}: there is no such option; there are ${names.join(', ')}`)
}

function requirePositive<T extends object>(options: T, ...names: (keyof T & string)[]): void {
  for (const name of names) {
    const value: unknown = options[name]
    if (value !== undefined && !(typeof value === 'number' && value > 0))
      throw invalid(`${name}: only a number above 0 is allowed`)
  }
}

function requireToken({ token }: { token?: unknown }): void {
  if (!['undefined', 'string', 'function'].includes(typeof token))
    throw invalid('token: only text or a function is allowed')
}

/** @throws {ChatError} `invalid`, as all of these do, naming the option */
export function checkClientOptions(options: ChatClientOptions): void {
  requireKnown(options, CLIENT)
  const { url, transport } = options
  if (!URL.canParse(url) || !/^(ws|http)s?:$/.test(new URL(url).protocol))
    throw invalid(`url: ${JSON.stringify(url)} is not a ws:// or wss:// address`)
  if (!TRANSPORTS.includes(transport)) throw invalid('transport: only auto, websocket or sse is allowed')
  requireToken(options)
  requirePositive(options, 'ackMs', 'timeoutMs', 'maxQueued', 'webSocketAgainMs')
}

export function checkJoinOptions(options: JoinOptions): void {
  requireKnown(options, JOIN)
  requireToken(options)
}

/** The options of a request, with `timeoutMs` where they have none. */
export function requestOptions(options: RequestOptions, timeoutMs: number): RequestOptions {
  requireKnown(options, REQUEST)
  requirePositive(options, 'timeoutMs')
  return { signal: options.signal, timeoutMs: options.timeoutMs ?? timeoutMs }
}
