import type { ChildProcess } from 'node:child_process'
import type { KubeApi } from '../../../src/fleet/providers/kubernetes/api.ts'
import type { Pod } from '../../../src/fleet/providers/kubernetes/objects.ts'
import { Watcher } from '../../../src/fleet/providers/kubernetes/watcher.ts'

export interface KubeletOptions {
  nodes?: number
  /** The first half of the pods' addresses, for tests that run at the same time; default 127.77. */
  subnet?: string
  /** Milliseconds until a pod's container runs and is ready; 50 by default. */
  readyAfterMs?: (pod: Pod) => number
  /** Starts the process of a pod, which listens on the address `ip`. */
  run?: (pod: Pod, ip: string) => ChildProcess
  /** Whether the container of a pod is ready, as its probe says; asked again and again. Default: after `readyAfterMs`. */
  probe?: (pod: Pod, ip: string) => Promise<boolean>
  /** Whether the container of a pod crashes again and again. */
  crashes?: (pod: Pod) => boolean
}

interface LocalPod {
  readonly ip: string
  readonly child: ChildProcess | undefined
  ready: boolean
  /** What its Ready condition was last set to. */
  reported: boolean | undefined
  ending: boolean
}

type GracefulPod = Pod & { metadata: { deletionGracePeriodSeconds?: number } }

const PROBE_MS = 200

const now = () => new Date().toISOString()

/**
 * Replaces the kubelets of a few nodes: each pod is a real process with a loopback address of its own, which gets
 * SIGTERM when its pod is deleted and SIGKILL after the grace period. Readiness gates count.
 */
export class Kubelet {
  readonly #api: KubeApi
  readonly #options: KubeletOptions
  readonly #pods = new Map<string, LocalPod>()
  readonly #watcher: Watcher<GracefulPod>
  #heartbeat: NodeJS.Timeout | undefined
  readonly #lost = new Set<string>()
  #next = 1
  #closed = false

