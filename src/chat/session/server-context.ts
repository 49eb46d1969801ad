import type { RateLimiter } from '../../base/rate-limit.ts'
import type { Tracer } from '../../telemetry/tracer.ts'
import type { AccessControl } from '../access/access-control.ts'
import type { ChatHooks } from '../hooks/hooks.ts'
import type { ChatLink } from '../link.ts'
import type { ChatLimits } from '../options.ts'
import type { HistoryBounds } from '../rooms/history-bounds.ts'
import type { Namespaces } from '../rooms/namespaces.ts'
import type { ReadMarkers } from '../rooms/read-markers.ts'
import type { Rooms } from '../rooms/rooms.ts'
import type { SlowMode } from '../rooms/slow-mode.ts'
import type { WorkSlots } from './work-slots.ts'
import type { WriteBatcher } from './write-batcher.ts'

/** What a connection needs of its server. */
export interface ServerContext {
  readonly server: number
  readonly limits: Required<ChatLimits>
  readonly auth: AccessControl
  /** Messages per second and user, over all its connections to this server. */
  readonly rates: RateLimiter
  readonly namespaces: Namespaces
  readonly historyBounds: HistoryBounds
  readonly slowMode: SlowMode
  readonly readMarkers: ReadMarkers
  readonly slots: WorkSlots | undefined
  readonly hooks: ChatHooks | undefined
  /** Present when messages are traced. */
  readonly tracer: Tracer | undefined
  readonly batcher: WriteBatcher
  readonly link: ChatLink
  readonly rooms: Rooms
  /** The window in which clients should reconnect after a lost connection, milliseconds. */
  retryMs(): [number, number]
  /** A message was acknowledged; `seconds` since it was received. */
  onAcked(seconds: number): void
  /** A handler threw what is no rejection: a mistake in this program. */
  onFailure(error: unknown): void
  /** A hook could not decide. */
  onHookFailure(error: unknown): void
  count(what: 'rejected' | 'lagging' | 'slowClosed' | 'resumed'): void
}
