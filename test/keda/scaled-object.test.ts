import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Deployment, HorizontalPodAutoscaler } from '../../src/fleet/providers/kubernetes/objects.ts'
import { Watcher } from '../../src/fleet/providers/kubernetes/watcher.ts'
import { kedaClient } from '../support/keda/client.ts'
import { kedaBinaries, startKeda } from '../support/keda/operator.ts'
import { startKedaWorkload } from '../support/keda/workload.ts'
import { kubeBinaries } from '../support/kube/binaries.ts'
import { startControlPlane } from '../support/kube/control-plane.ts'
import { deploymentOf } from '../support/kube/deployment.ts'
import { Kubelet } from '../support/kube/kubelet.ts'
import { requirePrometheus } from '../support/prometheus.ts'

const bin = kubeBinaries()
const keda = kedaBinaries()
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments'
const HPAS = '/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers'
const SCALED_OBJECTS = '/apis/keda.sh/v1alpha1/namespaces/default/scaledobjects'
const FALLBACK_SERVERS = 20
const SLOW = { timeout: 150_000, interval: 200 }

describe.skipIf(!bin || !keda || !requirePrometheus())('a ScaledObject of KEDA', { timeout: 600_000 }, () => {
  const closing: (() => unknown)[] = []
  let plane: Awaited<ReturnType<typeof startControlPlane>>
  let workload: Awaited<ReturnType<typeof startKedaWorkload>>
  let scaler: ReturnType<typeof kedaClient>
  let deployments: Watcher<Deployment>
  /** Every size that the Deployment had, in order. */
  const sizes: number[] = []
  const replicas = () => sizes.at(-1)
  /** Resolves when the Deployment has the size that the scaler wants, and that is enough for the users. */
  const follows = async (users: number) => {
    const now = async () => {
      const size = replicas()!
      return size === (await scaler.desired()) && size * 10 >= users
    }
    await expect.poll(now, SLOW).toBe(true)
  }
  /** What KEDA says of the ScaledObject, or the HPA controller of its HPA. */
  const conditionOf = async (path: string, type: string) => {
    const { status } = await plane.api.get<HorizontalPodAutoscaler>(path)
    return status?.conditions?.find((each) => each.type === type)?.status
  }
  const hpaActive = () => conditionOf(`${HPAS}/keda-hpa-web`, 'ScalingActive')

  beforeAll(async () => {
    plane = await startControlPlane(bin!, {
      controllerManager: ['--horizontal-pod-autoscaler-sync-period=1s'],
    })
    closing.push(() => plane.close())
    const operator = await startKeda(plane, keda!)
    closing.push(operator.close)
    const kubelet = new Kubelet(plane.api, { subnet: '127.79' })
    closing.push(() => kubelet.close())
    await kubelet.start()
    await plane.api.create(DEPLOYMENTS, deploymentOf('web', 0))
    deployments = new Watcher<Deployment>(plane.api, {
      path: DEPLOYMENTS,
      onProblem: () => {},
      onChange: () => {
        const size = deployments.objects.get('web')?.spec.replicas
        if (size !== undefined && size !== sizes.at(-1)) sizes.push(size)
      },
    })
    await deployments.start()
    closing.push(() => deployments.close())
    workload = await startKedaWorkload(0, ['--fallback-servers', String(FALLBACK_SERVERS)])
    closing.push(() => workload.close())
    scaler = kedaClient(workload.port)
    closing.push(() => scaler.close())
    while ((await scaler.desired()) !== 1) await sleep(200)
    const atOnce = { tolerance: '0', stabilizationWindowSeconds: 0 }
    await plane.api.create(SCALED_OBJECTS, {
      apiVersion: 'keda.sh/v1alpha1',
      kind: 'ScaledObject',
      metadata: { name: 'web' },
      spec: {
        scaleTargetRef: { name: 'web' },
        pollingInterval: 1,
        cooldownPeriod: 1,
        minReplicaCount: 0,
        maxReplicaCount: 30,
        advanced: { horizontalPodAutoscalerConfig: { behavior: { scaleUp: atOnce, scaleDown: atOnce } } },
        triggers: [{ type: 'external-push', metadata: { scalerAddress: `127.0.0.1:${workload.port}` } }],
      },
    })
  }, 180_000)
  afterAll(async () => {
    for (const close of closing.reverse()) await close()
  })

  it('stays at zero without users, and follows the policy slo from there', async () => {
    await expect.poll(() => conditionOf(`${SCALED_OBJECTS}/web`, 'Active'), SLOW).toBe('False')
    expect(sizes).toEqual([0])
    workload.setUsers(50)
    await follows(50)
    workload.setUsers(120)
    await follows(120)
  })

  it('keeps a safe size while nobody counts the users', async () => {
    workload.setUsers(120)
    await follows(120)
    const before = replicas()!
    expect(before).toBeLessThan(FALLBACK_SERVERS)
    workload.setUsers(undefined)
    await expect.poll(replicas, SLOW).toBe(FALLBACK_SERVERS)
    workload.setUsers(120)
    await expect.poll(replicas, SLOW).toBeLessThan(FALLBACK_SERVERS)
    await follows(120)
  })

  it('keeps its size while the scaler is away, and while a new one gets to know the load', async () => {
    workload.setUsers(120)
    await follows(120)
    const before = replicas()!
    const changes = sizes.length
    await workload.killScaler()
    await expect.poll(hpaActive, SLOW).toBe('False')
    workload.restartScaler()
    await expect.poll(hpaActive, SLOW).toBe('True')
    await follows(120)
    expect(Math.min(before, ...sizes.slice(changes))).toBeGreaterThanOrEqual(12)
    workload.setUsers(200)
    await follows(200)
  })

  it('goes to zero when the last user has left, and comes back', async () => {
    workload.setUsers(0)
    await expect.poll(replicas, SLOW).toBe(0)
    workload.setUsers(30)
    await follows(30)
  })
})
