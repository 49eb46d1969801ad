import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { wallClock } from '../src/base/clock.ts'
import { readConfig } from '../src/cli/config/config.ts'
import { runAutoScalingDemo } from '../src/demo.ts'
import { providerChecks } from '../src/fleet/conformance.ts'
import { Fleet } from '../src/fleet/fleet.ts'
import { K8sIntegration } from '../src/fleet/integrations.ts'
import type { Deployment, KubeList, Pod } from '../src/fleet/providers/kubernetes/objects.ts'
import { type KubernetesOptions, kubernetesProvider } from '../src/fleet/providers/kubernetes/provider.ts'
import { runCli } from './run-cli.ts'
import { kubeBinaries } from './support/kube/binaries.ts'
import { type ControlPlane, startControlPlane } from './support/kube/control-plane.ts'
import { deploymentOf } from './support/kube/deployment.ts'
import { Kubelet } from './support/kube/kubelet.ts'
import { pathOf } from './support/kube/paths.ts'

const bin = kubeBinaries()
const APPS = '/apis/apps/v1/namespaces/default/deployments'
const PODS = '/api/v1/namespaces/default/pods'
const COST = 'controller.kubernetes.io/pod-deletion-cost'

describe.skipIf(!bin)('on a real control plane', { timeout: 60_000 }, () => {
  let plane: ControlPlane
  let kubelet: Kubelet
  let startMs = 50
  let crashing = false
  const open: Fleet[] = []

  beforeAll(async () => {
    plane = await startControlPlane(bin!)
    kubelet = new Kubelet(plane.api, { readyAfterMs: () => startMs, crashes: () => crashing })
    await kubelet.start()
  }, 90_000)
  afterAll(async () => {
    await kubelet?.close()
    await plane?.close()
  })

  const replicas = async (name = 'chat') =>
    (await plane.api.get<Deployment>(`${APPS}/${name}`)).spec.replicas ?? 0
  const livePods = async (name = 'chat') => {
    const query = { labelSelector: `app=${name}` }
    const { items } = await plane.api.get<KubeList<Pod>>(PODS, { query })
    return items.filter(({ metadata }) => !metadata.deletionTimestamp)
  }
  const scale = (count: number) => plane.api.patch(`${APPS}/chat/scale`, { spec: { replicas: count } })

  async function deploy(count: number, options: { gate?: boolean; name?: string } = {}): Promise<void> {
    const { gate = false, name = 'chat' } = options
    await plane.api.create(APPS, deploymentOf(name, count, { gate }))
  }
  async function undeploy(name = 'chat'): Promise<void> {
    await plane.api.delete(`${APPS}/${name}`, { propagationPolicy: 'Background' })
    await expect.poll(() => livePods(name), { timeout: 20_000 }).toEqual([])
  }

  /** A fleet on the Deployment `chat`. */
  async function fleetOf(options: Partial<KubernetesOptions> = {}) {
    const problems: string[] = []
    const failures: string[] = []
    const provider = kubernetesProvider({ deployment: 'chat', kubeconfig: plane.kubeconfig, ...options })
    const fleet = new Fleet(wallClock(), provider, {
      replaceFailed: true,
      onProblem: (reason) => problems.push(reason),
    })
    fleet.onChange(({ life }) => life.state === 'failed' && failures.push(life.reason))
    open.push(fleet)
    await fleet.start()
    const ready = (count: number) =>
      expect.poll(() => [fleet.ready.length, fleet.desiredCount], { timeout: 20_000 }).toEqual([count, count])
    return { fleet, ready, problems, failures }
  }

  beforeEach(() => {
    startMs = 50
    crashing = false
    return async () => {
      for (const fleet of open.splice(0)) await fleet.close()
      // What a failed test left would fail those after it.
      const { items } = await plane.api.get<KubeList<Deployment>>(APPS)
      for (const { metadata } of items) await undeploy(metadata.name)
    }
  })

  describe('conformance', () => {
    for (const { name, run } of providerChecks({
      provider: (lifecycle) =>
        kubernetesProvider({ deployment: 'chat', kubeconfig: plane.kubeconfig })(lifecycle),
      outlives: true,
      timeoutMs: 15_000,
      reset: undeploy,
    })) {
      it(name, async () => {
        startMs = 300
        await deploy(0)
        await run()
      })
    }
  })

  it('adopts what runs, scales out and in, and the chosen pod is the one that goes', async () => {
    await deploy(2, { gate: true })
    const emptied: string[] = []
    const { fleet, ready, failures } = await fleetOf({ empty: async (pod) => void emptied.push(pod) })
    await ready(2)
    fleet.scaleTo(6)
    expect(fleet.desiredCount).toBe(6)
    await ready(6)
    for (let round = 0; round < 5; round++) {
      const chosen = fleet.ready[round % fleet.ready.length]!
      fleet.drain(chosen.id)
      expect(fleet.desiredCount).toBe(5 - round)
      await expect.poll(() => chosen.state, { timeout: 15_000 }).toBe('stopped')
      const left = (await livePods()).map(({ metadata }) => metadata.name).sort()
      expect(left).toEqual(fleet.ready.map(({ ref }) => ref).sort())
      expect(emptied[round]).toBe(chosen.ref)
    }
    expect([await replicas(), failures]).toEqual([1, []])
  })

  it('needs no more rights than deploy/kubernetes/rbac.yaml gives', async () => {
    for (const document of parseAllDocuments(readFileSync('deploy/kubernetes/rbac.yaml', 'utf8'))) {
      const object = document.toJS() as { kind: string; subjects?: object[] }
      const subjects = object.subjects?.map((each) => ({ ...each, namespace: 'default' }))
      await plane.api.create(pathOf(object.kind), { ...object, ...(subjects && { subjects }) })
    }
    const { status } = await plane.api.create<{ status: { token: string } }>(
      `${pathOf('ServiceAccount')}/concertina/token`,
      { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { expirationSeconds: 600 } },
    )
    const admin = parse(readFileSync(plane.kubeconfig, 'utf8')) as object
    const kubeconfig = join(plane.folder, 'concertina.kubeconfig')
    writeFileSync(kubeconfig, JSON.stringify({ ...admin, users: [{ name: 'test', user: status }] }))
    await deploy(1, { gate: true })
    const { fleet, ready, problems } = await fleetOf({ kubeconfig })
    await ready(1)
    fleet.scaleTo(3)
    await ready(3)
    const [chosen, killed] = fleet.ready
    fleet.drain(chosen!.id)
    await expect.poll(() => chosen!.state, { timeout: 15_000 }).toBe('stopped')
    fleet.kill(killed!.id)
    await expect.poll(() => killed!.state, { timeout: 15_000 }).toBe('failed')
    await ready(2)
    expect(problems).toEqual([])
  })

  it('has manifests that the API server takes word for word, with flags that the commands have', async () => {
    const strictly = '?dryRun=All&fieldValidation=Strict'
    for (const document of parseAllDocuments(readFileSync('deploy/kubernetes/chat.yaml', 'utf8'))) {
      const object = document.toJS() as {
        kind: string
        metadata: { name: string }
        data?: Record<string, string>
        spec?: { template?: { spec: { containers: { args: string[] }[] } } }
      }
      const made = await plane.api.create<Deployment>(`${pathOf(object.kind)}${strictly}`, object)
      expect(made.metadata.name).toBe(object.metadata.name)
      if (object.data) {
        const config = join(plane.folder, 'config.yaml')
        writeFileSync(config, object.data['config.yaml']!)
        expect(readConfig(config).autoScaler).toMatchObject({ minServers: 2, maxServers: 20 })
      }
      const [command, ...flags] = object.spec?.template?.spec.containers[0]?.args ?? []
      if (command === undefined) continue
      const { stdout } = await runCli([command, '--help'])
      for (const flag of flags) expect(stdout).toContain(`${flag.split('=')[0]} <`)
    }
    await expect(
      plane.api.create(`${APPS}${strictly}`, { metadata: { name: 'wrong' }, spec: { replica: 1 } }),
    ).rejects.toThrow('unknown field')
  })

  it('lets the next controller find the same fleet, and finish a drain that was begun', async () => {
    await deploy(3)
    const first = await fleetOf({ empty: () => new Promise(() => {}) })
    await first.ready(3)
    const [chosen] = first.fleet.ready
    first.fleet.drain(chosen!.id)
    const annotated = async () =>
      (await plane.api.get<Pod>(`${PODS}/${chosen!.ref}`)).metadata.annotations?.[COST]
    await expect.poll(annotated).toBe('-1000000')
    await first.fleet.close()
    const second = await fleetOf()
    await second.ready(2)
    expect(second.fleet.servers.find(({ ref }) => ref === chosen!.ref)?.state).not.toBe('ready')
    await expect.poll(async () => (await livePods()).length).toBe(2)
    expect(await replicas()).toBe(2)
  })

  it('takes the chosen pod back into service when another one is lost in its place', async () => {
    await deploy(4, { gate: true })
    let letGo: (() => void) | undefined
    const restored: string[] = []
    const { fleet, ready } = await fleetOf({
      empty: () =>
        new Promise((resolve) => {
          letGo = resolve
        }),
      restore: (pod) => restored.push(pod),
    })
    await ready(4)
    const [chosen, other] = fleet.ready
    fleet.drain(chosen!.id)
    await expect.poll(() => letGo).toBeDefined()
    expect(fleet.desiredCount).toBe(3)
    // Replaced by a pod that starts slowly: a set gives up first what is not ready yet.
    startMs = 60_000
    await plane.api.delete(`${PODS}/${other!.ref}`, { gracePeriodSeconds: 0 })
    await expect.poll(async () => (await livePods()).length).toBe(4)
    letGo!()
    await expect.poll(() => chosen!.state, { timeout: 20_000 }).toMatch(/ready|stopped/)
    await ready(3)
    expect([await replicas(), (await livePods()).length]).toEqual([3, 3])
    if (chosen!.state === 'ready') expect(restored).toEqual([chosen!.ref])
  })

  it('counts replacements and changes by hand without launching twice', async () => {
    await deploy(3)
    const { fleet, ready, failures } = await fleetOf()
    await ready(3)
    await plane.api.delete(`${PODS}/${fleet.ready[0]!.ref}`, { gracePeriodSeconds: 0 })
    await expect.poll(() => failures.length + fleet.servers.filter((s) => s.id > 3).length).toBeGreaterThan(0)
    expect(fleet.desiredCount).toBe(3)
    await ready(3)
    await scale(5)
    await ready(5)
    await scale(2)
    await ready(2)
    expect(await replicas()).toBe(2)
  })

  it('keeps the count through a rolling update', async () => {
    await deploy(4)
    const { fleet, ready } = await fleetOf()
    await ready(4)
    const before = new Set(fleet.ready.map(({ ref }) => ref))
    const counts = new Set<number>()
    fleet.onChange(() => counts.add(fleet.desiredCount))
    const annotations = { restarted: '1' }
    await plane.api.patch(`${APPS}/chat`, { spec: { template: { metadata: { annotations } } } })
    const renewed = () => fleet.ready.length === 4 && fleet.ready.every(({ ref }) => !before.has(ref))
    await expect.poll(renewed, { timeout: 20_000 }).toBe(true)
    await ready(4)
    expect(Math.max(...counts)).toBe(4)
    expect(await replicas()).toBe(4)
  })

  it('reports a crash loop as failed with its reason, and does not launch more for it', async () => {
    crashing = true
    await deploy(1)
    const { fleet, failures } = await fleetOf()
    fleet.scaleTo(2)
    await expect.poll(() => failures.length, { timeout: 15_000 }).toBeGreaterThan(0)
    expect(failures[0]).toBe('CrashLoopBackOff (container chat): Error, status 1')
    await expect.poll(replicas).toBe(2)
    expect([fleet.desiredCount, fleet.ready.length]).toEqual([2, 0])
  })

  it('continues when the API server was away', async () => {
    await deploy(2)
    const { fleet, ready, problems } = await fleetOf()
    await ready(2)
    await plane.restart('kube-apiserver')
    fleet.scaleTo(3)
    await ready(3)
    expect(problems.join('\n')).toMatch(/Kubernetes API|cannot scale/)
  })

  it('is what the demonstration scales, by its simulated users', async () => {
    await deploy(0)
    const lines: string[] = []
    const sizes = new Set<number>()
    const watching = setInterval(() => void replicas().then((count) => sizes.add(count)), 100)
    const { kubeconfig } = plane
    const cloudProvider = new K8sIntegration({ namespace: 'default', deployment: 'chat', kubeconfig })
    const write = (line: string) => lines.push(line)
    const demo = { duration: 9, peakRate: 60, cooldown: 1, scaleUpThreshold: 12, write }
    const result = await runAutoScalingDemo({ ...demo, cloudProvider })
    clearInterval(watching)
    expect(lines.join('\n')).toContain('Servers: Deployment chat in namespace default; users are simulated')
    expect(result.scalingEvents.map(({ to }) => to)).toEqual(expect.arrayContaining([3, 4, 5]))
    expect([...sizes]).toEqual(expect.arrayContaining([2, 3, 4, 5]))
    expect(result.rejectedMessages).toBe(0)
    const last = result.scalingEvents.at(-1)!.to
    await expect
      .poll(async () => [await replicas(), (await livePods()).length], { timeout: 15_000 })
      .toEqual([last, last])
    expect(last).toBeLessThan(result.peakServers)
    await expect(runAutoScalingDemo({ ...demo, cloudProvider, pace: Infinity })).rejects.toThrow(
      'servers of a cloud',
    )
    await undeploy()
    await expect(runAutoScalingDemo({ ...demo, cloudProvider })).rejects.toThrow('no Deployment chat')
  })

  it('rejects a Deployment that an HPA scales, and one that does not exist', async () => {
    await deploy(1)
    const hpas = '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers'
    await plane.api.create(hpas, {
      metadata: { name: 'rival' },
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'chat' },
        minReplicas: 1,
        maxReplicas: 3,
        metrics: [
          {
            type: 'Resource',
            resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 50 } },
          },
        ],
      },
    })
    await expect(fleetOf()).rejects.toThrow('the HorizontalPodAutoscaler rival scales it, too')
    await plane.api.delete(`${hpas}/rival`)
    await expect(fleetOf({ deployment: 'nope' })).rejects.toThrow('no Deployment nope in namespace default')
  })
})
