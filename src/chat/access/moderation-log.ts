import { randomUUID } from 'node:crypto'
import { ConcertinaError } from '../../base/errors.ts'
import { retrying } from '../../base/retrying.ts'
import { Signal } from '../../base/signal.ts'
import { type LogEntry, LogUnavailable, type RoomLog } from '../log/room-log.ts'
import { type ModerationAction, ModerationState } from './moderation.ts'

/** Rooms whose names begin like this are the chat's own: users can neither join them nor send there. */
export const SYSTEM_PREFIX = '$'
const ROOM = `${SYSTEM_PREFIX}moderation`
const PAGE = 500
/** How long a log that starts may not be readable yet. */
const STARTING_SECONDS = 20
/** How often it is looked whether the room log trimmed decisions that still hold. */
const CHECK_MS = 60_000

/** The log of decisions, and what holds by it. Every server of the fleet follows it. */
export class ModerationLog {
  /** Emits every decision made from now on. */
  readonly actions = new Signal<ModerationAction>()
  readonly state = new ModerationState()
  readonly #log: RoomLog
  #at = 0
  /** Place of the oldest entry that may still hold. */
  #oldest = 1
  #timer: NodeJS.Timeout | undefined

  constructor(log: RoomLog) {
    this.#log = log
  }

  /**
   * Reads what was decided so far and follows the log from then on.
   * @param keep one process of the fleet writes decisions that still hold again before the room log trims them
   * @throws {ConcertinaError} LOG_UNAVAILABLE
   */
  async start({ keep = false } = {}): Promise<void> {
    const isTransient = (error: unknown) => error instanceof LogUnavailable
    try {
      await retrying(() => this.#load(), { seconds: STARTING_SECONDS, isTransient })
    } catch (error) {
      if (!isTransient(error)) throw error
      throw new ConcertinaError('LOG_UNAVAILABLE', `the room log cannot be read: ${(error as Error).message}`)
    }
    if (!keep) return
    this.#timer = setInterval(() => void this.#keep().catch(() => {}), CHECK_MS)
    this.#timer.unref()
  }

  async #load(): Promise<void> {
    const early: LogEntry[] = []
    let live = false
    const { head } = await this.#log.subscribe(ROOM, (_, entry) => {
      if (live) this.#apply(entry, true)
      else early.push(entry)
    })
    try {
      while (this.#at < head) {
        const { entries, first } = await this.#log.read(ROOM, this.#at, PAGE)
        this.#oldest = Math.max(this.#oldest, first)
        if (entries.length === 0) break
        for (const entry of entries) this.#apply(entry, false)
      }
    } catch (error) {
      this.#log.unsubscribe(ROOM)
      throw error
    }
    live = true
    for (const entry of early) this.#apply(entry, true)
  }

  #apply({ seq, payload }: LogEntry, live: boolean): void {
    if (seq <= this.#at) return
    this.#at = seq
    const { body } = JSON.parse(payload.toString()) as { body: string }
    const action = JSON.parse(body) as ModerationAction
    this.state.apply(action)
    if (live) this.actions.emit(action)
  }

  /** Resolves when the decision is in the log and holds here. */
  async decide(action: ModerationAction, id: string = randomUUID()): Promise<void> {
    const { seq, duplicate } = await this.#log.append({
      room: ROOM,
      user: SYSTEM_PREFIX,
      id,
      body: JSON.stringify(action),
    })
    // The subscription brings it, too; but the caller must find it in force now.
    if (!duplicate && seq > this.#at) this.state.apply(action)
  }

  /** Writes what still holds again when the oldest entries were trimmed. */
  async #keep(): Promise<void> {
    const { first } = await this.#log.read(ROOM, Number.MAX_SAFE_INTEGER - 1, 1)
    if (first <= this.#oldest) return
    this.#oldest = this.#at + 1
    for (const action of this.state.active()) await this.decide(action)
  }

  close(): void {
    clearInterval(this.#timer)
    this.#log.unsubscribe(ROOM)
  }
}
