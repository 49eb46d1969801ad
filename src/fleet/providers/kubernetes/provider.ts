import { invalidInput } from '../../../base/errors.ts'
import { type KeysOf, requireKnown } from '../../../base/known-keys.ts'
import type { DrainHooks, Provider, ProviderFactory, ServerLifecycle, ServerRef } from '../../provider.ts'
import { KubeApi, KubeError } from './api.ts'
import { AutoscalerCheck } from './autoscaler-check.ts'
import { findCredentials, namespaceOf } from './credentials.ts'
import { DeletionCosts } from './deletion-costs.ts'
import { type Deployment, labelSelector, type Pod } from './objects.ts'
import { PodMarks } from './pod-marks.ts'
import { PodReconciler } from './pod-reconciler.ts'
import { type KnownPod, PodRemoval } from './pod-removal.ts'
import { PublishedReplicas, type PublishReplicas, type Replicas, WrittenReplicas } from './replicas.ts'
import { Watcher } from './watcher.ts'

/** How pods are emptied, and where their number goes. */
export interface KubernetesHooks extends DrainHooks {
  /** Receives the desired number of replicas, for an HPA that sets it; default: this provider writes it to the Deployment. */
  readonly publish?: PublishReplicas | undefined
}

/** Options of the provider `kubernetes`. */
export interface KubernetesOptions extends KubernetesHooks {
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

const KEYS: KeysOf<KubernetesOptions> = {
  deployment: true,
  namespace: true,
  kubeconfig: true,
  context: true,
  notReadySeconds: true,
  empty: true,
  restore: true,
  publish: true,
}

const CHECK_MS = 1000
const HPA_CHECK_MS = 30_000
const COST_CHECK_MS = 10_000

/**
 * The servers of a Deployment. Scales it through its `scale` subresource and follows its pods; a chosen pod is drained first
 * and then removed by its deletion cost. The fleet always counts as many servers as the Deployment has desired replicas.
 * @throws {ConcertinaError} FILE_ACCESS or INVALID_INPUT, for credentials; `start` for a Deployment that cannot be scaled.
 */
export function kubernetesProvider(options: KubernetesOptions): ProviderFactory {
  requireKnown('', options, KEYS)
  const credentials = findCredentials(options)
  const namespace = namespaceOf(options)
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
  readonly #marks: PodMarks
  readonly #costs: DeletionCosts
  readonly #autoscalers: AutoscalerCheck
  #removal: PodRemoval | undefined
  #reconciler: PodReconciler | undefined
  #replicas: Replicas | undefined
  #timers: NodeJS.Timeout[] = []
  #started = false

  constructor(api: KubeApi, options: KubernetesOptions & { namespace: string }, lifecycle: ServerLifecycle) {
    this.#api = api
    this.#options = options
    this.#lifecycle = lifecycle
    this.#marks = new PodMarks(api, this.#path('api/v1', 'pods'), (reason) => this.#problem(reason))
    this.#costs = new DeletionCosts({
      set: (ref, cost) => this.#marks.setCost(ref, cost),
      isServing: (ref) => this.#isServing(ref),
      onProblem: (reason) => this.#problem(reason),
    })
    const { namespace, deployment, publish } = options
    this.#autoscalers = new AutoscalerCheck({
      api,
      namespace,
      deployment,
      published: () => publish && { desired: this.#desired, isAsked: this.#started },
      onProblem: (reason) => this.#problem(reason),
    })
    this.#deployments = new Watcher(api, {
      path: this.#path('apis/apps/v1', 'deployments'),
      fieldSelector: `metadata.name=${deployment}`,
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
      const replicas = this.#replicasOf(found)
      this.#replicas = replicas
      await this.#autoscalers.look()
      const { conflict } = this.#autoscalers
      if (conflict !== undefined) {
        throw invalidInput(
          'deployment',
          conflict,
          'a Deployment that nothing else scales: delete the HPA (or the ScaledObject that made it), or keep an HPA and let it follow the size that is decided here: `--scale-by metric`',
        )
      }
      this.#pods = this.#podsOf(found, replicas)
      await this.#pods.start()
      this.#reconciler?.adopted()
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
      setInterval(() => void this.#autoscalers.look(), HPA_CHECK_MS),
    ]
    // The HPA may also scale in for reasons of its own.
    if (this.#options.publish) this.#timers.push(setInterval(() => this.#updateCosts(), COST_CHECK_MS))
  }

  launch(count: number): void {
    void this.#replicas?.change(count)
  }

  cancel(count: number): void {
    void this.#replicas?.change(-count)
  }

  drain(ref: ServerRef): void {
    const pod = this.#known.get(ref)
    if (!pod || pod.state === 'draining') return
    const wasReady = pod.state === 'ready'
    pod.state = 'draining'
    void this.#removal?.remove(ref, pod, wasReady)
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
    await Promise.all([this.#deployments.close(), this.#pods?.close(), this.#replicas?.close()])
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

  #replicasOf(found: Deployment): Replicas {
    const { publish, deployment } = this.#options
    if (publish) {
      const published = new PublishedReplicas(found.spec.replicas ?? 0, (count) => {
        publish(count)
        if (count !== undefined) this.#reconcile()
      })
      published.start()
      return published
    }
    return new WrittenReplicas({
      api: this.#api,
      path: `${this.#path('apis/apps/v1', 'deployments')}/${deployment}/scale`,
      seen: () => this.#deployments.objects.get(deployment),
      blocked: () => this.#autoscalers.conflict,
      onChange: () => this.#reconcile(),
      onProblem: (reason) => this.#problem(reason),
    })
  }

  /** The pods of the Deployment, with what follows and removes them. */
  #podsOf(found: Deployment, replicas: Replicas): Watcher<Pod> {
    const pods = new Watcher<Pod>(this.#api, {
      path: this.#path('api/v1', 'pods'),
      labelSelector: labelSelector(found),
      onChange: () => this.#reconcile(),
      onProblem: (reason) => this.#problem(reason),
    })
    const reconciler = new PodReconciler({
      lifecycle: this.#lifecycle,
      known: this.#known,
      pods: pods.objects,
      replicas,
      marks: this.#marks,
      notReadySeconds: this.#options.notReadySeconds ?? 10,
      signal: this.#abort.signal,
      drain: (ref) => this.drain(ref),
    })
    this.#reconciler = reconciler
    this.#removal = new PodRemoval({
      known: this.#known,
      pods: pods.objects,
      replicas,
      marks: this.#marks,
      costs: this.#costs,
      hooks: this.#options,
      signal: this.#abort.signal,
      onTakenBack: (ref, pod, wasReady) => reconciler.takeBack(ref, pod, wasReady),
      onProblem: (reason) => this.#problem(reason),
    })
    return pods
  }

  /** Keeps the deletion costs near the number of users, for an HPA that scales in. */
  #updateCosts(): void {
    const serving = [...this.#known.keys()].filter((ref) => this.#isServing(ref))
    this.#costs.update(new Map(serving.map((ref) => [ref, this.#lifecycle.users(ref)])))
  }

  #isServing(ref: ServerRef): boolean {
    return this.#known.get(ref)?.state === 'ready'
  }

  get #desired(): number {
    return this.#replicas?.count ?? 0
  }

  #reconcile(): void {
    this.#reconciler?.reconcile()
  }
}
