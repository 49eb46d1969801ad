import { invalidInput } from '../../../base/errors.ts'
import { pause } from '../../../base/pause.ts'
import type { DrainHooks, Provider, ProviderFactory, ServerLifecycle, ServerRef } from '../../provider.ts'
import { KubeApi, KubeError } from './api.ts'
import { findCredentials } from './credentials.ts'
import {
  type Deployment,
  type HorizontalPodAutoscaler,
  type KubeList,
  labelSelector,
  type Pod,
  type Scale,
} from './objects.ts'
import { gateOf, isLive, isReady, notReadyReason, podState } from './pod-state.ts'
import { changeReplicas } from './scale.ts'
import { Watcher } from './watcher.ts'

export interface KubernetesOptions extends DrainHooks {
  /** Default: that of the kubeconfig's context or of the pod this runs in, or else `default`. */
  namespace?: string | undefined
  /** The Deployment whose replicas are the servers. */
  deployment: string
  /** Default: KUBECONFIG, the pod's service account, or ~/.kube/config. */
  kubeconfig?: string | undefined
  /** Default: the kubeconfig's current context. */
  context?: string | undefined
  /** Seconds that a ready pod may be not ready before it counts as failed; default 10. */
  notReadySeconds?: number | undefined
}

/** The readiness gate that takes a pod out of every Service while it is drained; optional in the pod's template. */
const SERVING_GATE = 'concertina.dev/serving'
const DRAINING = 'concertina.dev/draining'
const DELETION_COST = 'controller.kubernetes.io/pod-deletion-cost'
const COST_DRAINING = -1_000_000
const COST_EMPTY = -2_000_000
const CHECK_MS = 1000
const HPA_CHECK_MS = 30_000
const RETRY_MS = 1000
/** How long a pod that was scaled away may live on before another one is taken to be lost in its place. */
const REMOVAL_MS = 10_000
const SETTLE_MS = 2000

interface KnownPod {
  readonly uid: string | undefined
  state: 'starting' | 'ready' | 'draining'
  /** Why it is going to be gone, other than by draining. */
  killed?: boolean
  /** The replicas were lowered for it. */
  released?: boolean
  notReadySince?: number | undefined
}

/**
 * The servers of a Deployment. Scales it through its `scale` subresource and follows its pods; a chosen pod is drained first
 * and then removed by its deletion cost. The fleet always counts as many servers as the Deployment has replicas.
 * @throws {ConcertinaError} FILE_ACCESS or INVALID_INPUT, for credentials; `start` for a Deployment that cannot be scaled.
 */
export function kubernetesProvider(options: KubernetesOptions): ProviderFactory {
  const credentials = findCredentials(options)
  const namespace = options.namespace ?? credentials.namespace ?? 'default'
  return (lifecycle) => new KubernetesProvider(new KubeApi(credentials), { ...options, namespace }, lifecycle)
}

class KubernetesProvider implements Provider {
  readonly name = 'kubernetes'
  readonly replacesFailed = true
  readonly #api: KubeApi
  readonly #options: KubernetesOptions
  readonly #lifecycle: ServerLifecycle
  readonly #abort = new AbortController()
  readonly #deployments: Watcher<Deployment>
  #pods: Watcher<Pod> | undefined
  readonly #known = new Map<ServerRef, KnownPod>()
  /** Pods whose readiness gate is being opened. */
  readonly #opening = new Set<ServerRef>()
  /** Launches and cancellations that are not written yet. */
  #unwritten = 0
  /** What was written last, until the watch of the Deployment shows it or something newer. */
  #written: Scale | undefined
  #writing: Promise<void> | undefined
  #timers: NodeJS.Timeout[] = []
  #conflict: string | undefined
  #started = false

