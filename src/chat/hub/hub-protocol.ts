import type { Durability } from '../../protocol/messages.ts'
import type { Append, LogEntry, LogPage } from '../log/room-log.ts'
import { LENGTH_BYTES, newFrame } from './frame-stream.ts'

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
} as const

export type ToHub =
  | ['append', request: number, message: Append]
  | ['read', request: number, room: string, after: number, limit: number]
  | ['readBefore', request: number, room: string, before: number, limit: number]
  | ['subscribe', request: number, room: string]
  | ['unsubscribe', room: string]
  | ['here', room: string, user: string]
  | ['gone', room: string, user: string]
  | ['typing', room: string, user: string]

export type FromHub =
  | ['hello', epoch: string, durability: Durability]
  | ['refused', request: number, message: string, retryMs?: number]
  /** Messages of the room will bear this number; comes before the first of them. */
  | ['room', number: number, room: string]
  | ['subscribed', request: number, first: number, head: number, roster: Roster]
  /** Messages of the room up to `head` were left out, because too much waited for this server; they are in the log. */
  | ['missed', number: number, head: number]

/** Who is in a room; names only where there are few. */
export interface Roster {
  readonly members: number
  readonly users?: readonly string[]
}

/** In rooms with more members than this only their number is sent. */
export const NAMED_MEMBERS = 100

export function controlFrame(content: ToHub | FromHub): Buffer {
  return textFrame(FRAME.control, JSON.stringify(content))
}

export const eventFrame = (json: string): Buffer => textFrame(FRAME.event, json)

function textFrame(kind: number, text: string): Buffer {
  const frame = newFrame(1 + Buffer.byteLength(text))
  frame[LENGTH_BYTES] = kind
  frame.write(text, LENGTH_BYTES + 1)
  return frame
}

export const controlOf = (content: Buffer): unknown => JSON.parse(content.toString('utf8', 1))

const MESSAGE_HEAD = 21

export function messageFrame(room: number, { seq, prevSeq, payload }: LogEntry): Buffer {
  const frame = newFrame(MESSAGE_HEAD + payload.length)
  frame[LENGTH_BYTES] = FRAME.message
  frame.writeUInt32BE(room, LENGTH_BYTES + 1)
  frame.writeDoubleBE(seq, LENGTH_BYTES + 5)
  frame.writeDoubleBE(prevSeq, LENGTH_BYTES + 13)
  payload.copy(frame, LENGTH_BYTES + MESSAGE_HEAD)
  return frame
}

export const roomOf = (content: Buffer): number => content.readUInt32BE(1)

export const entryOf = (content: Buffer): LogEntry => ({
  seq: content.readDoubleBE(5),
  prevSeq: content.readDoubleBE(13),
  payload: content.subarray(MESSAGE_HEAD),
})

export function appendedFrame(request: number, seq: number, duplicate: boolean): Buffer {
  const frame = newFrame(14)
  frame[LENGTH_BYTES] = FRAME.appended
  frame.writeUInt32BE(request, LENGTH_BYTES + 1)
  frame[LENGTH_BYTES + 5] = duplicate ? 1 : 0
  frame.writeDoubleBE(seq, LENGTH_BYTES + 6)
  return frame
}

/** The request that an `appended` or `page` frame answers. */
export const requestOf = (content: Buffer): number => content.readUInt32BE(1)

export const appendedOf = (content: Buffer) => ({
  seq: content.readDoubleBE(6),
  duplicate: content[5] === 1,
})

const PAGE_HEAD = 21
const ENTRY_HEAD = 20

export function pageFrame(request: number, { first, head, entries }: LogPage): Buffer {
  const length = entries.reduce((sum, { payload }) => sum + ENTRY_HEAD + payload.length, PAGE_HEAD)
  const frame = newFrame(length)
  frame[LENGTH_BYTES] = FRAME.page
  frame.writeUInt32BE(request, LENGTH_BYTES + 1)
  frame.writeDoubleBE(first, LENGTH_BYTES + 5)
  frame.writeDoubleBE(head, LENGTH_BYTES + 13)
  let at = LENGTH_BYTES + PAGE_HEAD
  for (const { seq, prevSeq, payload } of entries) {
    at = frame.writeDoubleBE(seq, at)
    at = frame.writeDoubleBE(prevSeq, at)
    at = frame.writeUInt32BE(payload.length, at)
    at += payload.copy(frame, at)
  }
  return frame
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
