import { get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, it } from 'vitest'
import type { FleetSnapshot } from '../src/control/control-target.ts'
import type { Pod } from '../src/fleet/providers/kubernetes/objects.ts'
import { isReady } from '../src/fleet/providers/kubernetes/pod-state.ts'
import { Watcher } from '../src/fleet/providers/kubernetes/watcher.ts'
import { startCli } from './run-cli.ts'
import { startBalancer } from './support/balancer.ts'
import { startUsers } from './support/chat-users.ts'
import { type ClusterProcess, startLogging } from './support/cluster.ts'
import { kubeBinaries } from './support/kube/binaries.ts'
import { startControlPlane } from './support/kube/control-plane.ts'
import { Kubelet } from './support/kube/kubelet.ts'
import { requireNats, startNats } from './support/nats.ts'

const bin = kubeBinaries()
const APPS = '/apis/apps/v1/namespaces/default/deployments'
const PODS = '/api/v1/namespaces/default/pods'
const PORT = 8080
const NAME = 'kube'
const SLOW = { timeout: 90_000, interval: 200 }

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** Whether a chat server says that it is ready, as a readiness probe asks. */
function readyz(host: string): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get({ host, port: PORT, path: '/readyz', timeout: 1000, agent: false }, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve(false))
  })
}

const DEPLOYMENT = {
  metadata: { name: 'chat' },
  spec: {
    replicas: 2,
    selector: { matchLabels: { app: 'chat' } },
    strategy: { rollingUpdate: { maxSurge: 2, maxUnavailable: 0 } },
    template: {
      metadata: { labels: { app: 'chat' } },
      spec: {
        terminationGracePeriodSeconds: 30,
        readinessGates: [{ conditionType: 'concertina.dev/serving' }],
        containers: [{ name: 'chat', image: 'chat' }],
        tolerations: ['not-ready', 'unreachable'].map((key) => {
          const taint = `node.kubernetes.io/${key}`
          return { key: taint, operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 1 }
        }),
      },
    },
  },
}

/** A control plane, NATS, two controllers, and a Service in front of pods that are real chat servers. */
async function startCluster() {
  const nats = await startNats({ nodes: 1 })
  closing.push(() => nats.close())
  const plane = await startControlPlane(bin!, {
    controllerManager: ['--node-monitor-grace-period=6s', '--node-monitor-period=500ms'],
  })
  closing.push(() => plane.close())
  const broker = ['--broker', nats.url, '--cluster-name', NAME, '--replicas', '1', '--anonymous']
  const kubelet = new Kubelet(plane.api, {
    nodes: 3,
    run: ({ metadata }, ip) => {
      const own = ['--host', ip, '--port', String(PORT), '--ref', metadata.name]
      return startCli(['server', ...broker, ...own, '--leave-seconds', '1', '--drain-seconds', '2']).child
    },
    probe: (_, ip) => readyz(ip),
  })
  closing.push(() => kubelet.close())
  await kubelet.start()
  await plane.api.create(APPS, DEPLOYMENT)

  const service = await startBalancer()
  closing.push(() => service.close())
  const routed = new Set<string>()
  const pods = new Watcher<Pod>(plane.api, {
    path: PODS,
    labelSelector: 'app=chat',
    onProblem: () => {},
    onChange: () => {
      const serving = [...pods.objects.values()].filter(
        (pod) => isReady(pod) && !pod.metadata.deletionTimestamp,
      )
      const addresses = new Set(serving.map(({ status }) => status!.podIP!))
      for (const address of routed)
        if (!addresses.has(address) && routed.delete(address)) service.remove(PORT, address)
      for (const address of addresses)
        if (!routed.has(address) && routed.add(address)) service.add(PORT, address)
    },
  })
  closing.push(() => pods.close())
  await pods.start()

  const controllers: (ClusterProcess & { url: string })[] = []
  const startController = async () => {
    const flags = [...broker, '--control-port', '0', '--provider', 'kubernetes', '--deployment', 'chat']
    flags.push(
      '--kubeconfig',
      plane.kubeconfig,
      '--min-servers',
      '2',
      '--max-servers',
      '6',
      '--cooldown',
      '1',
    )
    flags.push('--scale-up-threshold', '5', '--scale-down-threshold', '3')
    const started = startLogging(['controller', ...flags])
    closing.push(() => started.child.kill('SIGKILL'))
    const { url } = await started.line((line) => line.url !== undefined)
    controllers.push({ ...started, url: String(url) })
  }
  await startController()
  await startController()

  /** What the controller that leads sees. */
  const fleet = async (): Promise<FleetSnapshot | undefined> => {
    for (const { url } of controllers) {
      const response = await fetch(`${url}api/state`).catch(() => undefined)
      if (response?.status === 200) return (await response.json()) as FleetSnapshot
    }
    return undefined
  }
  const leader = async () => {
    for (const each of controllers) {
      const response = await fetch(`${each.url}api/state`).catch(() => undefined)
      if (response?.status === 200) return each
    }
    throw new Error('no controller leads')
  }
  const live = () => [...pods.objects.values()].filter(({ metadata }) => !metadata.deletionTimestamp)
  /** Resolves when there are so many pods, all of them ready and known to the controller, and no other. */
  const settled = async (count: number) => {
    const now = async () => {
      const { ready, servers } = (await fleet()) ?? {}
      return {
        live: live().length,
        ready: live().filter(isReady).length,
        known: ready,
        servers: servers?.length,
      }
    }
    await expect.poll(now, SLOW).toEqual({ live: count, ready: count, known: count, servers: count })
  }
  return { nats, plane, kubelet, service, pods, controllers, leader, live, settled }
}

