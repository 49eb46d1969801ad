import { type ClientMessage, type Cursor, PROTOCOL_VERSION, type RequestType } from './messages.ts'
import { privateRoom } from './private-rooms.ts'

/** Messages that a `join` may begin with, and that a `history` may ask for. */
const MAX_HISTORY = 1000

/** Rooms that one `unread` may ask about. */
const MAX_UNREAD_ROOMS = 50

/** Bytes of a message's `data` as JSON. */
const MAX_DATA_BYTES = 2048
const MAX_DATA_DEPTH = 8

const LONE_SURROGATE = /\p{Surrogate}/u

/** Text of 1 to `longest` characters that can be written as UTF-8 and has no control characters. */
function isLabel(value: unknown, longest: number): value is string {
  if (typeof value !== 'string' || value.length === 0 || value.length > longest) return false
  let hasSurrogate = false
  for (let i = 0; i < value.length; i++) {
    const code = value.charCodeAt(i)
    if (code < 32 || code === 127) return false
    if (code >= 0xd800 && code < 0xe000) hasSurrogate = true
  }
  return !hasSurrogate || !LONE_SURROGATE.test(value)
}

/** A name of a room or a user: 1 to 128 characters, no control characters. */
export const isName = (value: unknown): value is string => isLabel(value, 128)

/** An id of a request: 1 to 64 characters, no control characters. */
export const isRequestId = (value: unknown): value is string => isLabel(value, 64)

const isWhole = (value: unknown, most = Number.MAX_SAFE_INTEGER): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= most

function isCursor(value: unknown): value is Cursor {
  const { epoch, seq } = (value ?? {}) as Partial<Cursor>
  return typeof epoch === 'string' && epoch.length <= 64 && isWhole(seq)
}

function depthOf(value: unknown, left = MAX_DATA_DEPTH): number {
  if (typeof value !== 'object' || value === null || left === 0) return 1
  return 1 + Math.max(0, ...Object.values(value).map((each) => depthOf(each, left - 1)))
}

const isPlace = (value: unknown): value is number => isWhole(value) && value > 0

const isListOf = (value: unknown, most: number, is: (each: unknown) => boolean): boolean =>
  Array.isArray(value) && value.length > 0 && value.length <= most && value.every(is)

function isReaction(value: unknown): boolean {
  const { to, key, removed } = (value ?? {}) as Fields
  return isPlace(to) && isLabel(key, 32) && (removed === undefined || removed === true)
}

function isAttachment(value: unknown): boolean {
  const { url, name, type, bytes } = (value ?? {}) as Fields
  return (
    typeof url === 'string' &&
    /^https?:\/\//.test(url) &&
    URL.canParse(url) &&
    (name === undefined || isLabel(name, 255)) &&
    (type === undefined || isLabel(type, 127)) &&
    (bytes === undefined || isWhole(bytes))
  )
}

/** The keys of `data` that mean the same in every app; all others are the app's own. */
const CONVENTIONS: Readonly<Record<string, readonly [is: (value: unknown) => boolean, rule: string]>> = {
  replyTo: [isPlace, 'the place of a message'],
  mentions: [(value) => isListOf(value, 50, isName), 'a list of 1 to 50 names of users'],
  reaction: [isReaction, '{ to, key, removed? }: a place, 1 to 32 characters, true'],
  attachments: [
    (value) => isListOf(value, 10, isAttachment),
    'a list of 1 to 10 { url, name?, type?, bytes? }, each at an http or https address',
  ],
}

/** As JSON; nothing when there is none of it. */
function jsonOf(value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch {
    return undefined // of a circle, a BigInt, or what throws when it is looked at
  }
}

/** What is wrong with the data of a message; `undefined` when nothing is. */
export function dataProblem(data: unknown): string | undefined {
  const text = jsonOf(data)
  if (!text?.startsWith('{') || utf8Bytes(text) > MAX_DATA_BYTES || depthOf(data) > MAX_DATA_DEPTH)
    return `data is a JSON object of at most ${MAX_DATA_BYTES} bytes, nested at most ${MAX_DATA_DEPTH} deep`
  for (const [key, [is, rule]] of Object.entries(CONVENTIONS)) {
    const value = (data as Fields)[key]
    if (value !== undefined && !is(value)) return `data.${key} is ${rule}`
  }
  return undefined
}

function contentProblem({ id, body, data }: Fields): string | undefined {
  if (id === undefined) return 'id is missing'
  if (typeof body !== 'string') return 'body is text'
  return data === undefined ? undefined : dataProblem(data)
}

