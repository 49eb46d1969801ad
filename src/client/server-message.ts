import type { ServerMessage } from '../protocol/messages.ts'

type Check = (value: unknown) => boolean
type Shape = readonly (readonly [field: string, is: Check])[]

const text: Check = (value) => typeof value === 'string'
const number: Check = (value) => Number.isFinite(value)
const place: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0
const listOf =
  (is: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(is)
const orNothing =
  (is: Check): Check =>
  (value) =>
    value === undefined || is(value)
const shape = (fields: Readonly<Record<string, Check>>): Shape => Object.entries(fields)
const fits = (value: unknown, fields: Shape): boolean =>
  typeof value === 'object' &&
  value !== null &&
  fields.every(([field, is]) => is((value as Record<string, unknown>)[field]))

const names = orNothing(listOf(text))
const expiry = { expiresInMs: orNothing(number) }
const cursor = shape({ epoch: text, seq: place })
const message = shape({ room: text, seq: place, prevSeq: place, user: text, id: text, body: text })
const range = shape({ room: text, from: place, to: place })
const unread = shape({ room: text, read: place, head: place, unread: number, mentions: number })

/** Of every message whose fields the client relies on. */
const SHAPES: { readonly [Type in ServerMessage['type']]?: Shape } = {
  welcome: shape({ user: text, ...expiry }),
  authenticated: shape(expiry),
  joined: shape({
    room: text,
    cursor: (value) => fits(value, cursor),
    head: place,
    members: number,
    users: names,
    ...expiry,
  }),
  left: shape({ room: text, code: orNothing(text), message: orNothing(text) }),
  ack: shape({ id: text, room: text, seq: place, durability: text }),
  rejected: shape({ code: text, message: text, retryMs: orNothing(number) }),
  history: shape({ room: text, messages: listOf((each) => fits(each, message)), first: number }),
  unread: shape({ rooms: listOf((each) => fits(each, unread)) }),
  message,
  gap: range,
  presence: shape({ room: text, members: number, joined: names, left: names, users: names }),
  typing: shape({ room: text, user: text }),
  move: shape({ afterMs: number, to: orNothing(place), url: orNothing(text) }),
  error: shape({ code: text, message: text }),
}

/**
 * A server's message, whose fields have the types that the protocol names; unknown types and fields pass.
 * @throws what is wrong with it
 */
export function parseServerMessage(data: unknown): ServerMessage {
  const parsed = JSON.parse(String(data)) as ServerMessage | null
  if (typeof parsed !== 'object' || typeof parsed?.type !== 'string') throw new Error('not a message')
  const { type } = parsed
  const wrong = Object.hasOwn(SHAPES, type)
    ? SHAPES[type]!.find(([field, is]) => !is((parsed as unknown as Record<string, unknown>)[field]))
    : undefined
  if (wrong) throw new Error(`${type} has a wrong ${wrong[0]}`)
  return parsed
}
