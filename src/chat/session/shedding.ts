import type { Channel } from './channel.ts'
import type { Inbox } from './inbox.ts'
import type { Outbox } from './outbox.ts'
import type { ServerContext } from './server-context.ts'

/** Who sends so long after being told to wait knew of it: what was under way before is no haste. */
const NOTICED_MS = 100
/** For how long a connection is not read, and never longer than it was told to wait. */
const MAX_HOLD_MS = 200

/**
 * Rejects messages of one connection while the server is overloaded, nearly all from their bytes: reading them would take the time
 * that is missing for those which were accepted. A connection that goes on sending within the time that it was told to wait is not
 * read for a while: many of its messages then come at once, and cost a fraction. They are rejected together when the server is still
 * overloaded by then, and accepted when it has time.
 */
export class Shedding {
  readonly #context: ServerContext
  readonly #channel: Channel
  readonly #inbox: Pick<Inbox<unknown>, 'isIdle' | 'pass'>
  readonly #outbox: Outbox
  /** When it was first told to wait, until when, and for how long it was told so last. */
  #rejectedAt = -Infinity
  #waitsUntil = -Infinity
  #retryMs = 0
  #phase: 'read' | 'held' | 'too early' = 'read'

  constructor(
    context: ServerContext,
    channel: Channel,
    inbox: Pick<Inbox<unknown>, 'isIdle' | 'pass'>,
    outbox: Outbox,
  ) {
    this.#context = context
    this.#channel = channel
    this.#inbox = inbox
    this.#outbox = outbox
  }

