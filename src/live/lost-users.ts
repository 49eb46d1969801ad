import { reasons } from '../scaling/reasons.ts'

/** Checks, half a second each, for which a user who lost the connection is expected to reconnect: as long as a client waits. */
const EXPECTED_CHECKS = 60
const CHECK_MS = 500
/** A loss that matters: at least this many users, and this share of all. */
const LEAST_USERS = 3
const LEAST_SHARE = 0.1

interface Loss {
  readonly check: number
  readonly users: number
  /** Users before it. */
  readonly before: number
}

/**
 * Users whose connections broke off without a goodbye: a proxy that restarts, a network that is away, a server that died. They
 * reconnect within half a minute; until then their absence does not count as less load. Time is counted in checks made here: while the
 * machine is paused, they cannot reconnect.
 */
export class LostUsers {
  #check = 0
  #losses: Loss[] = []
  #timer: NodeJS.Timeout | undefined

  /** @param remaining users who are here after the loss */
  add(users: number, remaining: number): void {
    if (users <= 0) return
    this.#losses.push({ check: this.#check, users, before: remaining + users })
    this.#timer ??= setInterval(() => this.#forget(), CHECK_MS).unref()
  }

  /** How many users are missing, in words, while those who were lost may still reconnect. */
  missing(load: number): string | undefined {
    const lost = this.#losses.reduce((sum, { users }) => sum + users, 0)
    const before = Math.max(0, ...this.#losses.map((loss) => loss.before))
    if (lost < Math.max(LEAST_USERS, LEAST_SHARE * before) || load >= (1 - LEAST_SHARE) * before)
      return undefined
    return reasons.say('lost', { lost: Math.min(lost, before - load), before })
  }

  close(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#losses = []
  }

  #forget(): void {
    this.#check++
    this.#losses = this.#losses.filter(({ check }) => check > this.#check - EXPECTED_CHECKS)
    if (this.#losses.length === 0) this.close()
  }
}
