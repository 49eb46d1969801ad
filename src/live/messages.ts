import type { ChatOptions } from '../chat/options.ts'
import type { ChatServerStats } from '../chat/server-stats.ts'
import type { PostStatus, StreamPost } from '../chat/sse/event-stream.ts'
import type { Measurements } from '../fleet/server.ts'
import type { AccessEntry } from '../http/access-log.ts'
import type { RequestHead } from '../http/http-head.ts'
import type { Span } from '../telemetry/span.ts'
import type { Sampling } from '../telemetry/tracer.ts'
import type { FollowRooms } from './rebalance.ts'

/** What the supervisor sends to a server process. A `socket` comes with the connection's handle. */
export type ToServer =
  /** `access`: whether it reports each connection for the access log; `sampling`: what it traces, if anything. */
  | { type: 'start'; server: number; options: ChatOptions; access: boolean; sampling?: Sampling | undefined }
  /** `rest` are the bytes that came after the head, in base64; `ip` is the client's address. */
  | { type: 'socket'; ticket: number; request: RequestHead; rest: string; ip: string }
  /** What a client of an event stream sends. */
  | { type: 'post'; ticket: number; id: string; post: StreamPost }
  /** What changes without a restart. */
  | { type: 'configure'; options: ChatOptions }
  | { type: 'rebalance'; count: number; to: number; seconds: number }
  | FollowRooms
  | { type: 'drain'; seconds: number }
  | { type: 'stop' }

export interface ServerReport extends ChatServerStats, Measurements {
  /** Sockets accepted so far. */
  readonly accepted: number
  /** Seconds of busy event loop so far. */
  readonly loopSeconds: number
  /** Quantiles of the time from receiving to acknowledging since the last report, milliseconds; 0 without messages. */
  readonly latencyP50Ms: number
  readonly latencyP95Ms: number
}

/** What a server process sends to the supervisor. */
export type FromServer =
  | { type: 'ready' }
  | ({ type: 'report' } & ServerReport)
  /** These sockets are the server's now: the supervisor lets go of them. */
  | { type: 'accepted'; tickets: number[] }
  | { type: 'rejected'; tickets: number[] }
  | { type: 'access'; entries: AccessEntry[] }
  | { type: 'warning'; message: string }
  | { type: 'spans'; spans: Span[]; dropped: number }
  | { type: 'posted'; ticket: number; status: PostStatus }
