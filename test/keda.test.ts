import { afterEach, expect, it } from 'vitest'
import type { Deployment } from '../src/fleet/providers/kubernetes/objects.ts'
import { kedaClient } from './support/keda/client.ts'
import { startKedaWorkload } from './support/keda/workload.ts'
import { kubeBinaries } from './support/kube/binaries.ts'
import { startControlPlane } from './support/kube/control-plane.ts'
import { deploymentOf } from './support/kube/deployment.ts'
import { Kubelet } from './support/kube/kubelet.ts'
import { MetricsApi } from './support/kube/metrics-api.ts'
import { requirePrometheus } from './support/prometheus.ts'

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
    const workload = await startKedaWorkload(50)
    closing.push(() => workload.close())
    const { port, prometheus } = workload
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
    workload.setUsers(120)
    await enough(12)
    workload.setUsers(undefined)
    await expect.poll(() => prometheus.query('absent(users_online)'), SLOW).toEqual([1])
    await expect.poll(async () => (await replicas()) === (await keda.desired()), SLOW).toBe(true)
    expect(await replicas()).toBeGreaterThanOrEqual(12)
    expect(seen).toEqual([true])
  },
)
