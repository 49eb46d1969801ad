import { messageOf, shown } from '../../base/errors.ts'
import type { Faults } from '../../base/faults.ts'
import { inTime } from '../../base/in-time.ts'
import { ForwardingLog } from './forwarding-log.ts'
import {
  type Append,
  type Appended,
  type LogPage,
  LogUnavailable,
  type RoomListener,
  type RoomLog,
  type RoomRange,
} from './room-log.ts'

/** Milliseconds that an answer may take; then it counts as failed. */
const ANSWER_MS = 10_000

const isPlace = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0
const isAppended = (answer: Appended) => isPlace(answer?.seq)
const isRange = (answer: RoomRange) => isPlace(answer?.first) && isPlace(answer?.head)
const isPage = (answer: LogPage) => isRange(answer) && Array.isArray(answer.entries)

/** A room log that an app made: it may throw, answer what is not an answer, or not at all, and each is a failure of one request. */
export class GivenLog extends ForwardingLog {
  readonly #faults: Faults

  constructor(log: RoomLog, faults: Faults) {
    super(log)
    this.#faults = faults
  }

  override append(message: Append): Promise<Appended> {
    return this.#ask('append', () => super.append(message), isAppended)
  }

  override read(room: string, after: number, limit: number): Promise<LogPage> {
    return this.#ask('read', () => super.read(room, after, limit), isPage)
  }

  override readBefore(room: string, before: number, limit: number): Promise<LogPage> {
    return this.#ask('readBefore', () => super.readBefore(room, before, limit), isPage)
  }

  override subscribe(room: string, listener: RoomListener): Promise<RoomRange> {
    return this.#ask('subscribe', () => super.subscribe(room, listener), isRange)
  }

  override unsubscribe(room: string): void {
    this.#faults.guard(faultOf('unsubscribe'), () => this.log.unsubscribe(room))()
  }

  override async close(): Promise<void> {
    await inTime(super.close(), ANSWER_MS)
  }

  /** @throws {LogUnavailable} */
  async #ask<T>(method: string, ask: () => Promise<T>, isAnswer: (answer: T) => boolean): Promise<T> {
    try {
      const answer = await inTime(ask(), ANSWER_MS)
      if (!isAnswer(answer)) throw new Error(`${shown(answer)} is not an answer`)
      return answer
    } catch (error) {
      if (error instanceof LogUnavailable) throw error
      this.#faults.report(faultOf(method), error)
      throw new LogUnavailable(messageOf(error))
    }
  }
}

const faultOf = (method: string) => `the room log (${method})`
