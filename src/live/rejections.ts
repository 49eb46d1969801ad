import { type AccessEntry, accessEntry } from '../http/access-log.ts'
import type { Deadlines } from '../http/deadlines.ts'
import { type RawSocket, rejectRaw } from '../http/raw-socket.ts'
import type { Visit } from './handoffs.ts'
import { REJECTIONS, type RejectionReason } from './rejection-log.ts'

/** Seconds to take a rejection. */
const REJECTED_SECONDS = 2

export interface RejectionListeners {
  /** Called for each rejection, with what it was about where that helps. */
  readonly onRejected?: (why: RejectionReason, detail?: string) => void
  /** Called with each rejection, for the access log. */
  readonly onAccess?: ((entry: AccessEntry) => void) | undefined
}

/** Rejects connections, and counts and reports each rejection. */
export class Rejections {
  readonly #deadlines: Deadlines
  readonly #release: () => void
  readonly #listeners: RejectionListeners
  readonly counts = Object.fromEntries(Object.keys(REJECTIONS).map((why) => [why, 0])) as Record<
    RejectionReason,
    number
  >

  /** @param release to be called when a connection's descriptor is free */
  constructor(deadlines: Deadlines, release: () => void, listeners: RejectionListeners) {
    this.#deadlines = deadlines
    this.#release = release
    this.#listeners = listeners
  }

  /** Answers with the status of the rejection, and closes. */
  reject(raw: RawSocket, why: RejectionReason, visit: Visit, detail?: string): void {
    this.count(why, visit, detail)
    this.#deadlines.set(rejectRaw(raw, REJECTIONS[why], this.#release), REJECTED_SECONDS)
  }

  /** Counts a connection that is closed without an answer. */
  count(why: RejectionReason, { ip, head }: Visit, detail?: string): void {
    this.counts[why]++
    this.#listeners.onRejected?.(why, detail)
    this.#listeners.onAccess?.(
      accessEntry(ip, head, { status: Number.parseInt(REJECTIONS[why], 10), reason: why }),
    )
  }
}