  constructor(api: KubeApi, options: KubernetesOptions, lifecycle: ServerLifecycle) {
    this.#api = api
    this.#options = options
    this.#lifecycle = lifecycle
    this.#deployments = new Watcher(api, {
      path: this.#path('apis/apps/v1', 'deployments'),
      fieldSelector: `metadata.name=${options.deployment}`,
      onChange: () => this.#reconcile(),
      onProblem: (reason) => this.#problem(reason),
    })
  }

  async start(): Promise<void> {
    const { deployment, namespace } = this.#options
    try {
      await this.#deployments.start()
      const found = this.#deployments.objects.get(deployment)
      if (!found) {
        throw invalidInput(
          'deployment',
          `no Deployment ${deployment} in namespace ${namespace}`,
          'one that exists',
        )
      }
      await this.#findConflict()
      if (this.#conflict !== undefined) {
        throw invalidInput(
          'deployment',
          this.#conflict,
          'a Deployment that nothing else scales: delete the HPA (or the ScaledObject that made it), or publish the desired size to it with `concertina keda`',
        )
      }
      this.#pods = new Watcher<Pod>(this.#api, {
        path: this.#path('api/v1', 'pods'),
        labelSelector: labelSelector(found),
        onChange: () => this.#reconcile(),
        onProblem: (reason) => this.#problem(reason),
      })
      await this.#pods.start()
    } catch (error) {
      await this.close()
      if (!(error instanceof KubeError)) throw error
      throw invalidInput(
        'kubernetes',
        `${this.#api.credentials.server}: ${error.message}`,
        'an API server that can be reached, and the rights of docs/kubernetes.md',
      )
    }
    this.#started = true
    this.#timers = [
      setInterval(() => this.#reconcile(), CHECK_MS),
      setInterval(() => void this.#findConflict(), HPA_CHECK_MS),
    ]
  }

  launch(count: number): void {
    this.#change(count)
  }

  cancel(count: number): void {
    this.#change(-count)
  }

  drain(ref: ServerRef): void {
    const pod = this.#known.get(ref)
    if (!pod || pod.state === 'draining') return
    const wasReady = pod.state === 'ready'
    pod.state = 'draining'
    void this.#remove(ref, pod, wasReady)
  }

  kill(ref: ServerRef): void {
    const pod = this.#known.get(ref)
    if (!pod) return
    pod.killed = true
    const body = { gracePeriodSeconds: 0, preconditions: { uid: pod.uid } }
    this.#api.delete(this.#podPath(ref), body).catch((error: Error) => {
      pod.killed = false
      this.#problem(`cannot delete pod ${ref}: ${error.message}`)
    })
  }

  async close(): Promise<void> {
    this.#abort.abort()
    for (const timer of this.#timers) clearInterval(timer)
    await Promise.all([this.#deployments.close(), this.#pods?.close(), this.#writing])
    this.#api.close()
  }

  #path(api: string, kind: string): string {
    return `/${api}/namespaces/${this.#options.namespace}/${kind}`
  }

  #podPath(ref: ServerRef): string {
    return `${this.#path('api/v1', 'pods')}/${ref}`
  }

  #problem(reason: string): void {
    if (!this.#abort.signal.aborted) this.#lifecycle.problem(reason)
  }

  /** Notices an HPA that scales the same Deployment: two that scale one thing never come to rest. */
  async #findConflict(): Promise<void> {
    const path = this.#path('apis/autoscaling/v2', 'horizontalpodautoscalers')
    try {
      const { items } = await this.#api.get<KubeList<HorizontalPodAutoscaler>>(path)
      const rival = items.find(
        ({
          spec: {
            scaleTargetRef: { kind, name },
          },
        }) => {
          return kind === 'Deployment' && name === this.#options.deployment
        },
      )
      const conflict = rival && `the HorizontalPodAutoscaler ${rival.metadata.name} scales it, too`
      if (conflict && !this.#conflict && this.#pods)
        this.#problem(`${conflict}: nothing is scaled until it is gone`)
      this.#conflict = conflict
    } catch (error) {
      this.#problem(`cannot look for HorizontalPodAutoscalers: ${(error as Error).message}`)
    }
  }

  /** Writes what was launched and cancelled, together, one write at a time, until it is written. */
  #change(delta: number): void {
    this.#unwritten += delta
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined
    })
  }

  async #write(): Promise<void> {
    await Promise.resolve() // calls of the same moment go into one write
    while (this.#unwritten !== 0 && !this.#abort.signal.aborted) {
      const delta = this.#unwritten
      try {
        if (this.#conflict !== undefined) throw new Error(this.#conflict)
        const path = `${this.#path('apis/apps/v1', 'deployments')}/${this.#options.deployment}/scale`
        this.#written = await changeReplicas(this.#api, path, delta)
        this.#unwritten -= delta
        this.#reconcile()
      } catch (error) {
        this.#problem(`cannot scale the Deployment: ${(error as Error).message}`)
        await pause(RETRY_MS, this.#abort.signal)
      }
    }
  }

  /** Replicas there are to be, all writes under way counted. */
  get #replicas(): number {
    const seen = this.#deployments.objects.get(this.#options.deployment)
    const written = this.#written
    const newer = written && seen && versionOf(written) > versionOf(seen) ? written : seen
    return (newer?.spec.replicas ?? 0) + this.#unwritten
  }

  /** Pods that count as replicas: all but those that are leaving or were scaled away. */
  get #counted(): number {
    let count = 0
    for (const [ref, { released, killed }] of this.#known) {
      if (!released && !killed && !this.#pods?.objects.get(ref)?.metadata.deletionTimestamp) count++
    }
    return count
  }

  /** Reports how the pods differ from what the fleet knows. */
  #reconcile(): void {
    if (this.#abort.signal.aborted || !this.#pods) return
    const pods = this.#pods.objects
    for (const [ref, known] of [...this.#known]) {
      const pod = pods.get(ref)
      if (pod && pod.metadata.uid === known.uid) this.#follow(ref, known, pod)
      else this.#gone(ref, known)
    }
    // While a rollout has more pods than replicas, those in surplus wait to be counted until an old one leaves.
    const unknown = [...pods.values()].filter(({ metadata }) => !this.#known.has(metadata.name))
    unknown.sort((a, b) => Number(isReady(b)) - Number(isReady(a)))
    for (const pod of unknown) this.#adopt(pod)
    this.#lifecycle.coming(Math.max(0, this.#replicas - this.#counted))
  }

  #adopt(pod: Pod): void {
    const { name, uid, annotations } = pod.metadata
    const { state } = podState(pod)
    if (state === 'failed') return
    if (state !== 'leaving' && this.#counted >= this.#replicas) {
      // The rollout waits for it to be ready before it lets an old one go.
      if (annotations?.[DRAINING] === undefined) this.#openGate(pod)
      return
    }
    if (state === 'leaving' && this.#started) return // came and went unseen
    this.#known.set(name, { uid, state: 'starting' })
    this.#lifecycle.starting(name)
    const known = this.#known.get(name)!
    if (annotations?.[DRAINING] !== undefined && state !== 'leaving' && !this.#started) {
      // Another controller began to drain it and is gone.
      known.state = 'ready'
      this.#lifecycle.draining(name)
      this.drain(name)
    } else this.#follow(name, known, pod)
  }

  #follow(ref: ServerRef, known: KnownPod, pod: Pod): void {
    const now = podState(pod)
    if (known.killed) return
    if (now.state === 'leaving') {
      if (known.state === 'draining') return
      known.state = 'draining'
      this.#lifecycle.draining(ref)
    } else if (now.state === 'failed') {
      this.#known.delete(ref)
      this.#lifecycle.failed(ref, now.reason)
    } else if (known.state === 'starting') {
      if (now.state === 'ready') {
        known.state = 'ready'
        this.#lifecycle.ready(ref)
      } else this.#openGate(pod)
    } else if (known.state === 'ready') this.#followReadiness(ref, known, pod, now.state === 'ready')
  }

  #followReadiness(ref: ServerRef, known: KnownPod, pod: Pod, ready: boolean): void {
    if (ready) {
      known.notReadySince = undefined
      return
    }
    known.notReadySince ??= performance.now()
    const { notReadySeconds = 10 } = this.#options
    if (performance.now() - known.notReadySince < notReadySeconds * 1000) return
    this.#known.delete(ref)
    this.#lifecycle.failed(ref, `not ready for ${notReadySeconds} s: ${notReadyReason(pod)}`)
  }

  /** Lets a new pod serve. */
  #openGate(pod: Pod): void {
    const { name } = pod.metadata
    if (this.#opening.has(name) || gateOf(pod, SERVING_GATE) !== 'closed') return
    this.#opening.add(name)
    this.#setGate(name, true)
      .catch((error: Error) => this.#problem(`cannot let pod ${name} serve: ${error.message}`))
      .finally(() => this.#opening.delete(name))
  }

  #gone(ref: ServerRef, known: KnownPod): void {
    this.#known.delete(ref)
    if (known.killed) this.#lifecycle.failed(ref, 'killed')
    else if (known.state === 'draining') this.#lifecycle.stopped(ref)
    else this.#lifecycle.failed(ref, 'the pod was deleted')
  }

  /** Drains a chosen pod, scales the Deployment by one, and sees to it that this pod is the one that goes. */
  async #remove(ref: ServerRef, known: KnownPod, wasReady: boolean): Promise<void> {
    const { signal } = this.#abort
    const here = () => this.#known.get(ref) === known && !signal.aborted
    try {
      await this.#mark(ref, COST_DRAINING, false)
      if (wasReady && here()) {
        await this.#options.empty?.(ref, signal)
        await this.#mark(ref, COST_EMPTY, false)
      }
      if (!here() || this.#leaving(ref)) return
      known.released = true
      this.#change(-1)
      await this.#writing
      if (await this.#survived(ref, here)) await this.#takeBack(ref, known, wasReady)
    } catch (error) {
      if (!here()) return
      this.#problem(`cannot drain pod ${ref}: ${(error as Error).message}`)
      if (error instanceof KubeError && error.status === 404) return
      if (known.released) return
      await this.#takeBack(ref, known, wasReady)
    }
  }

  #leaving(ref: ServerRef): boolean {
    return this.#pods?.objects.get(ref)?.metadata.deletionTimestamp !== undefined
  }

  /** Whether the Deployment came to rest with this pod alive: it lost another one in the meantime. */
  async #survived(ref: ServerRef, here: () => boolean): Promise<boolean> {
    const end = performance.now() + REMOVAL_MS
    let restedSince: number | undefined
    while (here() && !this.#leaving(ref)) {
      const live = [...this.#pods!.objects.values()].filter(isLive).length
      const atRest = live <= this.#replicas && this.#unwritten === 0
      restedSince = atRest ? (restedSince ?? performance.now()) : undefined
      const rested = restedSince !== undefined && performance.now() - restedSince > SETTLE_MS
      if (rested || performance.now() > end) return true
      await pause(50, this.#abort.signal)
    }
    return false
  }

  async #takeBack(ref: ServerRef, known: KnownPod, wasReady: boolean): Promise<void> {
    known.released = false
    await this.#mark(ref, undefined, true)
    if (this.#known.get(ref) !== known || this.#leaving(ref)) return
    this.#options.restore?.(ref)
    known.state = wasReady ? 'ready' : 'starting'
    this.#lifecycle.starting(ref)
    if (wasReady) this.#lifecycle.ready(ref)
    this.#reconcile()
  }

  /** Sets how soon a pod goes, and whether it serves. */
  async #mark(ref: ServerRef, cost: number | undefined, serving: boolean): Promise<void> {
    const annotations = {
      [DELETION_COST]: cost === undefined ? null : String(cost),
      [DRAINING]: cost === undefined ? null : 'true',
    }
    const pod = await this.#api.patch<Pod>(this.#podPath(ref), { metadata: { annotations } })
    if (gateOf(pod, SERVING_GATE) === (serving ? 'closed' : 'open')) await this.#setGate(ref, serving)
  }

  async #setGate(ref: ServerRef, serving: boolean): Promise<void> {
    const condition = {
      type: SERVING_GATE,
      status: serving ? 'True' : 'False',
      reason: serving ? 'Serving' : 'Draining',
      lastTransitionTime: new Date().toISOString(),
    }
    const body = { status: { conditions: [condition] } }
    await this.#api.patch(`${this.#podPath(ref)}/status`, body, { strategic: true })
  }
}

/** Where an object is in the order of writes. */
function versionOf({ metadata }: { metadata: { resourceVersion?: string } }): number {
  return Number(metadata.resourceVersion ?? 0)
}
