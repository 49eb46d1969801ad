import type { Logger } from '../base/logger.ts'

/** Seconds in which an error at the same place is logged once. */
const LOG_SECONDS = 60

/** Errors thrown by policies, listeners and operators, which the fleet survives: logged, and counted by where they happened. */
export class Faults {
  readonly counts = new Map<string, number>()
  readonly #logger: Logger
  readonly #logged = new Map<string, number>()

  constructor(logger: Logger) {
    this.#logger = logger
  }

  readonly report = (where: string, error: unknown): void => {
    const count = (this.counts.get(where) ?? 0) + 1
    this.counts.set(where, count)
    const now = performance.now() / 1000
    if (now - (this.#logged.get(where) ?? Number.NEGATIVE_INFINITY) < LOG_SECONDS) return
    this.#logged.set(where, now)
    const message = error instanceof Error ? error.message : String(error)
    this.#logger.error(`An error in ${where}: ${message}; the fleet continues`, {
      where,
      count,
      error: error instanceof Error ? error.stack : String(error),
    })
  }
}
