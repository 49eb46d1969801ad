import { setTimeout as sleep } from 'node:timers/promises'
import { CLOSE } from '../../protocol/close-codes.ts'
import type { ServerMessage } from '../../protocol/messages.ts'
import type { Session } from './session.ts'

/** Time in which a user who was asked to move may do so. */
const MOVE_MS = 5000

/** Where users are asked to go: the server of that number, at an address of its own where it has one. */
export interface RebalanceTarget {
  readonly to: number
  readonly url?: string | undefined
}

/** Asks the users of a chat server to move to others: some of them, or all before it ends. */
export class SessionMoves {
  readonly #sessions: Set<Session>
  /** Connections that are due to go elsewhere. */
  readonly #leaving = new Set<Session>()

  /** @param sessions those of the server */
  constructor(sessions: Set<Session>) {
    this.#sessions = sessions
  }

  /** Connections that were asked to go elsewhere, and are still here. */
  get leaving(): number {
    return this.#leaving.size
  }

  /** To be called when a connection has ended. */
  forget(session: Session): void {
    this.#leaving.delete(session)
  }

  /** Asks up to `count` users to move to another server, spread over `seconds`. */
  rebalance(count: number, target: RebalanceTarget, seconds: number): void {
    const staying = [...this.#sessions].filter((each) => each.user !== undefined && !this.#leaving.has(each))
    this.#askToMove(staying.slice(0, count), seconds, (afterMs) => ({
      type: 'move',
      afterMs,
      reason: 'rebalance',
      ...target,
    }))
  }

  /**
   * Asks every user to move, spread over `seconds`; closes those who stay at the same pace after that. Resolves when
   * no user is left and `isDone`.
   */
  async drain(seconds: number, isDone: () => boolean): Promise<void> {
    const sessions = this.#sessions
    this.#askToMove([...sessions], seconds, (afterMs) => ({ type: 'move', afterMs, reason: 'drain' }))
    const until = performance.now() + seconds * 1000 + MOVE_MS
    while (sessions.size > 0 && performance.now() < until) await sleep(20)
    const atMost = Math.min(5, (5000 / Math.max(1, sessions.size)) | 0)
    while (sessions.size > 0 || !isDone()) {
      const [next] = sessions
      next?.close(CLOSE.restart, 'server is shutting down')
      if (next) sessions.delete(next)
      await sleep(next ? atMost : 20)
    }
  }

  #askToMove(movers: readonly Session[], seconds: number, ask: (afterMs: number) => ServerMessage): void {
    for (const [i, session] of movers.entries()) {
      const afterMs = Math.round((i / movers.length) * seconds * 1000)
      session.send(ask(afterMs))
      setTimeout(() => this.#leaves(session), afterMs)
    }
  }

  /** It is counted where it goes from now on; if it does not go, here again after a while. */
  #leaves(session: Session): void {
    if (!this.#sessions.has(session)) return
    this.#leaving.add(session)
    setTimeout(() => this.#leaving.delete(session), MOVE_MS)
  }
}
