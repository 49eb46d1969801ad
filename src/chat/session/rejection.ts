import { ExpectedError } from '../../base/errors.ts'
import type { RejectionCode } from '../../protocol/messages.ts'
import type { Denied } from '../auth/identity.ts'
import { RateLimited } from '../link.ts'
import { LogOverloaded, LogUnavailable } from '../log/room-log.ts'

/** Milliseconds after which what the log could not do may be tried again. */
const LOG_RETRY_MS = 1000
/** The same for a token that cannot be verified yet. */
const AUTH_RETRY_MS = 1000

/** Why a request is not carried out; it is answered by `rejected`. */
export class Rejection extends ExpectedError {
  readonly code: RejectionCode
  /** The same request may succeed after this many milliseconds. */
  readonly retryMs: number | undefined

  constructor(code: RejectionCode, message: string, retryMs?: number) {
    super(message)
    this.code = code
    this.retryMs = retryMs
  }

  /** The rejection that an error of an append or a read means; every other error is returned as it is. */
  static of(error: unknown): unknown {
    if (error instanceof RateLimited) return new Rejection('rate-limited', error.message, error.retryMs)
    if (error instanceof LogOverloaded) return new Rejection('overloaded', error.message, error.retryMs)
    if (error instanceof LogUnavailable) return new Rejection('log-unavailable', error.message, LOG_RETRY_MS)
    return error
  }
}

/** Rejects a request whose token is not accepted. */
export function unauthorized({ denied, retry }: Denied): Rejection {
  return new Rejection('unauthorized', denied, retry ? AUTH_RETRY_MS : undefined)
}