  constructor(api: KubeApi, options: KubeletOptions = {}) {
    this.#api = api
    this.#options = options
    this.#watcher = new Watcher(api, {
      path: '/api/v1/pods',
      onChange: () => this.#sync(),
      onProblem: () => {},
    })
  }

  async start(): Promise<void> {
    const { nodes = 2 } = this.#options
    for (let i = 0; i < nodes; i++) {
      await this.#api.create('/api/v1/nodes', { metadata: { name: `node-${i}` } })
    }
    await this.#beat()
    this.#heartbeat = setInterval(() => void this.#beat(), 5000)
    await this.#watcher.start()
  }

  /** The process of a pod. */
  process(name: string): ChildProcess | undefined {
    return this.#pods.get(this.#watcher.objects.get(name)?.metadata.uid ?? '')?.child
  }

  /** Loses a node with all that runs on it: nothing is heard of it any more. */
  loseNode(name: string): void {
    this.#lost.add(name)
    for (const pod of this.#watcher.objects.values()) {
      if (pod.spec?.nodeName === name) this.process(pod.metadata.name)?.kill('SIGKILL')
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#heartbeat)
    await this.#watcher.close()
    for (const { child } of this.#pods.values()) child?.kill('SIGKILL')
  }

  async #beat(): Promise<void> {
    const size = { cpu: '64', memory: '256Gi', pods: '500' }
    const ready = {
      type: 'Ready',
      status: 'True',
      reason: 'StandIn',
      lastHeartbeatTime: now(),
      lastTransitionTime: now(),
    }
    const status = { capacity: size, allocatable: size, conditions: [ready] }
    const { nodes = 2 } = this.#options
    for (let i = 0; i < nodes && !this.#closed; i++) {
      if (this.#lost.has(`node-${i}`)) continue
      const path = `/api/v1/nodes/node-${i}/status`
      await this.#api.patch(path, { status }, { strategic: true }).catch(() => {})
    }
  }

  #sync(): void {
    const pods = [...this.#watcher.objects.values()].filter(
      ({ spec }) => spec?.nodeName?.startsWith('node-') && !this.#lost.has(spec.nodeName),
    )
    for (const pod of pods) {
      const local = this.#pods.get(pod.metadata.uid!)
      if (pod.metadata.deletionTimestamp) {
        if (!local?.ending) this.#terminate(pod, local)
      } else if (!local) this.#launch(pod)
      else if (local.ready && local.reported !== gatesOpen(pod)) this.#report(pod, local)
    }
    // A pod that was deleted without grace is gone before its process is.
    const uids = new Set(pods.map(({ metadata }) => metadata.uid))
    for (const [uid, local] of this.#pods) {
      if (uids.has(uid)) continue
      local.child?.kill('SIGKILL')
      this.#pods.delete(uid)
    }
  }

  #launch(pod: GracefulPod): void {
    const number = this.#next++
    const ip = `${this.#options.subnet ?? '127.77'}.${number >> 8}.${number & 255}`
    const child = this.#options.run?.(pod, ip)
    const local: LocalPod = { ip, child, ready: false, reported: undefined, ending: false }
    this.#pods.set(pod.metadata.uid!, local)
    child?.once('exit', (status) => {
      const lost = this.#lost.has(pod.spec?.nodeName ?? '')
      if (!local.ending && !this.#closed && !lost) this.#crashed(pod, status ?? 137)
    })
    if (this.#options.crashes?.(pod)) {
      this.#crashed(pod, 1)
      return
    }
    const { probe, readyAfterMs } = this.#options
    const report = (ready: boolean) => {
      const current = this.#watcher.objects.get(pod.metadata.name)
      local.ready = ready
      if (current && !this.#closed && !this.#lost.has(pod.spec?.nodeName ?? '')) this.#report(current, local)
    }
    if (probe) void this.#probe(pod, local, probe, report)
    else setTimeout(() => report(true), readyAfterMs?.(pod) ?? 50)
  }

  async #probe(
    pod: GracefulPod,
    local: LocalPod,
    probe: NonNullable<KubeletOptions['probe']>,
    report: (ready: boolean) => void,
  ): Promise<void> {
    while (!this.#closed && this.#pods.get(pod.metadata.uid!) === local) {
      const ready = await probe(pod, local.ip).catch(() => false)
      if (ready !== local.ready) report(ready)
      await new Promise((resolve) => setTimeout(resolve, PROBE_MS))
    }
  }

  #report(pod: GracefulPod, local: LocalPod): void {
    const ready = local.ready && gatesOpen(pod)
    local.reported = ready
    const condition = (type: string, status: boolean) => ({
      type,
      status: status ? 'True' : 'False',
      lastTransitionTime: now(),
    })
    this.#setStatus(pod, {
      phase: 'Running',
      podIP: local.ip,
      podIPs: [{ ip: local.ip }],
      startTime: now(),
      conditions: [
        condition('Initialized', true),
        condition('ContainersReady', local.ready),
        condition('Ready', ready),
      ],
      containerStatuses: this.#containers(pod, { running: { startedAt: now() } }, true),
    })
  }

  #crashed(pod: GracefulPod, exitCode: number): void {
    const last = { terminated: { reason: 'Error', exitCode, startedAt: now(), finishedAt: now() } }
    const waiting = { waiting: { reason: 'CrashLoopBackOff' } }
    this.#setStatus(pod, {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'False', lastTransitionTime: now() }],
      containerStatuses: this.#containers(pod, waiting, false, last),
    })
  }

  #containers(pod: GracefulPod, state: object, ready: boolean, lastState: object = {}): object[] {
    const { containers } = pod.spec as { containers: { name: string; image: string }[] }
    const restartCount = ready ? 0 : 3
    return containers.map(({ name, image }) => {
      return { name, image, imageID: '', ready, started: ready, restartCount, state, lastState }
    })
  }

  #setStatus({ metadata: { namespace, name } }: GracefulPod, status: object): void {
    this.#api
      .patch(`/api/v1/namespaces/${namespace}/pods/${name}/status`, { status }, { strategic: true })
      .catch(() => {})
  }

  #terminate({ metadata }: GracefulPod, local: LocalPod | undefined): void {
    if (local) local.ending = true
    const { namespace, name, uid, deletionGracePeriodSeconds = 30 } = metadata
    const gone = () => {
      const body = { gracePeriodSeconds: 0, preconditions: { uid } }
      this.#api.delete(`/api/v1/namespaces/${namespace}/pods/${name}`, body).catch(() => {})
    }
    const child = local?.child
    if (!child || child.exitCode !== null || child.signalCode !== null) {
      setTimeout(gone, 20)
      return
    }
    const timer = setTimeout(() => child.kill('SIGKILL'), deletionGracePeriodSeconds * 1000)
    child.once('exit', () => {
      clearTimeout(timer)
      gone()
    })
    child.kill('SIGTERM')
  }
}

function gatesOpen({ spec, status }: Pod): boolean {
  return (spec?.readinessGates ?? []).every(({ conditionType }) => {
    return status?.conditions?.some(({ type, status }) => type === conditionType && status === 'True')
  })
}
