import type { Durability, MessageExtras } from '../../protocol/messages.ts'
import type { Append, LogEntry, LogPage } from '../log/room-log.ts'
import type { FrameStream } from './frame-stream.ts'

/**
 * What a chat server and the hub send each other. The first byte of a frame is its kind; what is frequent is binary, so that
 * no one parses a message only to pass it on.
 */
export const FRAME = {
  /** One of `ToHub` or `FromHub`, JSON. */
  control: 0,
  /** A message of a room: number of the room u32, place f64, place before it f64, JSON of the message. */
  message: 1,
  /** An append was acknowledged: request u32, duplicate u8, place f64. */
  appended: 2,
  /** A page of a room: request u32, first f64, head f64, then entries: place f64, place before it f64, length u32, JSON. */
  page: 3,
  /** Presence or typing for the members of a room: JSON. */
  event: 4,
  /**
   * A message to be appended: request u32, lengths in characters of room u16, user u16, id u16 and body u32, then these and
   * the JSON of the extras as one text.
   */
  append: 5,
} as const

export type ToHub =
  | ['append', request: number, message: Append]
  | ['read', request: number, room: string, after: number, limit: number]
  | ['readBefore', request: number, room: string, before: number, limit: number]
  | ['subscribe', request: number, room: string]
  | ['unsubscribe', room: string]
  | ['here', room: string, user: string]
  | ['gone', room: string, user: string]
  | ['place', request: number, room: string, user: string, maxMembers: number]
  | ['typing', room: string, user: string]

export type FromHub =
  | ['hello', epoch: string, durability: Durability]
  | ['rejected', request: number, message: string, retryMs?: number]
  /** The append is one of too many by its user, over all servers. */
  | ['limited', request: number, retryMs: number]
  /** Messages of the room will bear this number; comes before the first of them. */
  | ['room', number: number, room: string]
  | ['subscribed', request: number, first: number, head: number, roster: Roster]
  | ['placed', request: number, taken: boolean]
  /** Messages of the room up to `head` were left out, because too much waited for this server; they are in the log. */
  | ['missed', number: number, head: number]

/** Who is in a room; names only where there are few. */
export interface Roster {
  readonly members: number
  readonly users?: readonly string[]
}

/** In rooms with more members than this only their number is sent. */
export const NAMED_MEMBERS = 100

export function sendControl(frames: FrameStream, content: ToHub | FromHub): void {
  sendText(frames, FRAME.control, JSON.stringify(content))
}

export function sendEvent(frames: FrameStream, json: string): void {
  sendText(frames, FRAME.event, json)
}

function sendText(frames: FrameStream, kind: number, text: string): void {
  const at = frames.begin(1 + Buffer.byteLength(text))
  frames.out[at] = kind
  frames.out.write(text, at + 1)
}

export const controlOf = (content: Buffer): unknown => JSON.parse(content.toString('utf8', 1))

const MESSAGE_HEAD = 21

export function sendMessage(frames: FrameStream, room: number, { seq, prevSeq, payload }: LogEntry): void {
  const at = frames.begin(MESSAGE_HEAD + payload.length)
  const { out } = frames
  out[at] = FRAME.message
  out.writeUInt32BE(room, at + 1)
  out.writeDoubleBE(seq, at + 5)
  out.writeDoubleBE(prevSeq, at + 13)
  out.set(payload, at + MESSAGE_HEAD)
}

export const roomOf = (content: Buffer): number => content.readUInt32BE(1)

export const entryOf = (content: Buffer): LogEntry => ({
  seq: content.readDoubleBE(5),
  prevSeq: content.readDoubleBE(13),
  payload: content.subarray(MESSAGE_HEAD),
})

const APPEND_HEAD = 15

export function sendAppend(frames: FrameStream, request: number, message: Append): void {
  const { room, user, id, body, extras } = message
  const text = room + user + id + body + (extras === undefined ? '' : JSON.stringify(extras))
  if (!isWellFormed(text)) {
    // JSON keeps half a surrogate pair; UTF-8 cannot.
    sendControl(frames, ['append', request, message])
    return
  }
  const at = frames.begin(APPEND_HEAD + Buffer.byteLength(text))
  const { out } = frames
  out[at] = FRAME.append
  out.writeUInt32BE(request, at + 1)
  out.writeUInt16BE(room.length, at + 5)
  out.writeUInt16BE(user.length, at + 7)
  out.writeUInt16BE(id.length, at + 9)
  out.writeUInt32BE(body.length, at + 11)
  out.write(text, at + APPEND_HEAD)
}

const isWellFormed = (text: string): boolean => (text as string & { isWellFormed(): boolean }).isWellFormed()

export function appendOf(content: Buffer): Append {
  const text = content.toString('utf8', APPEND_HEAD)
  const user = content.readUInt16BE(5)
  const id = user + content.readUInt16BE(7)
  const body = id + content.readUInt16BE(9)
  const extras = body + content.readUInt32BE(11)
  return {
    room: text.slice(0, user),
    user: text.slice(user, id),
    id: text.slice(id, body),
    body: text.slice(body, extras),
    extras: extras < text.length ? (JSON.parse(text.slice(extras)) as MessageExtras) : undefined,
  }
}

export function sendAppended(frames: FrameStream, request: number, seq: number, duplicate: boolean): void {
  const at = frames.begin(14)
  const { out } = frames
  out[at] = FRAME.appended
  out.writeUInt32BE(request, at + 1)
  out[at + 5] = duplicate ? 1 : 0
  out.writeDoubleBE(seq, at + 6)
}

/** The request of an `append` frame, or that which an `appended` or `page` frame answers. */
export const requestOf = (content: Buffer): number => content.readUInt32BE(1)

export const appendedOf = (content: Buffer) => ({
  seq: content.readDoubleBE(6),
  duplicate: content[5] === 1,
})

const PAGE_HEAD = 21
const ENTRY_HEAD = 20

export function sendPage(frames: FrameStream, request: number, { first, head, entries }: LogPage): void {
  let at = frames.begin(entries.reduce((sum, { payload }) => sum + ENTRY_HEAD + payload.length, PAGE_HEAD))
  const { out } = frames
  out[at] = FRAME.page
  out.writeUInt32BE(request, at + 1)
  out.writeDoubleBE(first, at + 5)
  out.writeDoubleBE(head, at + 13)
  at += PAGE_HEAD
  for (const { seq, prevSeq, payload } of entries) {
    at = out.writeDoubleBE(seq, at)
    at = out.writeDoubleBE(prevSeq, at)
    at = out.writeUInt32BE(payload.length, at)
    at += payload.copy(out, at)
  }
}

export function pageOf(content: Buffer): LogPage {
  const entries: LogEntry[] = []
  for (let at = PAGE_HEAD; at < content.length; ) {
    const from = at + ENTRY_HEAD
    const end = from + content.readUInt32BE(at + 16)
    entries.push({
      seq: content.readDoubleBE(at),
      prevSeq: content.readDoubleBE(at + 8),
      payload: content.subarray(from, end),
    })
    at = end
  }
  return { first: content.readDoubleBE(5), head: content.readDoubleBE(13), entries }
}
