import type { RequestOptions } from '../base/requests.ts'
import type { Cursor, MessageData, PresenceEvent, RoomMessage } from '../protocol/messages.ts'
import type { ChatErrorCode } from './chat-error.ts'
import type { JoinedRoom } from './client-room.ts'
import type { ConnectionStatus } from './close-cause.ts'
import type { Token } from './token-source.ts'
import type { Transport } from './transport.ts'

/** Options of a client. */
export interface ChatClientOptions {
  /** `ws://` or `wss://` address of the chat. */
  url: string
  /** Name of an anonymous user, where the chat accepts such. */
  user?: string
  /** A token, or what gets a fresh one; called for every connection and before a token expires. */
  token?: Token
  /** Milliseconds without an answer to a message after which the connection is given up; default 10,000. */
  ackMs?: number
  /** Milliseconds that `join` and `send` may take, over however many connections; default 60,000. */
  timeoutMs?: number
  /** Messages of a room that may wait for a connection or an answer; more are rejected with `queue-full`. Default 1,000. */
  maxQueued?: number
  /**
   * How to connect. Default `auto`: by WebSocket, and where none comes through by server-sent events and requests (`sse`), in
   * browsers and in Node.
   */
  transport?: Transport | 'auto'
  /** Milliseconds after which a client that fell back tries a WebSocket, twice as long after each failure; default 60,000. */
  webSocketAgainMs?: number
  /** Closes the client when it is aborted. */
  signal?: AbortSignal
  /** Numbers in [0, 1) for the time to wait before connecting again; default `Math.random`. */
  random?: () => number
}

/** What a client emits, by name. */
export interface ChatClientEvents {
  /** A message of a joined room: each once, in order. */
  message: RoomMessage
  /** These messages of the room will never come. */
  gap: { room: string; from: number; to: number }
  presence: PresenceEvent
  typing: { room: string; user: string }
  status: ConnectionStatus
  /**
   * A room is joined, again on another connection, too: at this place, with these members now. After `reset` the room was
   * begun again: what came between the last message and this place is unknown.
   */
  resumed: JoinedRoom & { cursor: Cursor; reset: boolean }
  /** The server rejected something that no promise is about, a room has no token now, or a listener threw (`listener-failed`). */
  error: { code: ChatErrorCode | 'listener-failed'; message: string; room?: string; cause?: unknown }
}

/** Options of one message. */
export interface SendOptions extends RequestOptions {
  /** What the app keeps with the message: a JSON object of at most 2,048 bytes. */
  data?: MessageData
}

/** Older messages of a room. */
export interface OlderMessages {
  /** The oldest first. */
  readonly messages: readonly RoomMessage[]
  /** The oldest place that the room still has. */
  readonly first: number
}
