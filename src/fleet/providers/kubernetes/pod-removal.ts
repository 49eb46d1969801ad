import { pause } from '../../../base/pause.ts'
import type { DrainHooks, ServerRef } from '../../provider.ts'
import { KubeError } from './api.ts'
import type { DeletionCosts } from './deletion-costs.ts'
import type { Pod } from './objects.ts'
import type { PodMarks } from './pod-marks.ts'
import { isLive } from './pod-state.ts'
import type { Replicas } from './replicas.ts'

/** A pod as the fleet knows it. */
export interface KnownPod {
  readonly uid: string | undefined
  state: 'starting' | 'ready' | 'draining'
  /** Why it is going to be gone, other than by draining. */
  killed?: boolean
  /** The replicas were lowered for it. */
  released?: boolean
  notReadySince?: number | undefined
}

interface PodRemovalOptions {
  readonly known: ReadonlyMap<ServerRef, KnownPod>
  /** The pods of the Deployment as they were seen last. */
  readonly pods: ReadonlyMap<string, Pod>
  readonly replicas: Replicas
  readonly marks: PodMarks
  readonly costs: DeletionCosts
  readonly hooks: DrainHooks
  readonly signal: AbortSignal
  /** Called when a pod is part of the fleet again, because another one went in its place. */
  readonly onTakenBack: (ref: ServerRef, pod: KnownPod, wasReady: boolean) => void
  readonly onProblem: (reason: string) => void
}

/** Time without any change after which a Deployment has settled, milliseconds. */
const SETTLE_MS = 2000

/**
 * Removes a chosen pod, though a Deployment makes its own choice: the pod is emptied and marked as the first to go, and only then is
 * the number of replicas lowered. If another pod went nevertheless, this one is taken back.
 */
export class PodRemoval {
  readonly #options: PodRemovalOptions

  constructor(options: PodRemovalOptions) {
    this.#options = options
  }

  async remove(ref: ServerRef, pod: KnownPod, wasReady: boolean): Promise<void> {
    const { replicas, marks, costs, hooks, signal, onProblem } = this.#options
    const isHere = () => this.#isKnown(ref, pod) && !signal.aborted
    try {
      await costs.settled()
      await marks.drain(ref)
      if (wasReady && isHere()) {
        await hooks.empty?.(ref, signal)
        await marks.drain(ref, { empty: true })
      }
      if (!isHere() || this.#isLeaving(ref)) return
      pod.released = true
      await replicas.change(-1)
      if (await this.#survives(ref, isHere)) await this.#takeBack(ref, pod, wasReady)
    } catch (error) {
      if (!isHere()) return
      onProblem(`cannot drain pod ${ref}: ${(error as Error).message}`)
      if (error instanceof KubeError && error.status === 404) return
      if (pod.released) return
      await this.#takeBack(ref, pod, wasReady)
    }
  }

  #isKnown(ref: ServerRef, pod: KnownPod): boolean {
    return this.#options.known.get(ref) === pod
  }

  #isLeaving(ref: ServerRef): boolean {
    return this.#options.pods.get(ref)?.metadata.deletionTimestamp !== undefined
  }

  /** Whether pods run that the replicas do not count. */
  get #hasSurplus(): boolean {
    const { pods, replicas } = this.#options
    return [...pods.values()].filter(isLive).length > replicas.count
  }

  /** Whether the Deployment has settled with this pod alive: it lost another one in the meantime. */
  async #survives(ref: ServerRef, isHere: () => boolean): Promise<boolean> {
    const { replicas, signal } = this.#options
    const end = performance.now() + replicas.removalMs
    let settledSince: number | undefined
    while (isHere() && !this.#isLeaving(ref)) {
      const now = performance.now()
      settledSince = !this.#hasSurplus && replicas.settled ? (settledSince ?? now) : undefined
      if (now > end || (settledSince !== undefined && now - settledSince > SETTLE_MS)) return true
      await pause(50, signal)
    }
    return false
  }

  async #takeBack(ref: ServerRef, pod: KnownPod, wasReady: boolean): Promise<void> {
    const { replicas, marks, costs, hooks, onTakenBack } = this.#options
    // The size was not carried out in time: this pod counts again.
    if (pod.released && this.#hasSurplus) void replicas.change(1)
    pod.released = false
    await marks.takeBack(ref)
    costs.forget(ref)
    if (!this.#isKnown(ref, pod) || this.#isLeaving(ref)) return
    hooks.restore?.(ref)
    onTakenBack(ref, pod, wasReady)
  }
}
