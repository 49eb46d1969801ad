/**
 * What a chat client and a chat server say to each other, one JSON object a WebSocket text frame.
 * `docs/protocol.md` has the rules by number; tests cite them.
 */

export const PROTOCOL_VERSION = 1

/** How safe an acknowledged message is: in memory, on this machine's disk, or on several machines. */
export type Durability = 'memory' | 'disk' | 'replicated'

/** A place in a room's log: everything up to and including `seq` has been taken. `epoch` names the log's life. */
export interface Cursor {
  readonly epoch: string
  readonly seq: number
}

export type ClientMessage =
  /** The first message of a connection. */
  | { type: 'hello'; version: number; token?: string; user?: string }
  /** A newer token for the same user. */
  | { type: 'auth'; token: string }
  /** `cursor` resumes; otherwise the last `history` messages come first. */
  | { type: 'join'; room: string; cursor?: Cursor; history?: number }
  | { type: 'leave'; room: string }
  /** `id` is the sender's own name of the message: sent again, it is acknowledged again and stands once. */
  | { type: 'send'; room: string; id: string; body: string }
  | { type: 'typing'; room: string }
  /** Older messages: up to `limit` ones before `before`. */
  | { type: 'history'; room: string; before: number; limit: number }

/** A message as it stands in the room's log, and as every member gets it. */
export interface RoomMessage {
  readonly type: 'message'
  readonly room: string
  /** Position in the room, from 1. */
  readonly seq: number
  /** Position of the message before it; whoever has not taken that one has a gap. */
  readonly prevSeq: number
  readonly user: string
  readonly id: string
  readonly body: string
  /** When it was appended, milliseconds since 1970. */
  readonly time: number
}

export type ServerMessage =
  | RoomMessage
  | {
      type: 'welcome'
      version: number
      user: string
      /** The server's number in its fleet. */
      server: number
      durability: Durability
      /** After a lost connection wait a random time of this window before the next one, doubled with every failure. */
      retryMs: [number, number]
      maxBodyBytes: number
      /** When the token expires, milliseconds since 1970. */
      expires?: number
    }
  /** Messages after `cursor` follow. `head` is the room's last one now. */
  | { type: 'joined'; room: string; cursor: Cursor; head: number; members: number; users?: string[] }
  | { type: 'left'; room: string }
  | { type: 'ack'; room: string; id: string; seq: number; durability: Durability }
  /** The send was not appended. `retryMs` is present when the same send may be tried again after that time. */
  | { type: 'refused'; room: string; id: string; code: RefusalCode; message: string; retryMs?: number }
  /** The messages `from`–`to` will not come: the log has them no more. */
  | { type: 'gap'; room: string; from: number; to: number }
  /** You read too slowly: pushing stopped, and the messages `from`–`to` come from the log now. */
  | { type: 'behind'; room: string; from: number; to: number }
  /** Who came and went, or all `users`; only how many in a large room. */
  | {
      type: 'presence'
      room: string
      members: number
      joined?: string[]
      left?: string[]
      users?: string[]
    }
  | { type: 'typing'; room: string; user: string }
  | { type: 'history'; room: string; messages: RoomMessage[]; first: number }
  /** Open another connection `afterMs` from now, resume there, then close this one. `to` goes into its query. */
  | { type: 'move'; afterMs: number; reason: 'drain' | 'rebalance'; to?: number }
  | { type: 'authenticated'; expires?: number }
  | { type: 'error'; code: RefusalCode; message: string; room?: string; retryMs?: number }

export type RefusalCode =
  | 'bad-message'
  | 'not-joined'
  | 'forbidden'
  | 'too-many-rooms'
  | 'too-large'
  | 'rate-limited'
  | 'overloaded'
  | 'log-unavailable'

/**
 * Why a connection was closed. From 4000 to 4499 the same connection will be refused again: do not try it; from 4500,
 * and for 1001, 1006, 1012 and 1013, connect again and resume.
 */
export const CLOSE = {
  /** The server goes away; resume on another. */
  restart: 1012,
  /** The issuer's keys cannot be fetched now: the same attempt may succeed later. */
  tryLater: 1013,
  tooLarge: 1009,
  badMessage: 4400,
  unauthorized: 4401,
  /** The token expired while connected: come again with another. */
  expired: 4510,
  rateLimited: 4529,
} as const

/** Whether a client may connect again after this close code. */
export function mayReconnect(code: number): boolean {
  return !(code >= 4000 && code < 4500) && code !== CLOSE.tooLarge && code !== 1002 && code !== 1003
}

/** A name of a room or a user: 1 to 128 characters, no control characters. */
export function isName(value: unknown): value is string {
  if (typeof value !== 'string' || value.length === 0 || value.length > 128) return false
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i)
    if (code < 32 || code === 127) return false
  }
  return true
}

const isWhole = (value: unknown, most = Number.MAX_SAFE_INTEGER): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= most

function isCursor(value: unknown): value is Cursor {
  const { epoch, seq } = (value ?? {}) as Partial<Cursor>
  return typeof epoch === 'string' && epoch.length <= 64 && isWhole(seq)
}

const CHECKS: Record<ClientMessage['type'], (message: Record<string, unknown>) => string | undefined> = {
  hello: ({ version, token, user }) =>
    version !== PROTOCOL_VERSION
      ? `version is ${PROTOCOL_VERSION}`
      : token !== undefined && typeof token !== 'string'
        ? 'token is text'
        : user !== undefined && !isName(user)
          ? 'user is 1 to 128 characters'
          : undefined,
  auth: ({ token }) => (typeof token === 'string' ? undefined : 'token is text'),
  join: ({ cursor, history }) =>
    cursor !== undefined && !isCursor(cursor)
      ? 'cursor is { epoch, seq } as given by the server'
      : history !== undefined && !isWhole(history, 1000)
        ? 'history is a whole number up to 1000'
        : undefined,
  leave: () => undefined,
  send: ({ id, body }) =>
    typeof id !== 'string' || id.length === 0 || id.length > 64
      ? 'id is 1 to 64 characters'
      : typeof body !== 'string'
        ? 'body is text'
        : undefined,
  typing: () => undefined,
  history: ({ before, limit }) =>
    isWhole(before) && isWhole(limit, 1000)
      ? undefined
      : 'before and limit are whole numbers, limit up to 1000',
}

/** Reads what a client sent; a string says what is wrong with it. */
export function parseClientMessage(text: string): ClientMessage | string {
  let message: Record<string, unknown>
  try {
    message = JSON.parse(text)
  } catch {
    return 'not JSON'
  }
  const { type } = message ?? {}
  if (typeof type !== 'string' || !Object.hasOwn(CHECKS, type)) {
    return `type is one of ${Object.keys(CHECKS).join(', ')}`
  }
  if (type !== 'hello' && type !== 'auth' && !isName(message.room)) return 'room is 1 to 128 characters'
  return CHECKS[type as ClientMessage['type']](message) ?? (message as ClientMessage)
}
