/**
 * The messages between a chat client and a chat server, one JSON object per WebSocket text frame.
 * `docs/protocol.md` has the rules by number; tests cite them.
 */

export const PROTOCOL_VERSION = 1

/** How safe an acknowledged message is: in memory, on this machine's disk, or on several machines. */
export type Durability = 'memory' | 'disk' | 'replicated'

/** A place in a room's log: everything up to and including `seq` was received. `epoch` names the log's life. */
export interface Cursor {
  readonly epoch: string
  readonly seq: number
}

/** What a client may ask for. The answer repeats the `id`, and so does a rejection. */
interface Request {
  /** 1 to 64 characters, chosen by the client, different among the requests that are in flight. */
  id?: string
}

/** The first request of a connection. */
export interface HelloRequest extends Request {
  type: 'hello'
  version: number
  /** Who the user is; or, where the chat accepts anonymous users, a name instead. */
  token?: string
  user?: string
}

/** A newer token for the same user. */
export interface AuthRequest extends Request {
  type: 'auth'
  token: string
}

/** `cursor` resumes; without it, or when it cannot be resumed, the last `history` messages come first. */
export interface JoinRequest extends Request {
  type: 'join'
  room: string
  /** Admits the user to this room, whatever the token of `hello` allows. */
  token?: string
  cursor?: Cursor
  history?: number
}

interface LeaveRequest extends Request {
  type: 'leave'
  room: string
}

/** What an app keeps with a message: its own JSON object, within `MAX_DATA_BYTES`. */
export type MessageData = Readonly<Record<string, unknown>>

/** `id` also names the message for good: sent again, it is acknowledged again and is in the room once. */
export interface SendRequest extends Request {
  type: 'send'
  room: string
  id: string
  body: string
  data?: MessageData
}

/** Replaces the body and the data of the user's own message at the place `seq`. */
export interface EditRequest extends Request {
  type: 'edit'
  room: string
  id: string
  seq: number
  body: string
  data?: MessageData
}

/** Deletes the user's own message at the place `seq`. */
export interface DeleteRequest extends Request {
  type: 'delete'
  room: string
  id: string
  seq: number
}

/** The user is typing. */
export interface TypingRequest extends Request {
  type: 'typing'
  room: string
}

/** Shows another user this room: its personal room gets a message with `data.invitation`. */
export interface InviteRequest extends Request {
  type: 'invite'
  room: string
  id: string
  user: string
}

/** The user has read the room up to the place `seq`. */
export interface MarkRequest extends Request {
  type: 'mark'
  room: string
  seq: number
}

/** How much of these rooms the user has not read yet. */
export interface UnreadRequest extends Request {
  type: 'unread'
  rooms: readonly string[]
}

/** Older messages: the newest `limit` before the place `before`. */
export interface HistoryRequest extends Request {
  type: 'history'
  room: string
  before: number
  limit: number
}

/** Proves that the connection works in both directions. */
interface PingRequest extends Request {
  type: 'ping'
}

export type ClientMessage =
  | HelloRequest
  | AuthRequest
  | JoinRequest
  | LeaveRequest
  | SendRequest
  | EditRequest
  | DeleteRequest
  | TypingRequest
  | InviteRequest
  | MarkRequest
  | UnreadRequest
  | HistoryRequest
  | PingRequest

export type RequestType = ClientMessage['type']

/** What a message may have beside its body. */
export interface MessageExtras {
  readonly data?: MessageData | undefined
  /** This is an edit: body and data replace those of the message at that place. */
  readonly edits?: number | undefined
  /** This deletes the message at that place; its own body is empty. */
  readonly deletes?: number | undefined
}

/** A message as it is in the room's log, and as every member receives it. */
export interface RoomMessage extends MessageExtras {
  readonly type: 'message'
  readonly room: string
  /** Place in the room; places rise, and need not be consecutive. */
  readonly seq: number
  /** Place of the message before it, 0 for the first; a client that has not received that one has a gap. */
  readonly prevSeq: number
  readonly user: string
  readonly id: string
  readonly body: string
  /** When it was appended, milliseconds since 1970. */
  readonly time: number
  /** It was deleted: body and data are gone, its place stays. */
  readonly deleted?: true
  /** In history: body and data are those of the edit at that place. */
  readonly editedAt?: number
}

