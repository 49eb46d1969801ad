import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import type { Deployment, KubeList, Pod } from '../src/fleet/providers/kubernetes/objects.ts'
import { isReady } from '../src/fleet/providers/kubernetes/pod-state.ts'
import { startUsers } from './support/chat-users.ts'
import { CHART, helmIn, requireHelm } from './support/helm/chart.ts'
import { containerRuntime, probe } from './support/helm/containers.ts'
import { kubeBinaries } from './support/kube/binaries.ts'
import { startControlPlane } from './support/kube/control-plane.ts'
import { Kubelet } from './support/kube/kubelet.ts'
import { pathOf } from './support/kube/paths.ts'
import { startService } from './support/kube/service.ts'
import { requireNats, startNats } from './support/nats.ts'

const bin = kubeBinaries()
const NAMESPACE = 'talk'
const RELEASE = 'concertina'
const SLOW = { timeout: 90_000, interval: 200 }

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** The chart, installed on a real control plane; its pods are real processes. */
async function install(more: object = {}) {
  const nats = await startNats({ nodes: 1 })
  closing.push(() => nats.close())
  const plane = await startControlPlane(bin!, {
    controllerManager: ['--horizontal-pod-autoscaler-sync-period=1s'],
  })
  closing.push(() => plane.close())
  const folder = mkdtempSync(join(tmpdir(), 'helm-'))
  closing.push(() => rmSync(folder, { recursive: true, force: true }))
  const helm = helmIn(folder)
  const on = ['--kubeconfig', plane.kubeconfig, '--namespace', NAMESPACE]
  const values = helm.withValues({
    broker: { url: nats.url, replicas: 1 },
    config: {
      autoScaler: {
        minServers: 2,
        maxServers: 4,
        cooldown: 1,
        policy: { kind: 'threshold', scaleUpThreshold: 5, scaleDownThreshold: 3 },
      },
    },
    server: { leaveSeconds: 1, drainSeconds: 2 },
    ...more,
  })
  helm.must('install', RELEASE, CHART, ...on, ...values, '--create-namespace')

  const { secret, run } = await containerRuntime(plane, NAMESPACE, RELEASE)
  const kubelet = new Kubelet(plane.api, { subnet: '127.78', run, probe })
  closing.push(() => kubelet.close())
  await kubelet.start()
  const labelSelector = 'app.kubernetes.io/component=server'
  const service = await startService(plane.api, { namespace: NAMESPACE, labelSelector, port: 8080 })
  closing.push(() => service.close())
  /** Resolves when the controllers desire this many servers, and there are that many, all ready. */
  const settled = async (count: number) => {
    const now = async () => {
      const path = `${pathOf('Deployment', NAMESPACE)}/${RELEASE}-server`
      const { spec } = await plane.api.get<Deployment>(path)
      return [spec.replicas, service.live().length, service.live().filter(isReady).length]
    }
    await expect.poll(now, SLOW).toEqual([count, count, count])
  }
  return {
    plane,
    broker: nats.url,
    secret: secret.secret!,
    service,
    settled,
    upgrade: (set: string) => helm.must('upgrade', RELEASE, CHART, ...on, ...values, '--set', set),
  }
}

it.skipIf(!bin || !requireHelm() || !requireNats())(
  'the chart, installed, is a chat that scales itself, and is upgraded without cutting anyone off',
  { timeout: 300_000 },
  async () => {
    const { broker, secret, service, settled, upgrade } = await install()
    await settled(2)
    let load = 8
    const users = startUsers({ url: service.url, name: RELEASE, load: () => load, secret })
    closing.push(() => users.close())
    await expect.poll(() => users.counts.acked, SLOW).toBeGreaterThan(20)
    const cutOff = await users.cutOff(async () => {
      load = 24
      await settled(4)
      const before = new Set(service.live().map(({ metadata }) => metadata.name))
      upgrade('server.podAnnotations.release=second')
      const left = () => [...service.pods.objects.keys()].some((name) => before.has(name))
      await expect.poll(left, SLOW).toBe(false)
      await settled(4)
      load = 8
      await settled(2)
    })
    const { acked, delivered } = await users.check(broker)
    expect(acked).toBeGreaterThan(100)
    expect(delivered).toBeGreaterThan(acked)
    expect(cutOff).toBe(0)
    expect(users.counts.moved).toBeGreaterThan(20)
  },
)

it.skipIf(!bin || !requireHelm() || !requireNats())(
  'the chart, installed in metric mode, is scaled by its HPA through the certificate that it made',
  { timeout: 300_000 },
  async () => {
    const { plane, secret, service, settled } = await install({
      scaleBy: 'metric',
      controller: { replicas: 1 },
    })
    const controllerAddress = async () => {
      const query = { labelSelector: 'app.kubernetes.io/component=controller' }
      const { items } = await plane.api.get<KubeList<Pod>>(pathOf('Pod', NAMESPACE), { query })
      return items.find(isReady)?.status?.podIP
    }
    await expect.poll(controllerAddress, SLOW).toBeDefined()
    // There is no kube-proxy: the aggregator resolves the name of such a Service, and keeps to the port of the APIService.
    const externalName = await controllerAddress()
    await plane.api.patch(`${pathOf('Service', NAMESPACE)}/${RELEASE}-metric`, {
      spec: { type: 'ExternalName', externalName },
    })
    await plane.api.patch(`${pathOf('APIService')}/v1beta1.external.metrics.k8s.io`, {
      spec: { service: { port: 8443 } },
    })
    await settled(2)
    let load = 24
    const users = startUsers({ url: service.url, name: RELEASE, load: () => load, secret })
    closing.push(() => users.close())
    await settled(4)
    load = 8
    await settled(2)
  },
)
