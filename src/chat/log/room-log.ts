import { ExpectedError } from '../../base/errors.ts'
import type { Durability, MessageExtras } from '../../protocol/messages.ts'

/** A message to be appended. */
export interface Append {
  readonly room: string
  readonly user: string
  /** The sender's own name of the message; `(room, user, id)` is appended once. */
  readonly id: string
  readonly body: string
  readonly extras?: MessageExtras | undefined
}

/** What became of an append. */
export interface Appended {
  /** Its place; for a repeated append, the place it has already. */
  readonly seq: number
  readonly duplicate: boolean
}

/** A message of a room's log: its place, and the JSON of its `RoomMessage`. */
export interface LogEntry {
  readonly seq: number
  /** The place before it: a reader whose cursor is below it misses what was between the two. */
  readonly prevSeq: number
  readonly payload: Buffer
}

/** The part of a room's log that can be read: `first`–`head`; `first` is `head + 1` when there is nothing. */
export interface RoomRange {
  readonly first: number
  readonly head: number
}

/** A part of a room. */
export interface LogPage extends RoomRange {
  /** In order. Places need not be consecutive: what is missing shows in `prevSeq`. */
  readonly entries: readonly LogEntry[]
}

/** Receives each entry of a room right after it was appended, in order, none left out. */
export type RoomListener = (room: string, entry: LogEntry) => void

/**
 * Where rooms are kept: one append-only log per room. The contract, which `roomLogChecks` checks of every implementation:
 *
 * 1. `append` resolves when the message is as durable as `durability` says, with its place in the room.
 * 2. Places rise, in one order for all readers, and need not be consecutive. `prevSeq` of an entry is the place of the
 *    message before it (0 for the first), or a higher place that was given to no message when messages before it were lost.
 *    No place is given twice under one `epoch`.
 * 3. The same `(room, user, id)` again resolves with the first place, as long as the log remembers it (at least the last
 *    500,000 messages), also when both are in flight at once.
 * 4. Only what is acknowledged can be read or reaches subscribers; it never changes and never goes, except from the
 *    oldest end when the log is trimmed, which raises `first`.
 * 5. A subscriber receives every entry after the `head` that `subscribe` resolved with.
 * 6. An append that could not be kept rejects with `LogUnavailable`, gets no place, and reads continue. Beyond what the log
 *    can take in time it rejects at once with `LogOverloaded`: nothing waits without bound.
 */
export interface RoomLog {
  /** Names this log's life: places of another epoch mean nothing here. */
  readonly epoch: string
  readonly durability: Durability
  append(message: Append): Promise<Appended>
  /**
   * Up to `limit` entries after the place `after`, and up to about 256 KiB: there may be fewer though more follow. Where `after` was
   * acknowledged, by whichever process, `head` is not below it: what this process does not know yet is asked for.
   */
  read(room: string, after: number, limit: number): Promise<LogPage>
  /** The newest entries before the place `before`, in order; the same bounds. Any `before` beyond the head means the end. */
  readBefore(room: string, before: number, limit: number): Promise<LogPage>
  /** Passes what is appended to `room` from now on to `listener`. One listener per room. */
  subscribe(room: string, listener: RoomListener): Promise<RoomRange>
  unsubscribe(room: string): void
  close(): Promise<void>
}

/** The log cannot take messages now (a full or broken disk, a lost connection); reads may still work. */
export class LogUnavailable extends ExpectedError {
  override readonly name: string = 'LogUnavailable'
}

/** More is in flight than the log takes in time; the same append may be tried again after `retryMs`. */
export class LogOverloaded extends LogUnavailable {
  override readonly name = 'LogOverloaded'
  readonly retryMs: number

  constructor(message: string, retryMs: number) {
    super(message)
    this.retryMs = retryMs
  }
}

/** How the JSON of the message at a place begins. */
export const messageStart = (room: string, seq: number): string =>
  `{"type":"message","room":${JSON.stringify(room)},"seq":${seq},`

/** The JSON that the log keeps and members get. */
export function messageJson(message: Append, seq: number, time: number, prevSeq = seq - 1): string {
  const { room, user, id, body, extras } = message
  const more = extras === undefined ? '' : JSON.stringify(extras).slice(1, -1)
  return (
    `${messageStart(room, seq)}"prevSeq":${prevSeq},` +
    `"user":${JSON.stringify(user)},"id":${JSON.stringify(id)},"body":${JSON.stringify(body)},"time":${time}${more && `,${more}`}}`
  )
}

/** The same as bytes. */
export function encodeMessage(message: Append, seq: number, time: number, prevSeq?: number): Buffer {
  return Buffer.from(messageJson(message, seq, time, prevSeq))
}

/** Bytes of one page, more or less. */
export const PAGE_BYTES = 256 * 1024
