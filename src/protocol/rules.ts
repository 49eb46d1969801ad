import {
  type ClientMessage,
  type Cursor,
  type MessageData,
  PROTOCOL_VERSION,
  type RequestType,
} from './messages.ts'

/** Messages that a `join` may begin with, and that a `history` may ask for. */
const MAX_HISTORY = 1000

/** Bytes of a message's `data` as JSON. */
export const MAX_DATA_BYTES = 2048
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
const isRequestId = (value: unknown): value is string => isLabel(value, 64)

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

/** Whether this is a JSON object that a message may have as its data. */
export function isMessageData(value: unknown): value is MessageData {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  if (depthOf(value) > MAX_DATA_DEPTH) return false
  return utf8Bytes(JSON.stringify(value)) <= MAX_DATA_BYTES
}

const DATA_RULE = `data is a JSON object of at most ${MAX_DATA_BYTES} bytes, nested at most ${MAX_DATA_DEPTH} deep`

function contentProblem({ id, body, data }: Fields): string | undefined {
  if (id === undefined) return 'id is missing'
  if (typeof body !== 'string') return 'body is text'
  return data === undefined || isMessageData(data) ? undefined : DATA_RULE
}

const placeProblem = ({ seq }: Fields): string | undefined =>
  isWhole(seq) && seq > 0 ? undefined : 'seq is the place of a message'

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
  history: ({ before, limit }) =>
    isWhole(before) && isWhole(limit, MAX_HISTORY)
      ? undefined
      : `before and limit are whole numbers, limit up to ${MAX_HISTORY}`,
  ping: () => undefined,
}

const WITHOUT_ROOM: ReadonlySet<string> = new Set<RequestType>(['hello', 'auth', 'ping'])

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