const placeProblem = ({ seq }: Fields): string | undefined =>
  isPlace(seq) ? undefined : 'seq is the place of a message'

type Fields = Readonly<Record<string, unknown>>

const RULES: Record<RequestType, (message: Fields) => string | undefined> = {
  hello: ({ version, token, user }) =>
    version !== PROTOCOL_VERSION
      ? `version is ${PROTOCOL_VERSION}`
      : token !== undefined && typeof token !== 'string'
        ? 'token is text'
        : user !== undefined && !isName(user)
          ? 'user is 1 to 128 characters without control characters'
          : undefined,
  auth: ({ token }) => (typeof token === 'string' ? undefined : 'token is text'),
  join: ({ cursor, history, token }) =>
    cursor !== undefined && !isCursor(cursor)
      ? 'cursor is { epoch, seq } as given by the server'
      : token !== undefined && typeof token !== 'string'
        ? 'token is text'
        : history !== undefined && !isWhole(history, MAX_HISTORY)
          ? `history is a whole number up to ${MAX_HISTORY}`
          : undefined,
  leave: () => undefined,
  send: contentProblem,
  edit: (fields) => contentProblem(fields) ?? placeProblem(fields),
  delete: (fields) => (fields.id === undefined ? 'id is missing' : placeProblem(fields)),
  typing: () => undefined,
  invite: ({ id, user }) =>
    id === undefined
      ? 'id is missing'
      : isName(user) && isName(privateRoom(user))
        ? undefined
        : 'user is 1 to 127 characters without control characters',
  mark: placeProblem,
  unread: ({ rooms }) =>
    isListOf(rooms, MAX_UNREAD_ROOMS, isName)
      ? undefined
      : `rooms is a list of 1 to ${MAX_UNREAD_ROOMS} names of rooms`,
  history: ({ before, limit }) =>
    isWhole(before) && isWhole(limit, MAX_HISTORY)
      ? undefined
      : `before and limit are whole numbers, limit up to ${MAX_HISTORY}`,
  ping: () => undefined,
}

const WITHOUT_ROOM: ReadonlySet<string> = new Set<RequestType>(['hello', 'auth', 'ping', 'unread'])

const isRequestType = (type: unknown): type is RequestType =>
  typeof type === 'string' && Object.hasOwn(RULES, type)

/** What is wrong with a request; `undefined` when nothing is. Client and server apply the same rules. */
export function problemOf(request: ClientMessage | Fields): string | undefined {
  const fields = request as Fields
  const { type, id, room } = fields
  if (!isRequestType(type)) return `type is one of ${Object.keys(RULES).join(', ')}`
  if (id !== undefined && !isRequestId(id)) return 'id is 1 to 64 characters without control characters'
  if (!WITHOUT_ROOM.has(type) && !isName(room))
    return 'room is 1 to 128 characters without control characters'
  return RULES[type](fields)
}

/** A frame as it was read: a request, or what is wrong with it and whom to answer. */
export type ParsedFrame =
  | { readonly kind: 'request'; readonly request: ClientMessage }
  | {
      readonly kind: 'invalid'
      readonly problem: string
      /** The request that it was meant to be, so far as that can be seen. */
      readonly of?: { readonly type: RequestType; readonly id?: string; readonly room?: string }
    }

/** Reads a text frame from a client. */
export function parseFrame(text: string): ParsedFrame {
  let fields: Fields
  try {
    fields = JSON.parse(text)
  } catch {
    return { kind: 'invalid', problem: 'not JSON' }
  }
  if (typeof fields !== 'object' || fields === null) return { kind: 'invalid', problem: 'not a JSON object' }
  const problem = problemOf(fields)
  if (problem === undefined) return { kind: 'request', request: fields as unknown as ClientMessage }
  const { type, id, room } = fields
  if (!isRequestType(type)) return { kind: 'invalid', problem }
  return {
    kind: 'invalid',
    problem,
    of: { type, ...(isRequestId(id) && { id }), ...(isName(room) && { room }) },
  }
}

/** Bytes of a text as UTF-8, in browsers as well as in Node. */
export function utf8Bytes(text: string): number {
  let bytes = 0
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code < 0x80) bytes += 1
    else if (code < 0x800) bytes += 2
    else if (code >= 0xd800 && code < 0xdc00 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
      bytes += 4
      i++
    } else bytes += 3
  }
  return bytes
}

/** Bytes of the largest frame of a client: a body in which every byte is escaped, and the rest of the request. */
export const maxFrameBytes = (maxBodyBytes: number): number => 6 * maxBodyBytes + 8192
