import { mkdtempSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { get } from 'node:https'
import { join } from 'node:path'
import { json } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { wallClock } from '../src/base/clock.ts'
import { silentLogger } from '../src/base/logger.ts'
import { Fleet } from '../src/fleet/fleet.ts'
import { startMetricApi } from '../src/fleet/providers/kubernetes/metric-api.ts'
import type {
  Deployment,
  HorizontalPodAutoscaler,
  KubeList,
  Pod,
} from '../src/fleet/providers/kubernetes/objects.ts'
import { isReady } from '../src/fleet/providers/kubernetes/pod-state.ts'
import { kubernetesProvider } from '../src/fleet/providers/kubernetes/provider.ts'
import { listen } from '../src/http/listen.ts'
import { runCli, startCli } from './run-cli.ts'
import { type ClusterProcess, startLogging } from './support/cluster.ts'
import { kubeBinaries } from './support/kube/binaries.ts'
import { type ControlPlane, startControlPlane } from './support/kube/control-plane.ts'
import { deploymentOf } from './support/kube/deployment.ts'
import { Kubelet } from './support/kube/kubelet.ts'
import { applyMetricMode, type MetricMode, metricFlags } from './support/kube/metric-mode.ts'
import { requireNats, startNats } from './support/nats.ts'
import { Prometheus, requirePrometheus } from './support/prometheus.ts'

const bin = kubeBinaries()
const APPS = '/apis/apps/v1/namespaces/default/deployments'
const HPAS = '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers'
const PODS = '/api/v1/namespaces/default/pods'
const COST = 'controller.kubernetes.io/pod-deletion-cost'
const SLOW = { timeout: 60_000, interval: 200 }

/** What a controller answers when it is asked for the size. */
function sizeAt(port: number, ca: Buffer): Promise<number | undefined> {
  const path = `/apis/external.metrics.k8s.io/v1beta1/namespaces/default/concertina-desired-servers`
  const tls = { ca, servername: 'concertina-metrics.default.svc', agent: false }
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, path, ...tls, timeout: 5000 }, async (response) => {
      const { items } = (await json(response)) as { items?: { value: string }[] }
      resolve(items && Number(items[0]?.value))
    })
    request.on('error', reject)
  })
}

