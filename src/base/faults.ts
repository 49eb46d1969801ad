import { messageOf } from './errors.ts'
import type { Logger } from './logger.ts'
import { onceAMinute } from './once-a-minute.ts'

/** Errors thrown by policies, listeners, operators and room logs, which the chat survives: logged, and counted by where they happened. */
export class Faults {
  readonly counts = new Map<string, number>()
  readonly #logger: Logger
  readonly #what: string
  readonly #isNew = onceAMinute()

  /** @param what continues in spite of them */
  constructor(logger: Logger, what: 'fleet' | 'chat' = 'fleet') {
    this.#logger = logger
    this.#what = what
  }

  /** The same function, which neither throws nor rejects. */
  guard<A extends unknown[]>(where: string, call: (...args: A) => unknown): (...args: A) => void {
    return (...args) => {
      const report = (error: unknown) => this.report(where, error)
      try {
        const returned = call(...args)
        if (returned instanceof Promise) returned.catch(report)
      } catch (error) {
        report(error)
      }
    }
  }

  readonly report = (where: string, error: unknown): void => {
    const count = (this.counts.get(where) ?? 0) + 1
    this.counts.set(where, count)
    if (!this.#isNew(where)) return
    this.#logger.error(`An error in ${where}: ${messageOf(error)}; the ${this.#what} continues`, {
      where,
      count,
      error: error instanceof Error ? error.stack : messageOf(error),
    })
  }
}
