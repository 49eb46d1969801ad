import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, it } from 'vitest'
import type { Deployment } from '../src/fleet/providers/kubernetes/objects.ts'
import { listen } from '../src/http/listen.ts'
import { startCli } from './run-cli.ts'
import { kedaClient } from './support/keda.ts'
import { kubeBinaries } from './support/kube/binaries.ts'
import { startControlPlane } from './support/kube/control-plane.ts'
import { deploymentOf } from './support/kube/deployment.ts'
import { Kubelet } from './support/kube/kubelet.ts'
import { MetricsApi } from './support/kube/metrics-api.ts'
import { freePort } from './support/ports.ts'
import { Prometheus, requirePrometheus } from './support/prometheus.ts'

const bin = kubeBinaries()
const APPS = '/apis/apps/v1/namespaces/default/deployments'
const HPAS = '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers'
const SLOW = { timeout: 60_000, interval: 200 }

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

it.skipIf(!bin || !requirePrometheus())(
  'the HPA of a ScaledObject, asked for and fed as by KEDA, follows the policy slo',
  { timeout: 240_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'keda-'))
    closing.push(() => rmSync(folder, { recursive: true, force: true }))
    let users: number | undefined = 50
    const app = createServer((_, response) => {
      response.end(users === undefined ? '' : `users_online ${users}\n`)
    })
    const targets = [`127.0.0.1:${await listen(app, '127.0.0.1', 0)}`]
    closing.push(() => {
      app.close()
      app.closeAllConnections()
    })
    const scrape = [{ job_name: 'app', static_configs: [{ targets }] }]
    const prometheus = await Prometheus.startWith(
      folder,
      JSON.stringify({ global: { scrape_interval: '1s' }, scrape_configs: scrape }),
    )
    closing.push(() => prometheus.process.kill('SIGKILL'))
    const config = join(folder, 'concertina.yaml')
    writeFileSync(
      config,
      'autoScaler: { minServers: 1, maxServers: 30, policy: { kind: slo, usersPerServer: 10 } }\n',
    )
    const port = await freePort()
    const load = ['--prometheus', prometheus.url, '--load-query', 'users_online', '--control-port', '0']
    const scaler = startCli(['keda', '--port', String(port), '--config', config, ...load])
    closing.push(async () => {
      scaler.child.kill('SIGTERM')
      await scaler.finished
    })
    const keda = kedaClient(port)
    closing.push(() => keda.close())

    const plane = await startControlPlane(bin!, {
      controllerManager: ['--horizontal-pod-autoscaler-sync-period=1s'],
    })
    closing.push(() => plane.close())
    const kubelet = new Kubelet(plane.api)
    closing.push(() => kubelet.close())
    await kubelet.start()
    await plane.api.create(APPS, deploymentOf('web', 1))

    // The operator asks for the metrics and makes the HPA; the adapter asks for values whenever the HPA does.
    const spec = async () => {
      const answer = await keda.call('GetMetricSpec').catch(() => undefined)
      return (answer?.metricSpecs as { metricName: string; targetSizeFloat: number }[] | undefined)?.[0]
    }
    await expect.poll(spec, SLOW).toBeDefined()
    const { metricName, targetSizeFloat } = (await spec())!
    const metrics = new MetricsApi(plane, {
      external: async (name) => (name === `s0-${metricName}` ? keda.desired() : undefined),
    })
    closing.push(() => metrics.close())
    await metrics.start()
    const { seen, cancel } = keda.activity()
    closing.push(cancel)
    const atOnce = { tolerance: '0', stabilizationWindowSeconds: 0 }
    await plane.api.create(HPAS, {
      metadata: { name: 'keda-hpa-web' },
      spec: {
        scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'web' },
        minReplicas: 1,
        maxReplicas: 30,
        metrics: [
          {
            type: 'External',
            external: {
              metric: { name: `s0-${metricName}` },
              target: { type: 'AverageValue', averageValue: `${targetSizeFloat * 1000}m` },
            },
          },
        ],
        behavior: { scaleUp: atOnce, scaleDown: atOnce },
      },
    })
    const replicas = async () => (await plane.api.get<Deployment>(`${APPS}/web`)).spec.replicas ?? 0
    const enough = (count: number) => expect.poll(replicas, SLOW).toBeGreaterThanOrEqual(count)
    await enough(5)
    await expect.poll(() => seen, SLOW).toEqual([true])
    users = 120
    await enough(12)
    users = undefined
    await expect.poll(() => prometheus.query('absent(users_online)'), SLOW).toEqual([1])
    await expect.poll(async () => (await replicas()) === (await keda.desired()), SLOW).toBe(true)
    expect(await replicas()).toBeGreaterThanOrEqual(12)
    expect(seen).toEqual([true])
  },
)
