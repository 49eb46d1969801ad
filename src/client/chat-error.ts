import type { RejectionCode } from '../protocol/messages.ts'

/** What a chat client's promises reject with; beside these, an aborted signal's own reason and `TimeoutError`. */
export type ChatErrorCode =
  | RejectionCode
  /** An argument breaks a rule of the protocol; nothing was sent. */
  | 'invalid'
  /** The room is not joined on this client. */
  | 'left'
  /** There is no connection, or it was lost before the answer. */
  | 'disconnected'
  /** The client was closed. */
  | 'closed'
  /** Too many messages wait for a connection. */
  | 'queue-full'

export class ChatError extends Error {
  override readonly name = 'ChatError'
  readonly code: ChatErrorCode
  /** The same request may succeed after this many milliseconds. */
  readonly retryMs: number | undefined

  constructor(code: ChatErrorCode, message: string, retryMs?: number) {
    super(message)
    this.code = code
    this.retryMs = retryMs
  }
}
