import { setTimeout as sleep } from 'node:timers/promises'
import { CLOSE } from '../../protocol/close-codes.ts'
import type { Session } from './session.ts'

/** Time in which a user who was asked to move may do so. */
const MOVE_MS = 5000

/** Where users are asked to go: the server of that number, at an address of its own where it has one. */
export interface RebalanceTarget {
  readonly to: number
  readonly url?: string | undefined
}

/** The server that a room is on, and how many users may be sent there now. */
export interface RoomTarget {
  readonly id: number
  readonly free: number
  readonly url?: string | undefined
}

/** Who is asked to move; without a target, to any other server. */
interface Mover {
  readonly session: Session
  readonly target?: RebalanceTarget
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
    const movers = staying.slice(0, count).map((session) => ({ session, target }))
    this.#askToMove(movers, seconds, 'rebalance')
  }

  /**
   * Asks up to `count` users none of whose rooms is on this server to move to that of the room that they joined first, those of one
   * room one after the other.
   * @param server the number of this one
   * @returns how many were asked
   */
  follow(targetOf: (room: string) => RoomTarget, server: number, count: number, seconds: number): number {
    const sent = new Map<number, number>()
    const movers: Mover[] = []
    for (const [room, members] of this.#strangers((each) => targetOf(each).id === server)) {
      const { id, free, url } = targetOf(room)
      const before = sent.get(id) ?? 0
      const going = members.slice(0, Math.max(0, Math.min(count - movers.length, free - before)))
      sent.set(id, before + going.length)
      movers.push(...going.map((session) => ({ session, target: { to: id, url } })))
    }
    this.#askToMove(movers, seconds, 'rebalance')
    return movers.length
  }

  /** By the room that they joined first, users none of whose rooms is here. */
  #strangers(isHere: (room: string) => boolean): Map<string, Session[]> {
    const known = new Map<string, boolean>()
    const here = (room: string) => {
      const answer = known.get(room) ?? isHere(room)
      known.set(room, answer)
      return answer
    }
    const byRoom = new Map<string, Session[]>()
    for (const session of this.#sessions) {
      if (this.#leaving.has(session)) continue
      const rooms = [...session.rooms]
      const [first] = rooms
      if (first === undefined || rooms.some(here)) continue
      const members = byRoom.get(first)
      if (members) members.push(session)
      else byRoom.set(first, [session])
    }
    return byRoom
  }

  /**
   * Asks every user to move, spread over `seconds`; closes those who stay at the same pace after that. Resolves when
   * no user is left and `isDone`.
   */
  async drain(seconds: number, isDone: () => boolean): Promise<void> {
    const sessions = this.#sessions
    const movers = [...sessions].map((session) => ({ session }))
    this.#askToMove(movers, seconds, 'drain')
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

  #askToMove(movers: readonly Mover[], seconds: number, reason: 'drain' | 'rebalance'): void {
    for (const [i, { session, target }] of movers.entries()) {
      const afterMs = Math.round((i / movers.length) * seconds * 1000)
      session.send({ type: 'move', afterMs, reason, ...target })
      setTimeout(() => this.#leaves(session), afterMs)
    }
  }

  /** It is counted where it goes from now on; if it does not go, here again after a while. */
  #leaves(session: Session): void {
    if (!this.#sessions.has(session)) return
    this.#leaving.add(session)
    setTimeout(() => this.#stays(session), MOVE_MS)
  }

  /** It did not go: the others are asked before it is again. */
  #stays(session: Session): void {
    this.#leaving.delete(session)
    if (this.#sessions.delete(session)) this.#sessions.add(session)
  }
}
