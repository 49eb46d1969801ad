import type { ServerRef } from '../../provider.ts'

interface DeletionCostsOptions {
  /** Writes the cost of a pod. */
  set: (ref: ServerRef, cost: number) => Promise<void>
  /** Whether a pod serves at this very moment: the cost of one that is drained is not touched. */
  isServing: (ref: ServerRef) => boolean
  onProblem: (reason: string) => void
}

/** Writes in one round, since every watcher of pods receives each of them. */
const MAX_WRITES = 20
/** A number of users that has changed by no more than this share is not written again. */
const DEADBAND = 0.1

/**
 * Keeps the deletion cost of pods near the number of their users, so that the emptiest one goes when another controller
 * scales in. Nothing is written while all have the same number: only the order counts.
 */
export class DeletionCosts {
  readonly #options: DeletionCostsOptions
  readonly #written = new Map<ServerRef, number>()
  #round: Promise<void> = Promise.resolve()

  constructor(options: DeletionCostsOptions) {
    this.#options = options
  }

  /** @param users of every pod that serves */
  update(users: ReadonlyMap<ServerRef, number>): void {
    this.#round = this.#round.then(() => this.#update(users))
  }

  /** Resolves when no write is in flight; a pod that does not serve gets none after that. */
  settled(): Promise<void> {
    return this.#round
  }

  /** The cost of this pod is no longer known. */
  forget(ref: ServerRef): void {
    this.#written.delete(ref)
  }

  async #update(users: ReadonlyMap<ServerRef, number>): Promise<void> {
    for (const ref of this.#written.keys()) if (!users.has(ref)) this.forget(ref)
    const costs = [...users].map(([ref, count]) => [ref, Math.round(count)] as const)
    if (costs.every(([, cost]) => cost === costs[0]![1])) return
    const stale = costs.filter(([ref, cost]) => {
      const written = this.#written.get(ref)
      return written === undefined || Math.abs(cost - written) > DEADBAND * Math.max(cost, written)
    })
    // A pod without a cost counts as 0: those that are worth most must not be left without one.
    stale.sort(([, a], [, b]) => b - a)
    for (const [ref, cost] of stale.slice(0, MAX_WRITES)) {
      if (!this.#options.isServing(ref)) continue
      try {
        await this.#options.set(ref, cost)
        this.#written.set(ref, cost)
      } catch (error) {
        this.#options.onProblem(`cannot set the deletion cost of pod ${ref}: ${(error as Error).message}`)
        return
      }
    }
  }
}
