import { CLOSE } from '../protocol/close-codes.ts'

/** Why there is no connection, for programs; the `reason` of the status is for people. */
export type CloseCause =
  /** Nothing answers at the address: the network, the name, or no server. */
  | 'unreachable'
  /** Something answers, and lets no WebSocket pass; a browser does not say why. */
  | 'rejected'
  /** The page's origin may not connect. */
  | 'origin'
  /** There is no chat at this address. */
  | 'not-found'
  /** The token is not accepted, or was revoked. */
  | 'unauthorized'
  | 'expired'
  /** A moderator ended the connection. */
  | 'removed'
  | 'rate-limited'
  /** The server accepts no more users, or its token issuer cannot be reached. */
  | 'overloaded'
  /** The server shuts down: another one takes over. */
  | 'restart'
  /** An established connection broke. */
  | 'lost'
  /** What answers does not speak the protocol, or not this version. */
  | 'protocol'
  /** The client was closed. */
  | 'closed'

export interface Close {
  readonly cause: CloseCause
  readonly reason: string
}

/** `moved` has changed servers without a break; `waiting` reconnects soon; `closed` will not. */
export interface ConnectionStatus {
  state: 'open' | 'moved' | 'waiting' | 'closed'
  server?: number | undefined
  /** Why there is no connection, in words. */
  reason?: string
  /** The same for programs. */
  cause?: CloseCause
}

const BY_CODE: Readonly<Record<number, readonly [CloseCause, string]>> = {
  [CLOSE.restart]: ['restart', 'the server shuts down'],
  [CLOSE.tryLater]: ['overloaded', 'the token cannot be verified now'],
  [CLOSE.tooLarge]: ['protocol', 'a frame was too large'],
  [CLOSE.badMessage]: ['protocol', 'the server does not know this version of the protocol'],
  [CLOSE.unauthorized]: ['unauthorized', 'the token is not accepted'],
  [CLOSE.removed]: ['removed', 'removed by a moderator'],
  [CLOSE.expired]: ['expired', 'the token has expired'],
  [CLOSE.rateLimited]: ['rate-limited', 'too many frames or messages'],
}

const BY_STATUS: Readonly<Record<number, readonly [CloseCause, string]>> = {
  401: ['unauthorized', 'a proxy before the chat asks for credentials'],
  403: ['origin', "the page's origin may not connect: the chat has to list it in its origins"],
  404: ['not-found', 'there is no chat at this address'],
  426: ['not-found', 'there is no chat at this address'],
  429: ['rate-limited', 'too many connections from this address'],
  502: ['overloaded', 'no chat server is ready'],
  503: ['overloaded', 'the chat takes no more users now'],
  504: ['overloaded', 'no chat server answers'],
}

const STATUS = /server response: (\d{3})/i

/**
 * What the end of a connection means.
 * @param code of the close frame; 1006 without one
 * @param text the reason of the close frame, or the error of the socket where it is known
 * @param wasOpen whether the WebSocket was established
 */
export function closeOf(code: number, text: string, wasOpen: boolean): Close {
  const known = BY_CODE[code]
  if (known) return { cause: known[0], reason: text || known[1] }
  const status = Number(STATUS.exec(text)?.[1])
  if (status) {
    const [cause, reason] = BY_STATUS[status] ?? (['rejected', 'the WebSocket was rejected'] as const)
    return { cause, reason: `${reason} (status ${status})` }
  }
  if (wasOpen)
    return {
      cause: code === 1002 || code === 1007 ? 'protocol' : 'lost',
      reason: text || `the connection was lost (code ${code})`,
    }
  return { cause: 'unreachable', reason: text || 'the server cannot be reached' }
}

/** Milliseconds that something has for an answer. */
const PROBE_MS = 5000

/**
 * A browser does not say why a WebSocket failed; whether anything answers at its address it does say.
 * @returns what is known then, or `undefined` when nothing answers
 */
export async function probe(url: string): Promise<Close | undefined> {
  try {
    await fetch(url.replace(/^ws/, 'http'), { mode: 'no-cors', signal: AbortSignal.timeout(PROBE_MS) })
  } catch {
    return undefined
  }
  return {
    cause: 'rejected',
    reason:
      'the server answers, but no WebSocket comes through: its origins have to list this page, and proxies have to pass WebSockets',
  }
}