  /** Rejects the message in a part of `data`; returns `false` when there is time to read it, or it has to wait its turn. */
  rejects(data: Buffer, from: number, end: number, cost: number): boolean {
    const isDecided = data === rejectedFrom
    const retryMs = isDecided ? this.#retryMs : this.#overload()
    if (retryMs === undefined || !this.#inbox.isIdle) return false
    const names = namesOfSend(data, from, end)
    if (names === undefined || !this.#inbox.pass(cost)) return false
    pushRejection(this.#outbox, data, from + NAMES_AT, names, retryMs)
    if (isDecided) this.#context.count('rejected')
    else this.#onRejected(retryMs)
    rejectedFrom = data
    return true
  }

  /** When to try again with a message that was read, which is rejected then. */
  rejectsRead(): number | undefined {
    const retryMs = this.#overload()
    if (retryMs !== undefined) this.#onRejected(retryMs)
    return retryMs
  }

  #overload(): number | undefined {
    return this.#phase === 'too early' ? this.#retryMs : this.#context.link.overload?.()
  }

  #onRejected(retryMs: number): void {
    this.#context.count('rejected')
    this.#retryMs = retryMs
    if (this.#phase === 'read') this.#slowDown(performance.now())
  }

  #slowDown(now: number): void {
    if (now >= this.#waitsUntil) {
      this.#rejectedAt = now
      this.#waitsUntil = now + this.#retryMs
    } else if (now - this.#rejectedAt >= NOTICED_MS) {
      this.#hold(now)
    }
  }

  #hold(now: number): void {
    const release = this.#channel.hold?.()
    if (!release) return
    const ms = Math.min(MAX_HOLD_MS, this.#retryMs)
    this.#phase = 'held'
    this.#waitsUntil = now + ms + this.#retryMs
    setTimeout(() => {
      this.#phase = this.#context.link.overload?.() === undefined ? 'read' : 'too early'
      release()
      // What has come meanwhile is read in this turn of the event loop.
      setImmediate(() => {
        this.#phase = 'read'
      })
    }, ms)
  }
}

export const OVERLOADED = 'too many messages are in flight'

/** What the last rejected message was read with: what else was read with it is rejected, too, without another look. */
let rejectedFrom: Buffer | undefined

/** A `send` as clients write it: in this order, without escapes in its names, and with nothing after it but `data`; any other is read. */
const ROOM = Buffer.from('{"type":"send","room":"')
const ID = Buffer.from('","id":"')
const BODY = Buffer.from('","body":"')
const DATA = Buffer.from(',"data":{')
/** Where the fields `room` and `id` begin, which a rejection repeats. */
const NAMES_AT = '{"type":"send",'.length
const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPEN = 0x7b
const BRACE = 0x7d
const DELETE = 0x7f
/** What may follow a backslash in JSON (RFC 8259, section 7), but for `u`. */
const SHORT_ESCAPES = Buffer.from('"\\/bfnrt')

/** Where the fields `room` and `id` of a plain `send` end; nothing when it is none. */
function namesOfSend(data: Buffer, from: number, end: number): number | undefined {
  if (!follows(data, from, ROOM)) return undefined
  const room = from + ROOM.length
  const roomEnd = endOfText(data, room, Math.min(end, room + 129))
  if (roomEnd <= room || !follows(data, roomEnd, ID)) return undefined
  const id = roomEnd + ID.length
  const idEnd = endOfText(data, id, Math.min(end, id + 65))
  if (idEnd <= id || !follows(data, idEnd, BODY)) return undefined
  const bodyEnd = endOfText(data, idEnd + BODY.length, end, true)
  if (bodyEnd < 0) return undefined
  const hasData = follows(data, bodyEnd + 1, DATA)
  const last = hasData ? endOfObject(data, bodyEnd + DATA.length, end) : bodyEnd
  return last === end - 2 && data[end - 1] === BRACE ? idEnd + 1 : undefined
}

function follows(data: Buffer, at: number, expected: Buffer): boolean {
  for (let i = 0; i < expected.length; i++) if (data[at + i] !== expected[i]) return false
  return true
}

/**
 * The place of the quote that ends a text without control characters, before `end`; -1 when there is none, or an escape that is
 * not of two characters and allowed.
 */
function endOfText(data: Buffer, from: number, end: number, mayEscape = false): number {
  for (let at = from; at < end; at++) {
    const byte = data[at]!
    if (byte === QUOTE) return at
    if (byte === BACKSLASH) {
      if (!mayEscape || !SHORT_ESCAPES.includes(data[++at]!)) return -1
    } else if (byte < 32 || byte === DELETE) {
      return -1
    }
  }
  return -1
}

/** The place of the brace that ends the object which begins at `from`, before `end`; -1 when there is none. */
function endOfObject(data: Buffer, from: number, end: number): number {
  let depth = 0
  for (let at = from; at < end; at++) {
    const byte = data[at]!
    if (byte === QUOTE) {
      at = endOfText(data, at + 1, end, true)
      if (at < 0) return -1
    } else if (byte === OPEN) {
      depth++
    } else if (byte === BRACE && --depth === 0) {
      return at
    }
  }
  return -1
}

/** How a rejection begins: the same for all that come at about the same time. */
let beginning = { retryMs: -1, bytes: Buffer.alloc(0) }

function pushRejection(outbox: Outbox, data: Buffer, from: number, end: number, retryMs: number): void {
  if (beginning.retryMs !== retryMs) {
    const fields = { type: 'rejected', request: 'send', code: 'overloaded', message: OVERLOADED, retryMs }
    const bytes = Buffer.from(`....${JSON.stringify(fields).slice(0, -1)},`)
    bytes[0] = 0x81
    bytes[1] = 126 // it is longer than 125 bytes whatever the names
    beginning = { retryMs, bytes }
  }
  const { bytes } = beginning
  const length = bytes.length + end - from + 1
  let at = outbox.reserve(length)
  const { out } = outbox
  out.set(bytes, at)
  out.writeUInt16BE(length - 4, at + 2)
  at += bytes.length
  for (let i = from; i < end; i++) out[at++] = data[i]!
  out[at] = BRACE
  outbox.commit(length)
}
