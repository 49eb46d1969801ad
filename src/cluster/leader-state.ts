import type { Logger } from '../base/logger.ts'
import type { ServerRef } from '../fleet/provider.ts'
import { type FleetState, parseState } from '../live/fleet-state.ts'
import type { Decision } from '../pipeline/items.ts'
import type { PolicySpec } from '../scaling/policies.ts'
import type { KeyValueStore } from './broker.ts'

/** What the next leader needs of this one. */
export interface ClusterState {
  readonly fleet: FleetState
  readonly starting: readonly ServerRef[]
  readonly decisions: Record<Decision['action'], number>
  /** Whether the autoscaler was paused by hand. */
  readonly paused: boolean
  /** The policy that was set by hand, and the one of the config that it replaced, each as JSON. */
  readonly policy?: { readonly set: PolicySpec; readonly instead: string }
}

const STATE_KEY = 'controller'

/** The state that leaders hand on, in the cluster's store: written by one at a time. */
export class LeaderState {
  readonly #store: KeyValueStore
  readonly #logger: Logger
  readonly #onDeposed: () => void
  #version = 0
  #writing: Promise<void> | undefined

  /** @param onDeposed is called when another process has written a later state */
  constructor(store: KeyValueStore, logger: Logger, onDeposed: () => void) {
    this.#store = store
    this.#logger = logger
    this.#onDeposed = onDeposed
  }

  /** What the last leader wrote; `undefined` when there was none, or it cannot be read. */
  async read(): Promise<ClusterState | undefined> {
    const stored = await this.#store.get(STATE_KEY)
    this.#version = stored?.version ?? 0
    return stored && this.#parse(stored.text)
  }

  /** Writes the state, unless the one before is still being written; while the broker is away, the next write has it all. */
  async write(state: ClusterState): Promise<void> {
    if (this.#writing !== undefined) return
    this.#writing = this.#put(state).catch(() => {})
    await this.#writing
    this.#writing = undefined
  }

  /** Resolves when nothing is being written. */
  async written(): Promise<void> {
    await this.#writing
  }

  async #put(state: ClusterState): Promise<void> {
    const version = await this.#store.put(STATE_KEY, JSON.stringify(state), this.#version)
    if (version !== undefined) {
      this.#version = version
      return
    }
    // Another state is there: the one of a write that was not answered, or another leader's.
    const stored = await this.#store.get(STATE_KEY)
    const other = stored && this.#parse(stored.text)
    if (other && other.fleet.wallTime > state.fleet.wallTime) this.#onDeposed()
    else this.#version = stored?.version ?? 0
  }

  #parse(text: string): ClusterState | undefined {
    try {
      const state = JSON.parse(text) as ClusterState
      parseState(JSON.stringify(state.fleet))
      return state
    } catch {
      this.#logger.warn('The state of the last leader cannot be read; starting from what runs')
      return undefined
    }
  }
}