describe.skipIf(!bin || !requirePrometheus())('an HPA that follows', { timeout: 240_000 }, () => {
  let plane: ControlPlane
  let kubelet: Kubelet
  let mode: MetricMode

  beforeAll(async () => {
    plane = await startControlPlane(bin!, {
      controllerManager: ['--horizontal-pod-autoscaler-sync-period=1s'],
    })
    kubelet = new Kubelet(plane.api)
    await kubelet.start()
    mode = await applyMetricMode(plane)
  }, 120_000)
  afterAll(async () => {
    await kubelet?.close()
    await plane?.close()
  })
  afterEach(async () => {
    // What a failed test left would fail those after it.
    for (const path of [HPAS, APPS]) {
      const { items } = await plane.api.get<KubeList<Deployment>>(path)
      for (const { metadata } of items)
        await plane.api.delete(`${path}/${metadata.name}`, { propagationPolicy: 'Background' })
    }
  })

  const deploy = (name: string, count: number) => plane.api.create(APPS, deploymentOf(name, count))
  const replicas = async (name: string) =>
    (await plane.api.get<Deployment>(`${APPS}/${name}`)).spec.replicas ?? 0
  const live = async (name: string): Promise<Pod[]> => {
    const query = { labelSelector: `app=${name}` }
    const { items } = await plane.api.get<KubeList<Pod>>(PODS, { query })
    return items.filter((pod) => !pod.metadata.deletionTimestamp && isReady(pod))
  }
  const names = async (of: string) => (await live(of)).map(({ metadata }) => metadata.name).sort()
  /** The HPA that the CLI prints, applied. */
  const applyHpa = async (...flags: string[]) => {
    const { stdout, stderr, status } = await runCli(['controller', '--print-hpa', ...flags])
    expect([status, stderr]).toEqual([0, ''])
    await plane.api.create(`${HPAS}?fieldValidation=Strict`, parse(stdout))
  }

  it('gives the Deployment the published size exactly, and the chosen pod goes', async () => {
    await deploy('exact', 2)
    await applyHpa('--deployment', 'exact', '--min-servers', '2', '--max-servers', '30')
    let size: number | undefined
    const emptied: string[] = []
    const provider = kubernetesProvider({
      deployment: 'exact',
      kubeconfig: plane.kubeconfig,
      empty: async (pod) => void emptied.push(pod),
      publish: (count) => {
        size = count
      },
    })
    const fleet = new Fleet(wallClock(), provider)
    const api = await startMetricApi({
      ...{ host: '127.0.0.1', ...mode, namespace: 'default', deployment: 'exact' },
      desired: () => size,
      logger: silentLogger,
    })
    try {
      await fleet.start()
      const settled = (count: number) =>
        expect
          .poll(async () => [await replicas('exact'), (await live('exact')).length, fleet.ready.length], SLOW)
          .toEqual([count, count, count])
      await settled(2)
      fleet.scaleTo(20)
      expect(fleet.desiredCount).toBe(20)
      await settled(20)
      fleet.scaleTo(21) // 5 % more: below the default tolerance
      await settled(21)
      for (const at of [4, 11, 17]) {
        const before = await names('exact')
        const chosen = fleet.ready[at]!
        fleet.drain(chosen.id)
        await expect.poll(() => chosen.state, SLOW).toBe('stopped')
        await settled(before.length - 1)
        expect(await names('exact')).toEqual(before.filter((name) => name !== chosen.ref))
        expect(emptied.at(-1)).toBe(chosen.ref)
      }

      // What the HPA decides by itself takes the emptiest.
      const [empty, quiet] = [fleet.ready[3]!, fleet.ready[9]!]
      for (const server of fleet.servers) server.users = 100
      empty.users = 0
      quiet.users = 5
      const costs = async () =>
        Object.fromEntries(
          (await live('exact')).map(({ metadata }) => [metadata.name, metadata.annotations?.[COST]]),
        )
      await expect.poll(costs, SLOW).toMatchObject({ [empty.ref!]: '0', [quiet.ref!]: '5' })
      const before = await names('exact')
      await plane.api.patch(`${HPAS}/exact`, { spec: { maxReplicas: 16 } })
      await expect.poll(async () => (await names('exact')).length, SLOW).toBe(16)
      expect(await names('exact')).toEqual(before.filter((name) => name !== empty.ref && name !== quiet.ref))

      await fleet.close()
      expect(size).toBeUndefined()
      // No size is known now: the HPA leaves things as they are.
      const condition = async () => {
        const { status } = await plane.api.get<HorizontalPodAutoscaler>(`${HPAS}/exact`)
        return status?.conditions?.find(({ type }) => type === 'ScalingActive')
      }
      await expect.poll(condition, SLOW).toMatchObject({ status: 'False', reason: 'FailedGetExternalMetric' })
      expect((await condition())?.message).toContain('the desired size is not known now')
      expect(await replicas('exact')).toBe(16)
    } finally {
      await fleet.close()
      api.close()
    }
  })

  it('is named where it keeps the size from being carried out', async () => {
    await deploy('hindered', 1)
    const problems: string[] = []
    const start = async () => {
      problems.length = 0
      const options = { deployment: 'hindered', kubeconfig: plane.kubeconfig, publish: () => {} }
      const provider = kubernetesProvider(options)
      const fleet = new Fleet(wallClock(), provider, { onProblem: (reason) => problems.push(reason) })
      await fleet.start()
      await fleet.close()
      return problems.join('\n')
    }
    expect(await start()).toContain('no HorizontalPodAutoscaler scales the Deployment by the published size')
    const scaleTargetRef = { apiVersion: 'apps/v1', kind: 'Deployment', name: 'hindered' }
    const target = { type: 'Utilization', averageUtilization: 50 }
    await plane.api.create(HPAS, {
      metadata: { name: 'old' },
      spec: {
        scaleTargetRef,
        maxReplicas: 3,
        metrics: [{ type: 'Resource', resource: { name: 'cpu', target } }],
      },
    })
    const text = await start()
    for (const part of ['does not scale by the metric', 'from 20 to 21', 'waits for 300 s'])
      expect(text).toContain(part)
  })

  it('a controller that publishes the size of a policy; one that would write it does not start', async () => {
    const folder = mkdtempSync(join(plane.folder, 'prometheus-'))
    let users = 100
    const app = createServer((_, response) => response.end(`users_online ${users}\n`))
    const targets = [`127.0.0.1:${await listen(app, '127.0.0.1', 0)}`]
    const scrape = [{ job_name: 'app', static_configs: [{ targets }] }]
    const config = { global: { scrape_interval: '1s' }, scrape_configs: scrape }
    const prometheus = await Prometheus.startWith(folder, JSON.stringify(config))
    try {
      await deploy('web', 2)
      await applyHpa('--deployment', 'web', '--min-servers', '2', '--max-servers', '9')
      const flags = ['controller', '--provider', 'kubernetes', '--deployment', 'web']
      flags.push('--kubeconfig', plane.kubeconfig, '--control-port', '0', '--cooldown', '0')
      flags.push('--prometheus', prometheus.url, '--load-query', 'users_online')
      flags.push('--scale-up-threshold', '20', '--scale-down-threshold', '10')
      const direct = await runCli(flags)
      expect([direct.status, direct.stderr]).toEqual([2, expect.stringContaining('--scale-by metric')])
      expect(direct.stderr).toContain('the HorizontalPodAutoscaler web scales it, too')

      const { child, finished } = startCli([...flags, ...metricFlags(mode)])
      try {
        await expect.poll(() => replicas('web'), SLOW).toBe(5)
        users = 160
        await expect.poll(() => replicas('web'), SLOW).toBe(8)
        users = 15
        await expect.poll(() => replicas('web'), SLOW).toBe(2)
      } finally {
        child.kill('SIGTERM')
      }
      expect((await finished).status).toBe(0)
    } finally {
      prometheus.process.kill('SIGKILL')
      app.close()
      app.closeAllConnections()
    }
  })

  it.skipIf(!requireNats())('what the leader of a chat decides, whichever controller is asked', async () => {
    const nats = await startNats({ nodes: 1 })
    const flags = ['controller', '--broker', nats.url, '--replicas', '1', '--provider', 'kubernetes']
    flags.push('--deployment', 'chat', '--kubeconfig', plane.kubeconfig, '--control-port', '0')
    flags.push('--max-servers', '4', ...metricFlags({ ...mode, port: 0 }))
    const controllers: ClusterProcess[] = []
    /** The size that each controller answers with. */
    const sizes = () =>
      Promise.all(
        controllers.map(async ({ line }) => {
          const { metricPort } = await line((each) => each.metricPort !== undefined)
          return sizeAt(Number(metricPort), readFileSync(mode.certFile))
        }),
      )
    try {
      await deploy('chat', 1)
      controllers.push(startLogging([...flags, '--min-servers', '3']))
      await expect.poll(sizes, SLOW).toEqual([3])
      controllers.push(startLogging([...flags, '--min-servers', '4']))
      await expect.poll(sizes, SLOW).toEqual([3, 3])
      controllers.shift()!.child.kill('SIGKILL')
      await expect.poll(sizes, SLOW).toEqual([4])
    } finally {
      for (const { child } of controllers) child.kill('SIGKILL')
      await nats.close()
    }
  })

  it('is asked for with flags that fit', async () => {
    const cases: [string[], string][] = [
      [['--scale-by', 'metric'], '--metric-cert: --scale-by metric needs it'],
      [['--metric-port', '1'], '--metric-port: no metric is published'],
      [['--print-hpa', '--min-servers', '0'], '--min-servers: 0 is not allowed'],
      [['--provider', 'aws', '--scale-by', 'metric'], '--scale-by: it is only for Deployments'],
      [
        ['--scale-by', 'metric', '--metric-cert', '/no/such', '--metric-key', mode.keyFile],
        '--metric-cert: /no/such: ENOENT',
      ],
    ]
    await deploy('none', 0)
    const common = ['--provider', 'kubernetes', '--deployment', 'none', '--kubeconfig', plane.kubeconfig]
    for (const [flags, message] of cases) {
      const load = ['--prometheus', 'http://127.0.0.1:1', '--load-query', 'x', '--control-port', '0']
      const { status, stderr } = await runCli(['controller', ...common, ...load, ...flags])
      expect([status, stderr]).toEqual([2, expect.stringContaining(message)])
    }
  })
})