/** Answers `hello`. */
export interface Welcome {
  type: 'welcome'
  id?: string | undefined
  version: number
  user: string
  /** The server's number in its fleet. */
  server: number
  durability: Durability
  /** After a lost connection wait a random time of this window before the next one, doubled with every failure. */
  retryMs: [number, number]
  /** A client that received nothing for this long sends `ping`, and gives the connection up when nothing follows. */
  heartbeatMs: number
  maxBodyBytes: number
  /** When the token expires, milliseconds from now. */
  expiresInMs?: number | undefined
}

/** Answers `auth`. */
interface Authenticated {
  type: 'authenticated'
  id?: string | undefined
  expiresInMs?: number | undefined
}

/** Answers `join`. Messages after `cursor` follow. */
export interface Joined {
  type: 'joined'
  id?: string | undefined
  room: string
  cursor: Cursor
  /** The given cursor could not be resumed: what came between it and this one is unknown. */
  reset?: true | undefined
  /** The room's last place now. */
  head: number
  members: number
  /** Absent in large rooms. */
  users?: string[] | undefined
  /** When the token of the room expires, milliseconds from now. */
  expiresInMs?: number | undefined
}

/** Answers `leave`; with a `code` the server ended the membership. */
interface Left {
  type: 'left'
  id?: string | undefined
  room: string
  code?: RejectionCode
  message?: string
}

/** Answers `send`, `edit`, `delete` and `invite`; the place is the one of the new entry (an invitation's, in the personal room). */
export interface SendAck {
  type: 'ack'
  id: string
  room: string
  seq: number
  durability: Durability
}

/** What a user has not read of a room; counts beyond 100 are 100. */
export interface UnreadRoom {
  readonly room: string
  /** Up to here it was read; 0 when it was never marked. */
  readonly read: number
  /** The room's last place now. */
  readonly head: number
  /** Messages of others after that, without reactions. */
  readonly unread: number
  /** Those of them that mention the user. */
  readonly mentions: number
}

/** Answers `unread`. */
export interface UnreadRooms {
  type: 'unread'
  id?: string | undefined
  rooms: UnreadRoom[]
}

/** Answers `history`, the oldest message first. */
export interface HistoryPage {
  type: 'history'
  id?: string | undefined
  room: string
  messages: RoomMessage[]
  /** The oldest place that the room still has. */
  first: number
}

/** Answers `typing` and `mark`. */
interface Ok {
  type: 'ok'
  id?: string | undefined
}

/** Answers `ping`. */
interface Pong {
  type: 'pong'
  id?: string | undefined
}

/** What each request is answered by, unless it is rejected. */
export interface Answers {
  hello: Welcome
  auth: Authenticated
  join: Joined
  leave: Left
  send: SendAck
  edit: SendAck
  delete: SendAck
  typing: Ok
  invite: SendAck
  mark: Ok
  unread: UnreadRooms
  history: HistoryPage
  ping: Pong
}

/** The request was not carried out. With `retryMs` the same request may be sent again after that time. */
interface Rejected {
  type: 'rejected'
  id?: string | undefined
  request: RequestType
  room?: string | undefined
  code: RejectionCode
  message: string
  retryMs?: number | undefined
}

/** Who came and went, or all `users`; only the number in a large room. */
export interface PresenceEvent {
  type: 'presence'
  room: string
  members: number
  joined?: string[]
  left?: string[]
  users?: string[]
}

export type ServerMessage =
  | Answers[RequestType]
  | Rejected
  | RoomMessage
  /** The messages `from` to `to` will not come: the log no longer has them. */
  | { type: 'gap'; room: string; from: number; to: number }
  /** You read too slowly: pushing stopped, and the messages `from` to `to` now come from the log. */
  | { type: 'lagging'; room: string; from: number; to: number }
  | PresenceEvent
  | { type: 'typing'; room: string; user: string }
  /**
   * Open another connection `afterMs` from now, resume there, then close this one. `to` goes into its query; it goes to `url`
   * where that is given.
   */
  | { type: 'move'; afterMs: number; reason: 'drain' | 'rebalance'; to?: number; url?: string }
  /** A frame that is not a request, so that there is no id to answer to. */
  | { type: 'error'; code: 'bad-message'; message: string }

/** Why a request was rejected. */
export type RejectionCode =
  | 'bad-message'
  | 'not-joined'
  | 'not-found'
  | 'forbidden'
  | 'unauthorized'
  | 'too-many-rooms'
  | 'room-full'
  | 'too-large'
  | 'rate-limited'
  | 'overloaded'
  | 'log-unavailable'
  | 'internal'