it.skipIf(!bin || !requireNats())(
  'chat on Kubernetes: scaled, rolled, cut off and led by another, nothing is lost',
  { timeout: 400_000 },
  async () => {
    const { nats, plane, kubelet, service, pods, controllers, leader, live, settled } = await startCluster()
    await settled(2)

    let load = 8
    const users = startUsers({ url: service.url, name: NAME, load: () => load })
    closing.push(() => users.close())
    await expect.poll(() => users.counts.acked, SLOW).toBeGreaterThan(20)

    const outAndRoll = await users.cutOff(async () => {
      load = 30
      await settled(6)
      const before = new Set(live().map(({ metadata }) => metadata.name))
      const annotations = { restarted: '1' }
      await plane.api.patch(`${APPS}/chat`, { spec: { template: { metadata: { annotations } } } })
      await expect.poll(() => live().some(({ metadata }) => before.has(metadata.name)), SLOW).toBe(false)
      await settled(6)
    })

    const oldLeader = await leader()
    oldLeader.child.kill('SIGKILL')
    controllers.splice(controllers.indexOf(oldLeader), 1)
    await settled(6)

    // One that is evicted drains on SIGTERM; one is lost at once; then a node with all its pods.
    const [evicted, deleted] = live()
    await plane.api.create(`${PODS}/${evicted!.metadata.name}/eviction`, {
      apiVersion: 'policy/v1',
      kind: 'Eviction',
      metadata: { name: evicted!.metadata.name },
    })
    await plane.api.delete(`${PODS}/${deleted!.metadata.name}`, { gracePeriodSeconds: 0 })
    await expect.poll(() => pods.objects.has(evicted!.metadata.name), SLOW).toBe(false)
    await settled(6)
    const node = live()[0]!.spec!.nodeName!
    kubelet.loseNode(node)
    const left = () => live().filter(({ spec }) => spec?.nodeName === node)
    await expect.poll(() => left().length, SLOW).toBe(0)
    for (const { metadata, spec } of [...pods.objects.values()]) {
      if (spec?.nodeName === node)
        await plane.api.delete(`${PODS}/${metadata.name}`, { gracePeriodSeconds: 0 })
    }
    await settled(6)

    const chosen: string[] = []
    const gone: string[] = []
    const scaleIn = await users.cutOff(async () => {
      load = 8
      for (let names = live().map(({ metadata }) => metadata.name); names.length > 2; await sleep(100)) {
        for (const { metadata } of pods.objects.values()) {
          const draining = metadata.annotations?.['concertina.dev/draining'] !== undefined
          if (draining && !chosen.includes(metadata.name)) chosen.push(metadata.name)
        }
        const now = live().map(({ metadata }) => metadata.name)
        gone.push(...names.filter((name) => !now.includes(name)))
        names = now
      }
      await settled(2)
    })
    const { acked, delivered } = await users.check(nats.url)
    expect(acked).toBeGreaterThan(300)
    expect(delivered).toBeGreaterThan(acked)
    expect({ outAndRoll, scaleIn }).toEqual({ outAndRoll: 0, scaleIn: 0 })
    expect(gone.sort()).toEqual(chosen.sort())
    expect(users.counts.moved).toBeGreaterThan(20)
  },
)
