import { failureWords } from '../../failure-words.ts'
import type { ServerLifecycle, ServerRef } from '../../provider.ts'
import type { Pod } from './objects.ts'
import { isMarkedDraining, type PodMarks } from './pod-marks.ts'
import type { KnownPod } from './pod-removal.ts'
import { isReady, notReadyReason, podState } from './pod-state.ts'
import type { Replicas } from './replicas.ts'

interface PodReconcilerOptions {
  readonly lifecycle: ServerLifecycle
  /** The pods as the fleet knows them: kept here. */
  readonly known: Map<ServerRef, KnownPod>
  /** The pods of the Deployment as they were seen last. */
  readonly pods: ReadonlyMap<string, Pod>
  readonly replicas: Replicas
  readonly marks: PodMarks
  /** Seconds that a ready pod may be not ready before it counts as failed. */
  readonly notReadySeconds: number
  readonly signal: AbortSignal
  /** Continues to drain a pod that another controller began to drain. */
  readonly drain: (ref: ServerRef) => void
}

/** Reports to the fleet how the pods of a Deployment differ from what it knows. */
export class PodReconciler {
  readonly #options: PodReconcilerOptions
  /** Whether the pods that ran before are known. */
  #hasAdopted = false

  constructor(options: PodReconcilerOptions) {
    this.#options = options
  }

  /** To be called when the pods were listed: those that come now are new. */
  adopted(): void {
    this.#hasAdopted = true
  }

  reconcile(): void {
    const { known, pods, replicas, lifecycle, signal } = this.#options
    if (signal.aborted) return
    for (const [ref, each] of [...known]) {
      const pod = pods.get(ref)
      if (pod && pod.metadata.uid === each.uid) this.#follow(ref, each, pod)
      else this.#gone(ref, each)
    }
    // While a rollout has more pods than replicas, those in surplus wait to be counted until an old one leaves.
    const unknown = [...pods.values()].filter(({ metadata }) => !known.has(metadata.name))
    unknown.sort((a, b) => Number(isReady(b)) - Number(isReady(a)))
    for (const pod of unknown) this.#adopt(pod)
    lifecycle.coming(Math.max(0, replicas.count - this.#counted))
  }

  /** The pod was to go and is there to stay. */
  takeBack(ref: ServerRef, pod: KnownPod, wasReady: boolean): void {
    const { lifecycle } = this.#options
    pod.state = wasReady ? 'ready' : 'starting'
    lifecycle.starting(ref)
    if (wasReady) lifecycle.ready(ref)
    this.reconcile()
  }

  /** Pods that count as replicas: all but those that are leaving or were scaled away. */
  get #counted(): number {
    const { known, pods } = this.#options
    let count = 0
    for (const [ref, { released, killed }] of known) {
      if (!released && !killed && !pods.get(ref)?.metadata.deletionTimestamp) count++
    }
    return count
  }

  #adopt(pod: Pod): void {
    const { known, replicas, marks, lifecycle, drain } = this.#options
    const { name, uid } = pod.metadata
    const { state } = podState(pod)
    if (state === 'failed') return
    if (state !== 'leaving' && this.#counted >= replicas.count) {
      // The rollout waits for it to be ready before it lets an old one go.
      if (!isMarkedDraining(pod)) marks.open(pod)
      return
    }
    if (state === 'leaving' && this.#hasAdopted) return // came and went unseen
    const adopted: KnownPod = { uid, state: 'starting' }
    known.set(name, adopted)
    lifecycle.starting(name)
    if (isMarkedDraining(pod) && state !== 'leaving' && !this.#hasAdopted) {
      // Another controller began to drain it and is gone.
      adopted.state = 'ready'
      lifecycle.draining(name)
      drain(name)
    } else this.#follow(name, adopted, pod)
  }

  #follow(ref: ServerRef, known: KnownPod, pod: Pod): void {
    const { lifecycle, marks } = this.#options
    const now = podState(pod)
    if (known.killed) return
    if (now.state === 'leaving') {
      if (known.state === 'draining') return
      known.state = 'draining'
      lifecycle.draining(ref)
    } else if (now.state === 'failed') {
      this.#fail(ref, now.reason)
    } else if (known.state === 'starting') {
      if (now.state === 'ready') {
        known.state = 'ready'
        lifecycle.ready(ref)
      } else marks.open(pod)
    } else if (known.state === 'ready') this.#followReadiness(ref, known, pod, now.state === 'ready')
  }

  #followReadiness(ref: ServerRef, known: KnownPod, pod: Pod, ready: boolean): void {
    if (ready) {
      known.notReadySince = undefined
      return
    }
    const { notReadySeconds } = this.#options
    known.notReadySince ??= performance.now()
    if (performance.now() - known.notReadySince >= notReadySeconds * 1000)
      this.#fail(
        ref,
        failureWords.say('notReadyBecause', { seconds: notReadySeconds, why: notReadyReason(pod) }),
      )
  }

  #gone(ref: ServerRef, { killed, state }: KnownPod): void {
    if (killed) this.#fail(ref, failureWords.say('killed'))
    else if (state !== 'draining') this.#fail(ref, failureWords.say('podDeleted'))
    else {
      this.#options.known.delete(ref)
      this.#options.lifecycle.stopped(ref)
    }
  }

  #fail(ref: ServerRef, reason: string): void {
    this.#options.known.delete(ref)
    this.#options.lifecycle.failed(ref, reason)
  }
}
