import type { DrainHooks, ServerRef } from '../../provider.ts'
import type { AutoScalingGroup } from './group.ts'
import type { Retry } from './retry.ts'

/** An instance as the fleet knows it. */
export interface KnownInstance {
  state: 'starting' | 'ready' | 'draining'
  /** Whether it counts in the desired capacity: not when it is leaving, killed or ended. */
  counts: boolean
  killed: boolean
  /** When it was last listed. */
  seenAt: number
  /** Whether a check that it serves is in flight. */
  checking: boolean
  /** When it was first found in service without serving; `Infinity` once that was reported. */
  idleSince: number | undefined
}

interface InstanceRemovalOptions {
  readonly known: ReadonlyMap<ServerRef, KnownInstance>
  readonly group: AutoScalingGroup
  readonly retry: Retry
  readonly hooks: DrainHooks
  /** Seconds between two heartbeats of a lifecycle hook that holds an instance. */
  readonly heartbeatSeconds: number
  readonly signal: AbortSignal
  /** Called when a chosen instance ends, and the group desires one fewer. */
  readonly onRemoved: () => void
  /** Called when an instance is part of the fleet again, because AWS would not end it. */
  readonly onTakenBack: (ref: ServerRef, instance: KnownInstance, wasReady: boolean) => void
  readonly onProblem: (reason: string) => void
}

/** Empties instances before they end: those that the fleet chose, and those that AWS ends of its own accord. */
export class InstanceRemoval {
  readonly #options: InstanceRemovalOptions
  readonly #emptied = new Set<ServerRef>()
  /** Instances that a lifecycle hook of the group holds. */
  readonly #holding = new Set<ServerRef>()

  constructor(options: InstanceRemovalOptions) {
    this.#options = options
  }

  /** Drains a chosen instance and ends it, with the desired capacity lower by one. */
  async remove(ref: ServerRef, instance: KnownInstance, wasReady: boolean): Promise<void> {
    const { known, hooks, signal, onRemoved, onTakenBack } = this.#options
    const counts = () => !signal.aborted && known.get(ref) === instance && instance.counts
    if (wasReady) await this.#empty(ref)
    if (!counts()) return
    this.#emptied.add(ref)
    if (await this.terminate(ref, true)) {
      instance.counts = false
      onRemoved()
    } else if (counts()) {
      hooks.restore?.(ref)
      this.#emptied.delete(ref)
      onTakenBack(ref, instance, wasReady)
    }
  }

  /** Empties an instance that lifecycle hooks hold, asking for time until it is empty, then lets it end. */
  async release(ref: ServerRef, lifecycleHooks: readonly string[]): Promise<void> {
    if (this.#holding.has(ref)) return
    this.#holding.add(ref)
    const { group, retry, heartbeatSeconds, signal, onProblem } = this.#options
    const beat = () => {
      for (const hook of lifecycleHooks) {
        group.heartbeat(hook, ref).catch((error: Error) => onProblem(`cannot hold ${ref}: ${error.message}`))
      }
    }
    const timer = setInterval(beat, heartbeatSeconds * 1000)
    if (!this.#emptied.has(ref)) await this.#empty(ref)
    clearInterval(timer)
    if (signal.aborted) return // the next controller continues
    for (const hook of lifecycleHooks) {
      await retry(`cannot let ${ref} end`, () => group.complete(hook, ref))
    }
  }

  /** Ends an instance once, though the answer to a first try may have been lost. Resolves whether it ends. */
  async terminate(ref: ServerRef, decrement: boolean): Promise<boolean> {
    const { group, retry } = this.#options
    let tried = false
    return retry(`cannot end ${ref}`, async () => {
      if (tried) {
        const instance = (await group.describe())?.instances.find(({ id }) => id === ref)
        if (!instance || instance.state.startsWith('Terminat')) return
      }
      tried = true
      await group.terminate(ref, decrement)
    })
  }

  /** To be called when an instance is gone. */
  forget(ref: ServerRef): void {
    this.#emptied.delete(ref)
    this.#holding.delete(ref)
  }

  async #empty(ref: ServerRef): Promise<void> {
    const { hooks, signal, onProblem } = this.#options
    try {
      await hooks.empty?.(ref, signal)
    } catch (error) {
      onProblem(`cannot drain ${ref}: ${(error as Error).message}`)
    }
  }
}
